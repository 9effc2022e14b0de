"""Who may steer the bot: the owner of its application, and those whom the settings list.

A server's administrator is not among them: what costs this machine is for the one who runs it.
"""

import logging
from typing import TYPE_CHECKING, cast

import discord

from bot.frontends.discord.delivery import CANNOT_SEND

if TYPE_CHECKING:
    from bot.frontends.discord import ConciergeBot

log = logging.getLogger(__name__)


async def require_operator(interaction: discord.Interaction) -> bool:
    """Whether the one who used a command or a button may; others are told who may, in private."""
    if is_operator(interaction):
        return True
    bot = cast("ConciergeBot", interaction.client)
    sentence = f"Only those who run this bot can do that: {_who_may(interaction, bot)}."
    if interaction.response.is_done():
        await interaction.followup.send(sentence, ephemeral=True)
    else:
        await interaction.response.send_message(sentence, ephemeral=True)
    return False


def is_operator(interaction: discord.Interaction) -> bool:
    """Whether the one who used a command or a button may steer the bot."""
    bot = cast("ConciergeBot", interaction.client)
    roles = getattr(interaction.user, "roles", [])  # outside a server nobody has any
    return interaction.user.id in _operators(bot) or any(
        role.id in bot.settings.operator_roles for role in roles
    )


async def tell_operators(bot: "ConciergeBot", text: str) -> None:
    """Sends the operators a direct message; if it reaches none of them, the log has it.

    `text` must hold nothing that a customer wrote.
    """
    reached = [await _tell(bot, user_id, text) for user_id in sorted(_operators(bot))]
    if not any(reached):
        log.warning("To the operator: %s", text)


def _operators(bot: "ConciergeBot") -> set[int]:
    """The ids of the people who may; whoever holds a role is not among them."""
    return {owner.id for owner in _owners(bot)} | bot.settings.operator_users


def _owners(bot: "ConciergeBot") -> list[discord.User] | list[discord.TeamMember]:
    """Of a team, those who may change its applications: its admins and developers."""
    assert bot.application is not None  # read at every log-in
    if bot.application.team is None:
        return [bot.application.owner]
    may = (discord.TeamMemberRole.admin, discord.TeamMemberRole.developer)
    owner = bot.application.team.owner_id
    return [
        member
        for member in bot.application.team.members
        if member.id == owner or member.role in may
    ]


def _who_may(interaction: discord.Interaction, bot: "ConciergeBot") -> str:
    """In words; the mentions show as names, and ping nobody."""
    people = sorted(_operators(bot) - {owner.id for owner in _owners(bot)})
    roles = [
        role.mention
        for role in (interaction.guild.roles if interaction.guild else [])
        if role.id in bot.settings.operator_roles
    ]
    names = [
        "its owner " + " and ".join(owner.mention for owner in _owners(bot)),
        *(f"<@{user_id}>" for user_id in people),
        *(f"everybody with the role {role}" for role in roles),
    ]
    return ", ".join(names[:-1]) + f" and {names[-1]}" if names[1:] else names[0]


async def _tell(bot: "ConciergeBot", user_id: int, text: str) -> bool:
    try:
        channel = await bot.create_dm(discord.Object(user_id))
        await channel.send(text)
    except CANNOT_SEND:
        return False  # takes no direct messages, shares no server with the bot, or no network
    return True
