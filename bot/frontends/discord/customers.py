"""What customers ask for by name: /review, "Judge this review", /help and /privacy."""

import asyncio
from contextlib import suppress
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.concierge import Reply
from bot.frontends.discord import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, persist
from bot.frontends.discord.markup import plain_text
from bot.frontends.discord.reasons import explained
from bot.responses import MAX_CHARACTERS, Kind

DEFER_AFTER_SECONDS = 1.0
"""Discord waits 3 s for a first answer; a quicker one needs no "is thinking" before it."""

LONGEST_REVIEW = 4_000
"""What somebody with Nitro may write in a message, in characters."""


class Customers(commands.Cog):
    """The commands that everybody may use."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot
        self._judge = app_commands.ContextMenu(name="Judge this review", callback=self.judge)

    async def cog_load(self) -> None:
        self._bot.tree.add_command(self._judge)  # unlike a slash command, it is no cog's member

    async def cog_unload(self) -> None:
        self._bot.tree.remove_command(self._judge.name, type=self._judge.type)

    @app_commands.command(name="review", description="Tell me what you thought of a film")
    @app_commands.describe(
        text="Your review, in your own words",
        explain="Show me, and nobody else, which words carried the verdict",
    )
    async def review(
        self,
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, LONGEST_REVIEW],
        explain: bool = False,
    ) -> None:
        """Answers where everybody sees it, as to a mention."""
        await self._answer(interaction, text, ephemeral=False, explain=explain)

    async def judge(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Answers the one who asks, and nobody else: the author did not ask to be judged."""
        if message.author.bot or message.webhook_id:
            await self._tell(interaction, self._bot.concierge.say(Kind.ROBOT))
            return
        attachment = bool(message.attachments)
        await self._answer(interaction, message.content, ephemeral=True, attachment=attachment)

    @app_commands.command(name="help", description="What I do, and how to ask me")
    async def help(self, interaction: discord.Interaction) -> None:
        await self._tell(interaction, self._bot.concierge.say(Kind.HELP))

    @app_commands.command(name="privacy", description="What I read, what I keep and whom to ask")
    async def privacy(self, interaction: discord.Interaction) -> None:
        await self._tell(interaction, self._bot.concierge.say(Kind.PRIVACY))

    async def _answer(
        self,
        interaction: discord.Interaction,
        content: str,
        *,
        ephemeral: bool,
        attachment: bool = False,
        explain: bool = False,
    ) -> None:
        """Judges `content`, which is a review because somebody says so.

        What is no judgement is for the one who asked, if there is a choice.
        """
        with self._bot.answering():
            answering = asyncio.create_task(
                self._bot.concierge.answer(
                    plain_text(content),
                    customer=interaction.user.id,
                    attachment=attachment,
                    is_review=True,
                )
            )
            try:
                await asyncio.wait({answering}, timeout=DEFER_AFTER_SECONDS)
                if answering.done():
                    reply = answering.result()
                    hint = reply.verdict is None
                    await self._tell(interaction, reply, ephemeral=ephemeral or hint)
                else:
                    await self._tell_later(interaction, answering, ephemeral=ephemeral)
                await self._bot.report(answering.result())
                if explain and answering.result().is_judgement:
                    await self._explain(interaction, plain_text(content))
            finally:
                answering.cancel()

    async def _explain(self, interaction: discord.Interaction, review: str) -> None:
        """Follows up on an answer, for the one who asked."""
        text = await explained(self._bot, review)
        with suppress(*CANNOT_SEND):
            await interaction.followup.send(text, ephemeral=True, suppress_embeds=True)

    async def _tell(
        self, interaction: discord.Interaction, reply: Reply, *, ephemeral: bool = True
    ) -> None:
        text = self._signed(reply.text)
        respond = interaction.response.send_message
        send = partial(respond, text, ephemeral=ephemeral, suppress_embeds=True)
        await self._bot.delivery.deliver(reply, interaction.channel_id or 0, send)

    async def _tell_later(
        self,
        interaction: discord.Interaction,
        answering: "asyncio.Task[Reply]",
        *,
        ephemeral: bool,
    ) -> None:
        """Lets Discord show "is thinking" until the answer is there.

        The first message after that takes its place. Whether it did, a reset leaves open: then
        the place is filled by an edit, which may be repeated, but cannot suppress a preview.
        """
        defer = partial(interaction.response.defer, ephemeral=ephemeral, thinking=True)
        with suppress(*CANNOT_SEND):  # what is wrong will show when the answer is sent
            await persist(defer)
        reply = await answering
        send = partial(interaction.followup.send, reply.text, suppress_embeds=True)
        again = partial(interaction.edit_original_response, content=reply.text)
        await self._bot.delivery.deliver(reply, interaction.channel_id or 0, send, again)

    def _signed(self, text: str) -> str:
        """With the application's owner in the place of {owner}; shown by name, and not pinged."""
        application = self._bot.application
        assert application is not None  # read at every log-in
        owner = application.team.owner_id if application.team else application.owner.id
        return text.replace("{owner}", f"<@{owner}>")[:MAX_CHARACTERS]


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Customers(bot))
