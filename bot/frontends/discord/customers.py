"""The commands for customers: /review, "Judge this review" and /help."""

from contextlib import suppress

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.reply import Reply
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND
from bot.frontends.discord.handover import handed_over, handed_over_by_command
from bot.frontends.discord.markup import plain_text
from bot.frontends.discord.reading import attachments, review_in
from bot.frontends.discord.reasons import explained
from bot.frontends.discord.recipients import user_of
from bot.frontends.discord.replies import respond_to, tell
from bot.sentences.responses import Kind

MAX_REVIEW_CHARACTERS = 4_000
"""The limit for a message of a Nitro user, in characters."""


class Customers(commands.Cog):
    """The commands that everybody may use."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._judge = app_commands.ContextMenu(name="Judge this review", callback=self.judge)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._judge)  # unlike a slash command, it belongs to no cog

    async def cog_unload(self) -> None:
        self._bot.tree.remove_command(self._judge.name, type=self._judge.type)

    @app_commands.command(name="review", description="Tell me what you thought of a film")
    @app_commands.describe(
        text="Your review, in your own words",
        explain="Show only me which words decided the verdict",
    )
    async def review(
        self,
        interaction: discord.Interaction[ConciergeBot],
        text: app_commands.Range[str, 1, MAX_REVIEW_CHARACTERS],
        explain: bool = False,
    ) -> None:
        """Answers visibly for everybody, like a mention."""
        review, to = plain_text(text), user_of(interaction)

        async def answer() -> Reply:
            reply = await self._bot.concierge.answer(
                review,
                customer=interaction.user.id,
                place=interaction.channel_id,
                to=to,
                is_review=True,
            )
            return await handed_over_by_command(self._bot, interaction, reply)

        with self._bot.answering():
            reply = await respond_to(self._bot, interaction, answer(), own=True)
            if explain and reply.is_judgement:
                with self._bot.concierge.explaining(interaction.user.id, to) as refusal:
                    said = refusal.text if refusal else await explained(self._bot, review, to)
                with suppress(*CANNOT_SEND):
                    await interaction.followup.send(said, ephemeral=True, suppress_embeds=True)

    async def judge(
        self, interaction: discord.Interaction[ConciergeBot], message: discord.Message
    ) -> None:
        """Answers only the user who asks: the author did not ask to be judged."""
        if message.author.bot or message.webhook_id:
            await self._tell(interaction, Kind.ROBOT)
            return

        async def answer() -> Reply:
            reply = await self._bot.concierge.answer(
                await review_in(message),
                customer=interaction.user.id,
                to=user_of(interaction),
                attachment=bool(attachments(message)),
                is_review=True,
            )
            return await handed_over(self._bot, message, reply)

        with self._bot.answering():
            await respond_to(self._bot, interaction, answer(), own=False)

    @app_commands.command(name="help", description="What I do, and how to ask me")
    async def help(self, interaction: discord.Interaction[ConciergeBot]) -> None:
        await self._tell(interaction, Kind.HELP)

    async def _tell(self, interaction: discord.Interaction[ConciergeBot], kind: Kind) -> None:
        with self._bot.answering():
            reply = self._bot.concierge.say(kind, user_of(interaction))
            await tell(self._bot, interaction, reply)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Customers(bot))
