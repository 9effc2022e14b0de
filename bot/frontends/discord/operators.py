"""Operators on Discord: identifies callers, and sends messages to operators.

Permissions are decided in `bot.operations.operators`.
"""

import logging
from contextlib import suppress
from typing import Any

import discord
from discord.ext import commands

from bot.conversation.reply import Reply
from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, respond
from bot.operations.operators import Caller
from bot.sentences.responses import MAX_CHARACTERS

log = logging.getLogger(__name__)


class OperatorCog(commands.GroupCog):
    """A group of commands that only operators may use."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        return await require_operator(interaction)


async def require_operator(interaction: discord.Interaction[Any]) -> bool:
    """Whether the user of a command or a button is an operator; others get a private refusal."""
    bot: ConciergeBot = interaction.client
    if bot.operations.operators.may(caller(interaction)):
        return True
    who_may = _who_may(interaction, bot)
    with suppress(*CANNOT_SEND):
        await respond(interaction, f"Only those who run this bot can do that: {who_may}.")
    return False


async def require_leader(interaction: discord.Interaction[Any]) -> bool:
    """Whether this process trains and tries candidates; otherwise says how to reach the one that
    does."""
    bot: ConciergeBot = interaction.client
    if not bot.leads:
        with suppress(*CANNOT_SEND):
            await respond(
                interaction,
                "Another process of this bot does that: the one that serves shard 0. It gets "
                "every direct message, so use the command in a direct message to me.",
            )
    return bot.leads


def caller(interaction: discord.Interaction[Any]) -> Caller:
    """The user of a command or a button."""
    user, guild_id = interaction.user, interaction.guild_id
    return Caller(
        id=str(user.id),
        name=user.display_name,
        # Outside a server there are no roles.
        roles=frozenset(str(role.id) for role in getattr(user, "roles", [])),
        everyone=str(guild_id) if guild_id is not None else None,  # Discord gives it that id
        is_owner=user.id in {owner.id for owner in _owners(interaction.client)},
    )


def refuse_everyone(bot: ConciergeBot) -> None:
    """Raises SettingsError if the settings make everybody in a server an operator."""
    bot.operations.operators.refuse_everyone(str(guild.id) for guild in bot.guilds)


async def tell_operators(bot: ConciergeBot, text: str) -> None:
    """Sends the operators a direct message; if it reaches none of them, logs it.

    Where the bot runs as several processes, they get it from the first that has it to say.
    `text` must contain nothing of a customer's text.
    """
    if bot.own_shards is not None and not await bot.own_shards.is_first_to_tell(text):
        return
    reached = [await _tell(bot, user_id, text) for user_id in sorted(_operators(bot))]
    if not any(reached):
        log.warning("To the operator: %s", text)


async def report(bot: ConciergeBot, reply: Reply) -> None:
    """Reports a failure to judge to the operators, if there was one; not for each reply."""
    text = bot.operations.alarm.report(reply.trouble)
    if text is not None:
        await tell_operators(bot, text)


def _operators(bot: ConciergeBot) -> set[int]:
    """The ids of the operators, without those who are operators only by a role."""
    return {owner.id for owner in _owners(bot)} | set(map(int, bot.operations.operators.users))


def _owners(bot: ConciergeBot) -> list[discord.User] | list[discord.TeamMember]:
    """Of a team, the members who may change its applications: its admins and developers."""
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


def _who_may(interaction: discord.Interaction[Any], bot: ConciergeBot) -> str:
    """The operators, in words; the mentions show as names, and ping no one."""
    people = sorted(_operators(bot) - {owner.id for owner in _owners(bot)})
    roles = [
        role.mention
        for role in (interaction.guild.roles if interaction.guild else [])
        if bot.operations.operators.grants(str(role.id), str(role.guild.id))
    ]
    names = [
        "its owner " + " and ".join(owner.mention for owner in _owners(bot)),
        *(f"<@{user_id}>" for user_id in people),
        *(f"everybody with the role {role}" for role in roles),
    ]
    return ", ".join(names[:-1]) + f" and {names[-1]}" if names[1:] else names[0]


async def _tell(bot: ConciergeBot, user_id: int, text: str) -> bool:
    try:
        channel = await bot.create_dm(discord.Object(user_id))
        await channel.send(text[:MAX_CHARACTERS], suppress_embeds=True)
    except CANNOT_SEND:
        return False  # takes no direct messages, shares no server with the bot, or no network
    return True
