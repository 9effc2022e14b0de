r"""Turns Discord's markup into the words that a reader sees: the model was not trained on markup.

Everything other than words is removed: mentions, custom emoji (their names say little: `:kekw:`),
times, and addresses. Decorations of words are removed and the words kept: emphasis, spoilers, code,
headings, and links with a text of their own. A quotation is somebody else's opinion and is removed,
unless the message has nothing else.

The patterns take linear time on any text: possessive quantifiers, and no span can reach past the
next marker of its own kind.

Source: Discord's "Message Formatting" reference, and its "Markdown Text 101" for users.
"""

import re

SOMETHING = "\N{OBJECT REPLACEMENT CHARACTER}"
"""The result for a message without words that has more than mentions: it is not empty."""

_FENCE = re.compile(r"```(?:[a-zA-Z0-9+#_-]+\n)?((?:(?!```).)++)```", re.DOTALL)
_CODE = re.compile(r"(``?+)([^`]++)\1")
# `>>> ` quotes all that follows, `> ` the rest of its line.
_QUOTATION = re.compile(r"^(?:>>> .*\Z|> [^\n]*+\n?)", re.DOTALL | re.MULTILINE)
_QUOTATION_MARK = re.compile(r"^>(?:>>)? ", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]\n]++)\]\(<?https?://[^\s<>()]++>?(?: \"[^\"\n]*+\")?\)")
_MENTION = re.compile(
    r"<(?:@[!&]?|#)\d{1,20}>"  # a user, a role, a channel
    r"|</[^<>:\n]{1,100}:\d{1,20}>"  # a command
    r"|<id:[a-z-]{1,20}>"  # a page of the server
    r"|@(?:everyone|here)\b"
)
_WORDLESS = re.compile(
    r"<a?:\w{1,32}:\d{1,20}>"  # a custom emoji
    r"|<t:-?\d{1,20}(?::[a-zA-Z])?>"  # a time
)
_ADDRESS = re.compile(r"<?(https?://[^\s<>|]*+)>?")
# Only around whole words: "sh*t" stays as written, and "****" may be a rating.
_STARS = re.compile(r"(?<![^\W_])(?<![*\\])(\*{1,3})(?![\s*])([^*]++)(?<![\s\\])\1(?![*]|[^\W_])")
_UNDERSCORES = re.compile(r"(?<![\w\\])(_{1,3})(?![\s_])([^_]++)(?<![\s\\])\1(?!\w)")
_WRAPPED = re.compile(r"(?<!\\)(\|\||~~)((?:(?!\1).)++)\1", re.DOTALL)
_HEADING = re.compile(r"^(?:#{1,3}|-#) (?=\S)", re.MULTILINE)
_ESCAPE = re.compile(r"\\([*_~|`>#\[\]()<@:\\-])")

_ANY = re.compile(rf"[`*_|~<>\[#\\{SOMETHING}]|https?://")
"""What any of the patterns needs, apart from mentions: most messages have none of it."""

_NESTED = 3
"""The maximum depth of nested decorations."""


def plain_text(content: str) -> str:
    """The customer's words in a message's `content`; empty if it has only mentions.

    If no words are left, the result is the addresses, or else (only custom emoji, for example)
    SOMETHING.
    """
    unmentioned = _MENTION.sub(" ", content)
    if not _ANY.search(unmentioned):
        return _tidied(unmentioned)
    return _words(_QUOTATION.sub("", content)) or _words(_QUOTATION_MARK.sub("", content))


def _words(text: str) -> str:
    text = _CODE.sub(r"\2", _FENCE.sub(r"\1", text))
    text = _LINK.sub(r"\1", text)
    addresses = " ".join(_ADDRESS.findall(text))
    text = _WORDLESS.sub(f" {SOMETHING} ", _MENTION.sub(" ", _ADDRESS.sub(" ", text)))
    for _ in range(_NESTED):
        text = _WRAPPED.sub(r"\2", _UNDERSCORES.sub(r"\2", _STARS.sub(r"\2", text)))
    text = _ESCAPE.sub(r"\1", _HEADING.sub("", text))
    return _tidied(text.replace(SOMETHING, " ")) or addresses or _tidied(text)


def _tidied(text: str) -> str:
    """Without the blanks that removals have left, at the ends of lines and in them."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()
