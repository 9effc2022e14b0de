"""Whose staff a direct message is for: it names no server."""

import asyncio
import logging

import discord

from bot.frontends.discord.client import ConciergeBot
from bot.frontends.discord.delivery import CANNOT_SEND, reason

log = logging.getLogger(__name__)

MAX_SERVERS = 10
"""A bot in more servers does not ask all of them whether a customer is there."""


async def only_server_of(bot: ConciergeBot, person: int) -> discord.Guild | None:
    """The one server that a person shares with the bot.

    None if there are several, as the right one could only be guessed; also in a bot of more than
    MAX_SERVERS, in a process that knows only its own servers, and if Discord does not say of each
    server whether the person is there.
    """
    knows_all = bot.own_shards is None or bot.own_shards.is_all
    if not knows_all or len(bot.guilds) > MAX_SERVERS:
        return None
    try:
        there = await asyncio.gather(*(_is_member(guild, person) for guild in bot.guilds))
    except CANNOT_SEND as error:
        log.warning("Discord did not say which servers a customer is in: %s", reason(error))
        return None
    shared = [guild for guild, is_there in zip(bot.guilds, there, strict=True) if is_there]
    return shared[0] if len(shared) == 1 else None


async def _is_member(guild: discord.Guild, person: int) -> bool:
    try:
        await guild.fetch_member(person)
    except discord.NotFound:
        return False
    return True
