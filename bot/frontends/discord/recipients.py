"""Recipients of replies on Discord: a name that is safe to print, the server, the language."""

from typing import Any

import discord

from bot.frontends.discord.escaping import plain_name
from bot.sentences.placeholders import PLACEHOLDERS
from bot.sentences.responses import Recipient


def author_of(message: discord.Message) -> Recipient:
    """The author of a message, in the language of the server.

    A direct message does not give a language, so its author is answered in English.
    """
    guild = message.guild
    locale = None if guild is None else guild.preferred_locale
    return _recipient(message.author, guild, locale, message.channel.id)


def user_of(interaction: discord.Interaction[Any]) -> Recipient:
    """The user of a command or a button, with their Discord language."""
    guild = interaction.guild
    return _recipient(interaction.user, guild, interaction.locale, interaction.channel_id)


def server_name(guild: discord.Guild) -> str:
    """The value of {server}."""
    return plain_name(guild.name, PLACEHOLDERS["server"].longest)


def _recipient(
    user: discord.User | discord.Member,
    guild: discord.Guild | None,
    locale: discord.Locale | None,
    channel_id: int | None,
) -> Recipient:
    return Recipient(
        name=plain_name(user.display_name, PLACEHOLDERS["user"].longest),
        server=server_name(guild) if guild else None,
        locale=None if locale is None else str(locale),
        place=channel_id,
    )
