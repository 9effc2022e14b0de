"""Other people's text in a message of the bot."""

import re

import pytest

from bot.conversation.why import Explanation, Mark, Part, split
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.reasons import shown
from bot.frontends.discord.reports import ended, result, standing
from bot.operations.progress import Progress
from bot.operations.runs import Cancelled, Failed, Run, Trained
from bot.sentences.responses import MAX_CHARACTERS

BRACKETS = "[" * 75_000


def _run(**others: str) -> Run:
    known = {"label": "films", "dataset": "a.csv", "base_model": "auto", "output": "checkpoints/a"}
    return Run.model_validate({**known, "started_by": "Olga", "origin": "1:2", **others})


@pytest.mark.timeout(20)  # with discord.py's own function, it takes hours
def test_a_label_of_brackets_takes_no_time_wherever_it_is_shown() -> None:
    run = _run()
    problem = f"line 2: the label is '{BRACKETS}'"
    for text in (
        plain(BRACKETS),
        result(run, Failed(problem)),
        result(run, Trained("a", problem=problem)),
        ended(run, Cancelled(BRACKETS)),
        standing(run, Progress(notes=[problem] * 20)),
        shown(Explanation("positive", {"negative": 0.1, "positive": 0.9}, _parts(BRACKETS))),
    ):
        assert len(text) <= MAX_CHARACTERS
        assert "…" in text


def _parts(text: str, mark: Mark = Mark.NONE) -> tuple[Part, ...]:
    return tuple(Part(part, 1.0, mark) for part in split(text))


@pytest.mark.parametrize(
    ("text", "shows"),
    [
        ("A film: 7/10, really!", "A film: 7/10, really!"),
        ("2026-11-25-starter", "2026-11-25-starter"),
        ("**a** _b_ ~~c~~ ||d|| `e`", r"\*\*a\*\* \_b\_ \~\~c\~\~ \|\|d\|\| \`e\`"),
        ("[free](https://a.example)", r"\[free\]\(https\://a.example\)"),
        ("<https://a.example> steam://x", r"\<https\://a.example\> steam\://x"),
        ("# a\n  - b\n-# c\n1. d\n> e", "\\# a\n  \\- b\n\\-# c\n1\\. d\n\\> e"),
        ("\\*", r"\\\*"),
        ("@everyone", "@\u200beveryone"),
        ("<@1234567890123456789>", "\\<@\u200b1234567890123456789\\>"),
        ("<:kekw:1> <t:1:R>", r"\<:kekw:1\> \<t:1:R\>"),
        ("\u202egnp.exe\u2066\x1b[31m\x9b", "gnp.exe\\[31m"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("", ""),
    ],
)
def test_it_reads_as_it_was_written(text: str, shows: str) -> None:
    assert plain(text) == shows


@pytest.mark.parametrize("max_length", [1, 2, 10, 11])
def test_what_is_cut_is_cut_between_escapes(max_length: int) -> None:
    text = plain("*" * 30, max_length)
    assert len(text) <= max_length
    assert re.fullmatch(r"(\\\*)*…", text)
    assert len(text) >= max_length - 1


LINKS = (
    "great film! [Claim your free gift](https://evil.example)",
    "[a dull](https://evil.example 'film')",
    "<https://evil.example> @everyone ||[x](<https://evil.example>)||",
)


@pytest.mark.parametrize("mark", Mark)
@pytest.mark.parametrize("review", LINKS)
def test_an_explanation_holds_no_link(review: str, mark: Mark) -> None:
    text = shown(Explanation("positive", {"negative": 0.1, "positive": 0.9}, _parts(review, mark)))
    bare = re.sub(r"\\[\W_]", "", text)  # without what is escaped, nothing of it may be left
    assert not re.search(r"[\[\]()<>]|://|@everyone", bare)
