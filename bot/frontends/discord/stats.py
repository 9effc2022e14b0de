"""/stats: how it goes on a server, as a picture, in words and as CSV."""

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.desk.summary import Period, Summary, in_words, percent, summarise, to_csv
from bot.errors import StoreError, UnusableCheckpointError
from bot.frontends.discord.admins import desk_of, is_admin
from bot.frontends.discord.client import DIRECT, ConciergeBot
from bot.frontends.discord.delivery import respond
from bot.frontends.discord.escaping import code, plain
from bot.frontends.discord.operators import caller
from bot.frontends.discord.references import reference
from bot.sentences.responses import MAX_CHARACTERS
from trainer.extras import missing

MAX_ALT_CHARACTERS = 1024
"""Of a file's description on Discord."""
MAX_CHECKPOINTS = 5
"""Of the votes, in words."""


@dataclass(frozen=True, slots=True)
class _Content:
    summary: Summary
    csv: bytes


class Stats(commands.Cog):
    """For admins of a server and for operators; only the one who asks sees the answer."""

    def __init__(self, bot: ConciergeBot) -> None:
        self._bot = bot

    @app_commands.command(name="stats", description="Replies, votes and requests on this server")
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(period="How far back")
    @app_commands.choices(
        period=[app_commands.Choice(name=each.title, value=each.value) for each in Period]
    )
    async def stats(self, interaction: discord.Interaction[Any], period: int = 7) -> None:
        """Direct messages are an operator's own figures: they belong to no server."""
        is_operator = self._bot.operations.operators.may(caller(interaction))
        if not is_operator and not is_admin(interaction):
            await respond(
                interaction,
                "Only people with the permission Manage Server, on that server, and those who run "
                "this bot can see its figures.",
            )
            return
        if await desk_of(interaction) is None:
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            content = await self._read(interaction.guild_id, Period(period))
        except StoreError as error:
            await interaction.followup.send(plain(str(error)), ephemeral=True)
            return
        words = in_words(content.summary)
        lines = [words, *(await self._checkpoints(interaction, content) if is_operator else [])]
        lack = missing("The picture", "matplotlib", extra="charts")
        files = [discord.File(BytesIO(content.csv), f"stats-{period}.csv")]
        if not lack and content.summary.replies:
            picture = await _draw(content.summary)
            alt = words.replace("**", "")[:MAX_ALT_CHARACTERS]
            files.insert(0, discord.File(BytesIO(picture), "stats.png", description=alt))
        elif lack:
            lines.append(f"-# {plain(lack)}")
        text = "\n".join(lines)[:MAX_CHARACTERS]
        await interaction.followup.send(text, files=files, ephemeral=True)

    async def _read(self, guild: int | None, period: Period) -> _Content:
        """Raises StoreError."""
        desk = self._bot.desk
        assert desk is not None
        server = DIRECT if guild is None else reference(guild)
        settings = await desk.store.settings(server)
        steps = period.steps(desk.clock(), settings.time_zone)
        figures = await desk.store.figures(server, steps[0], steps[-1])
        return _Content(summarise(figures, period, steps), to_csv(figures))

    async def _checkpoints(
        self, interaction: discord.Interaction[Any], content: _Content
    ) -> list[str]:
        """How people vote on the verdicts of each checkpoint, beside its test figures."""
        lines = []
        for name, votes in list(content.summary.votes_on_verdicts.items())[:MAX_CHECKPOINTS]:
            if votes.agreement is None:
                continue
            line = f"{code(name)}: {percent(votes.agreement)} of {votes.number:,} votes say right"
            try:
                info = await self._bot.operations.describe(caller(interaction), name)
            except UnusableCheckpointError:
                info = None
            if info is not None:
                training = info.row.training
                right, reviews = training.doubt["test"].right, training.doubt["test"].reviews
                line += f"; in its test on {reviews:,} reviews, {right:.1%} of verdicts were right"
            lines.append(line)
        return ["On praise and complaints:", *lines] if lines else []


async def _draw(summary: Summary) -> bytes:
    """The picture, off the event loop. Importing matplotlib takes a second by itself."""

    def draw() -> bytes:
        from bot.desk import picture

        return picture.draw(summary)

    return await asyncio.to_thread(draw)


async def setup(bot: ConciergeBot) -> None:
    """Called by discord.py when it loads this module as an extension."""
    await bot.add_cog(Stats(bot))
