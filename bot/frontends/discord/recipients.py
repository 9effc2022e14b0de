"""Recipients of replies on Discord: a name that is safe to print, the server, the language."""

from typing import Any

import discord

from bot.frontends.discord.escaping import plain_name
from bot.sentences.placeholders import PLACEHOLDERS
from bot.sentences.responses import Recipient


def author_of(message: discord.Message, locale: str | None) -> Recipient:
    """The author of a message, in the language of the server (`locale`).

    A direct message does not give a language, so its author is answered in English.
    """
    return _recipient(message.author, message.guild, locale, message.channel.id)


def user_of(interaction: discord.Interaction[Any]) -> Recipient:
    """The user of a command or a button, with their Discord language."""
    guild = interaction.guild
    return _recipient(interaction.user, guild, str(interaction.locale), interaction.channel_id)


def server_name(guild: discord.Guild) -> str:
    """The value of {server}."""
    return plain_name(guild.name, PLACEHOLDERS["server"].max_length)


def _recipient(
    user: discord.User | discord.Member,
    guild: discord.Guild | None,
    locale: str | None,
    channel_id: int | None,
) -> Recipient:
    return Recipient(
        name=plain_name(user.display_name, PLACEHOLDERS["user"].max_length),
        server=server_name(guild) if guild else None,
        locale=locale,
        place=channel_id,
    )
