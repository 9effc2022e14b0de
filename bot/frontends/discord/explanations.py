"""The buttons under replies: "Why?", "Not quite", and the answers to a question."""

from discord.ext import commands

from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.questions import AnswerButton, NotQuiteButton
from bot.frontends.discord.reasons import WhyButton


class Explanations(commands.Cog):
    """Handles the buttons under every reply, also those of earlier starts."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        self._bot.add_dynamic_items(WhyButton, NotQuiteButton, AnswerButton)

    async def cog_unload(self) -> None:
        self._bot.remove_dynamic_items(WhyButton, NotQuiteButton, AnswerButton)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Explanations(bot))
