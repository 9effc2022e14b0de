"""The Discord front end: it translates between Discord and the concierge, and decides nothing."""

from bot.frontends.discord.session import register_commands, serve
from bot.frontends.discord.shards import shards_of

__all__ = ["register_commands", "serve", "shards_of"]
