"""Escapes other people's text for a message of the bot, so that Discord shows it literally.

discord.py's `escape_markdown` is not used: its time grows with the cube of the text (16,000 square
brackets keep the event loop for more than a minute), and it misses a link whose brackets are
escaped in parts. Discord takes a backslash before any punctuation, so a substitution is enough.

Source: Discord's "Message Formatting" reference, and its "Markdown Text 101" for users.
"""

import re
import unicodedata
from collections.abc import Callable

import discord

MAX_LENGTH = 1_500
"""In characters, including escapes: the rest of Discord's 2,000 is for the bot's own words."""

# Brackets make links, angle brackets mentions; and an address without its colon is not a link.
_ANYWHERE = re.compile(r"[\\*_~|`<>\[\]()]|:(?=//)")
_LINE_START = re.compile(r"^([ \t]*+(?:\d++(?=\.))?)([-#.])", re.MULTILINE)

_ORDINARY = re.compile(r"[A-Za-z0-9 ]*+")
"""Text that needs no escapes, as most names are."""

_INNER_DOT = re.compile(r"(?<=\w)\.(?=\w)")

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of invisible characters, which may reverse or hide the text after them."""

_KEPT = "\n\t\N{ZERO WIDTH JOINER}"
"""The joiner holds emoji together."""


def plain(text: str, max_length: int = MAX_LENGTH) -> str:
    """The text as it reads, without mentions, markup, links and direction characters.

    At most `max_length` characters, the last of which is "…" if the text was cut. It is cut first,
    so the time does not depend on its length.
    """
    return _fitted(text, max_length, _escaped)


def plain_name(name: str, max_length: int) -> str:
    """The name of a person or a server, on one line, for use within a sentence; see `plain`."""
    return _fitted(" ".join(name[: max_length + 1].split()), max_length, _escaped_name)


def _fitted(text: str, max_length: int, escape: Callable[[str], str]) -> str:
    visible = text[:max_length]
    if not visible.isprintable():
        visible = "".join(filter(_is_visible, visible))
    is_cut = len(text) > max_length
    while len(escaped := escape(visible)) + is_cut > max_length:
        # An escape at most doubles a character, so dropping half of the excess is never too much.
        visible = visible[: -((len(escaped) + is_cut - max_length + 1) // 2)]
        is_cut = True
    return f"{escaped}…" if is_cut else escaped


def code(name: str, max_length: int = 100) -> str:
    """The name of a file or the like as code, which the name itself cannot end."""
    visible = "".join(c for c in name[:max_length] if c.isprintable()).replace("`", "'")
    return f"`{visible}{'…' if len(name) > max_length else ''}`"


def _is_visible(character: str) -> bool:
    return character in _KEPT or unicodedata.category(character) not in _INVISIBLE


def _escaped(text: str) -> str:
    escaped = _LINE_START.sub(r"\1\\\2", _ANYWHERE.sub(r"\\\g<0>", text))
    return discord.utils.escape_mentions(escaped)


def _escaped_name(text: str) -> str:
    """Also removes addresses: "discord.gg/abc" is a link even without "https://"."""
    if _ORDINARY.fullmatch(text):
        return text
    return _INNER_DOT.sub(r"\\.", _escaped(text))
