"""Any text gets a reply, and any explanation is a message: hypothesis looks for exceptions."""

import asyncio
import json
import re
import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.conversation.concierge import Concierge
from bot.conversation.why import Explanation, Mark, Part, split
from bot.engine import Engine
from bot.frontends.discord.escaping import plain
from bot.frontends.discord.markup import plain_text
from bot.frontends.discord.reasons import shown
from bot.frontends.lines import _as_json
from bot.sentences.responses import MAX_CHARACTERS, Kind, Responses
from tests.bot.stub import KeywordClassifier

bounded = settings(
    max_examples=60,
    deadline=None,  # other work shares the processors
    derandomize=True,  # the same examples everywhere: a failure is not a matter of luck
    suppress_health_check=[HealthCheck.too_slow],
)

_SNIPPETS = (
    *("great", "so dull", "half", "**", "__", "||", "`", "```", "[", "](", ")", "<", ">", "\\"),
    *("https://evil.example", "discord.gg/x", "<@12345678901234567>", "@everyone", "<:kekw:1>"),
    *(
        "\n# ",
        "\n> ",
        "\n- ",
        "10/10",
        "\u2605\u2606",
        "\U0001f44e",
        "\u202e",
        "\u200d",
        "\x1b[31m",
    ),
    *("\ud800", "\x00", "a" * 300, " " * 50, "\u0301" * 40),
)
texts = st.lists(st.sampled_from(_SNIPPETS) | st.text(max_size=20), max_size=30).map("".join)
marks = st.sampled_from(Mark)


@bounded
@given(texts)
def test_any_text_gets_one_of_the_sentences(text: str) -> None:
    responses = Responses({kind: [f"a {kind} sentence"] for kind in Kind})

    async def reply() -> tuple[str, str]:
        async with Engine(KeywordClassifier()) as engine:
            concierge = Concierge(engine, responses)
            answer = await concierge.answer(plain_text(text), customer=1)
            if answer.is_judgement:
                explained = await concierge.explain(plain_text(text))
                assert isinstance(explained, Explanation)
                assert len(shown(explained)) <= MAX_CHARACTERS
            return answer.text, _as_json(answer)

    said, line = asyncio.run(reply())
    assert said in {f"a {kind} sentence" for kind in Kind}
    assert line.isprintable()
    assert json.loads(line)["reply"] == said


@bounded
@given(texts.filter(str.split), st.data())
def test_any_explanation_is_a_message_without_markup_of_the_customer(
    text: str, data: st.DataObject
) -> None:
    words = split(text)
    parts = tuple(Part(word, 1.0, data.draw(marks)) for word in words)
    message = shown(Explanation("positive", {"negative": 0.1, "positive": 0.9}, parts))
    assert len(message) <= MAX_CHARACTERS
    message.encode()  # half a surrogate pair cannot be sent
    quoted = message.split("\n\u201c", 1)[1].rsplit("\u201d\n-# ", 1)[0]
    bare = re.sub(r"\\[\W_]", "", quoted)
    # What is left of markup are the bot's own marks, and they are closed.
    assert not re.search(r"[\[\]()<>`|]|://|@everyone", bare)
    assert not re.search(r"[*~]", re.sub(r"\*\*|~~", "", bare))
    assert all(bare.count(mark) % 2 == 0 for mark in ("**", "~~"))
    hidden = [c for c in quoted if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not hidden
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", quoted)


@bounded
@given(texts, st.integers(1, 100))
def test_plain_text_keeps_to_its_length_and_shows_what_was_written(text: str, longest: int) -> None:
    cut = plain(text, longest)
    assert len(cut) <= longest
    whole = plain(text, 4 * len(text) + 10)
    # Read by Discord, which takes the backslashes away, it is what was written and can be seen.
    seen = re.sub(r"\\([\W_])", r"\1", whole).replace("@\u200b", "@")
    visible = "".join(
        c
        for c in text
        if c in "\n\t\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    assert seen == visible
