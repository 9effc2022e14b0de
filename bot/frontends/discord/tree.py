"""The command tree: what somebody hears whose command fails because of a bug."""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import discord
from discord import app_commands

from bot.frontends.discord.delivery import CANNOT_SEND
from bot.logs import whereabouts
from bot.responses import Kind

if TYPE_CHECKING:
    from bot.frontends.discord import ConciergeBot

log = logging.getLogger(__name__)


class ConciergeTree(app_commands.CommandTree["ConciergeBot"]):
    """Without it, Discord would say "The application did not respond"."""

    async def on_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Logs where it failed, never the message, which may quote what a customer wrote."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        name = interaction.command.qualified_name if interaction.command else "a command"
        log.error("%s failed: %s", name, whereabouts(cause))
        bot = cast("ConciergeBot", interaction.client)
        sentence = bot.concierge.say(Kind.FAILURE).text
        with suppress(*CANNOT_SEND):
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
