"""/responses reload, and messages to operators about an invalid responses.yaml."""

import discord
from discord import app_commands

from bot.errors import ResponsesError
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.operators import OperatorCog, caller, tell_operators
from bot.frontends.discord.repeated import Repeated
from bot.sentences.responses import MAX_CHARACTERS

LOOK_SECONDS = 1.0
"""Between checks of the file."""


@app_commands.default_permissions(administrator=True)
class ResponsesCommands(OperatorCog, group_name="responses", group_description="What the bot says"):
    """Watches the file; /responses reload applies it at once."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._watching = Repeated("Looking at the sentences", LOOK_SECONDS, self._look)

    async def cog_load(self) -> None:
        self._watching.start()

    async def cog_unload(self) -> None:
        self._watching.cancel()

    @app_commands.command(name="reload", description="Read the file with the sentences again")
    async def reload(self, interaction: discord.Interaction) -> None:
        try:
            said = str(await self._bot.operations.reload(caller(interaction)))
        except ResponsesError as error:
            said = _refusal(error)
        await interaction.response.send_message(said, ephemeral=True)

    async def _look(self) -> None:
        """Applies a changed file."""
        outcome = await self._bot.operations.sentences.look()
        if isinstance(outcome, ResponsesError):
            await tell_operators(self._bot, _refusal(outcome))


def _refusal(error: ResponsesError) -> str:
    """With the lines to copy as a code block, or as many of them as fit."""
    refusal = f"The sentences stay as they were. {error.problem}"[:MAX_CHARACTERS]
    if not error.sample:
        return refusal
    room = MAX_CHARACTERS - len(f"{refusal}\n```yaml\n```")
    lines = error.sample.splitlines(keepends=True)
    # A list is two lines. Once these are in the file, the next refusal has the others.
    while len("".join(lines)) > room:
        del lines[-2:]
    return f"{refusal}\n```yaml\n{''.join(lines)}```"


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(ResponsesCommands(bot))
