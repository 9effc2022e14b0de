"""The customer's words in a message: its text, a text pasted as a file, or a forwarded message."""

import asyncio
import logging

import discord

from bot.frontends.discord.delivery import CANNOT_SEND, reason
from bot.frontends.discord.markup import plain_text

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 32_768
"""Discord turns a paste of over 2,000 characters into `message.txt`. A file larger than any review
is not downloaded, but answered like any other file."""

DOWNLOAD_SECONDS = 10.0


async def review_in(message: discord.Message) -> str:
    """The words of a message; empty if there are none that can be read."""
    said = [plain_text(message.content)]
    said += [plain_text(forwarded.content) for forwarded in message.message_snapshots]
    said += [await _text_of(file) for file in attachments(message)[:1]]
    return "\n".join(words for words in said if words)


def attachments(message: discord.Message) -> list[discord.Attachment]:
    """The files of a message, and of what it forwards; those with text come first."""
    forwarded = [file for each in message.message_snapshots for file in each.attachments]
    return sorted([*message.attachments, *forwarded], key=lambda file: not _is_text(file))


def is_empty(message: discord.Message) -> bool:
    """Whether the message has no visible content at all."""
    return not (message.content or message.attachments or message.message_snapshots)


def is_direct(message: discord.Message) -> bool:
    """Whether it was written to the bot alone.

    Not `guild is None`: that also holds for a message that arrives before its guild, or whose guild
    the library could not parse.
    """
    return message.guild is None and getattr(message.channel, "guild_id", None) is None


async def _text_of(file: discord.Attachment) -> str:
    if not _is_text(file):
        return ""
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            content = await file.read()
        if len(content) > MAX_FILE_BYTES:  # larger than the message says
            return ""
        return plain_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ""
    except CANNOT_SEND as error:  # a timeout is an OSError
        log.warning("A text file could not be read: %s", reason(error))
        return ""


def _is_text(file: discord.Attachment) -> bool:
    kind = (file.content_type or "").partition(";")[0]
    is_text = kind == "text/plain" or file.filename.lower().endswith(".txt")
    return is_text and file.size <= MAX_FILE_BYTES
