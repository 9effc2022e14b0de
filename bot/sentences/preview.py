"""responses.yaml as customers see it: every sentence, by language and list."""

from collections.abc import Iterator
from pathlib import Path

from bot.sentences.file import ENGLISH, Lists, Sentence, read_responses
from bot.sentences.kinds import FALLBACKS, OPTIONAL, Kind
from bot.sentences.placeholders import PLACEHOLDERS, fill


def summary(file: Path, help_line: str) -> str:
    """A sentence about a valid file; raises ResponsesError if it is not valid."""
    counts = [
        f"{sum(map(len, lists.values()))} sentences in {sum(map(bool, lists.values()))} lists "
        f"({code})"
        for code, lists in read_responses(file, help_line).items()
    ]
    return f"{file} can be used: {', '.join(counts)}."


def preview(file: Path, help_line: str) -> Iterator[str]:
    """The lines to print, with example values for placeholders.

    Raises ResponsesError if the file is not valid.
    """
    values = {name: each.example for name, each in PLACEHOLDERS.items()} | {"help_line": help_line}
    for code, lists in read_responses(file, help_line).items():
        yield f"Language: {code}"
        for kind in Kind:
            yield ""
            if not lists[kind]:
                yield f"{kind}: {_replacement(kind, code, lists)}"
                continue
            yield f"{kind}:"
            for sentence in lists[kind]:
                yield from _shown(sentence, values)
        yield ""


def _replacement(kind: Kind, code: str, lists: Lists) -> str:
    """What replaces a missing list."""
    fallback = FALLBACKS.get(kind)
    if fallback is not None and lists[fallback]:
        return f"as {fallback}"
    if code != ENGLISH:
        return "as in English"
    assert kind in OPTIONAL
    return "a sentence that comes with the bot"


def _shown(sentence: Sentence, values: dict[str, str]) -> Iterator[str]:
    text = fill(sentence.text, values)
    if sentence.yes is not None:
        text += f"  [a yes means: {sentence.yes}]"
    for number, line in enumerate(text.splitlines()):
        # Without control characters, which an escape such as "\e" makes: they would control a
        # terminal.
        printable = "".join(c if c.isprintable() else " " for c in line)
        yield f"  - {printable}" if number == 0 else f"    {printable}"
