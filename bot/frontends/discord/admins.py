"""Who steers the desk of a server: its own admins, who have the permission Manage Server."""

from contextlib import suppress
from typing import Any

import discord

from bot.desk.desk import Desk
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, respond

NO_DESK = (
    "The service desk is off, because its database could not be opened. The log of the bot says "
    "why; please tell the person who runs it."
)


def is_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether the one who used a command or a button has Manage Server there.

    Discord says so with every use: what it hides by default, an admin may have opened to others.
    """
    permissions = interaction.permissions
    return interaction.guild_id is not None and (
        permissions.manage_guild or permissions.administrator
    )


async def require_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether they may steer the desk of the server; others are informed in private."""
    if is_admin(interaction):
        return True
    with suppress(*CANNOT_SEND):
        await respond(
            interaction,
            "Only people with the permission Manage Server can do that, on the server that it "
            "concerns.",
        )
    return False


async def desk_of(interaction: discord.Interaction[Any]) -> Desk | None:
    """The desk; where it is off, the one who asks is informed."""
    bot: ConciergeBot = interaction.client
    if bot.desk is None:
        await respond(interaction, NO_DESK)
    return bot.desk
