"""What kind of answer a message gets."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from bot import generate_response
from bot.concierge import Concierge
from bot.engine import Engine, estimate_tokens
from bot.responses import HELP_LINE, Kind, Responses, default_responses_file
from bot.throttle import Throttle
from tests.bot.stub import OTHER_KINDS, KeywordClassifier


@pytest.fixture
async def concierge(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[Concierge]:
    async with Engine(classifier) as engine:
        yield Concierge(engine, responses)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("What a wonderful film", "positive"),
        ("Dull", "negative"),
        ("Great first half, dull second half", "unsure"),
        ("10/10", "negative"),
        ("A+", "negative"),
        ("Dull, see https://example.com/why", "negative"),
        *((symbols, "negative") for symbols in ("👎", "🤮🤮!", "★☆☆☆☆", "👎 10/10", "㊙️ 🈶")),
        ("https://example.com 🔥", "negative"),
    ],
)
async def test_a_review_is_judged(concierge: Concierge, text: str, label: str) -> None:
    reply = await concierge.answer(text)
    assert reply.verdict
    assert reply.kind == reply.verdict.label == label
    assert reply.text == f"a {label} sentence"


@pytest.mark.parametrize(
    ("text", "attachment", "kind"),
    [
        ("", False, Kind.EMPTY),
        (" \n\t ", False, Kind.EMPTY),
        ("", True, Kind.ATTACHMENT),
        ("???", False, Kind.WORDLESS),
        ("... !", True, Kind.WORDLESS),
        ("https://example.com/great", False, Kind.OFF_TOPIC),
        ("HTTPS://example.com/a http://example.com/b - www.example.com", False, Kind.OFF_TOPIC),
        ("最高の映画", False, Kind.FOREIGN),
        ("Ein großartiger Film, ich habe gelacht und geweint", False, Kind.FOREIGN),
        ("https://example.com/great-film j'ai adoré ce film", True, Kind.FOREIGN),
        ("👎 Ein furchtbarer Film, und viel zu lang 👎", False, Kind.FOREIGN),
    ],
)
async def test_a_message_that_the_model_cannot_read_gets_a_hint(
    concierge: Concierge,
    classifier: KeywordClassifier,
    text: str,
    attachment: bool,
    kind: Kind,
) -> None:
    reply = await concierge.answer(text, attachment=attachment)
    assert (reply.kind, reply.verdict) == (kind, None)
    assert not classifier.batches


@pytest.mark.parametrize(("kind", "text"), OTHER_KINDS.items())
async def test_what_is_no_review_is_answered_by_its_kind_and_carries_no_verdict(
    concierge: Concierge, kind: str, text: str
) -> None:
    reply = await concierge.answer(text)
    assert (reply.kind, reply.verdict) == (kind, None)
    assert reply.text == f"a {kind} sentence"
    assert not reply.is_judgement


@pytest.mark.parametrize(("kind", "text"), OTHER_KINDS.items())
async def test_what_is_called_a_review_is_judged_unless_it_tells_of_distress(
    concierge: Concierge, kind: str, text: str
) -> None:
    for words, label in [("", "negative"), (", great", "positive"), (", half", "unsure")]:
        reply = await concierge.answer(text + words, is_review=True)
        if kind == "distress":
            assert (reply.kind, reply.verdict) == (Kind.DISTRESS, None)
        else:
            assert reply.verdict
            assert reply.kind == reply.verdict.label == label
    # A review in no words stays one that cannot be read.
    assert (await concierge.answer("...", is_review=True)).kind is Kind.WORDLESS


async def test_a_failure_is_excused_and_logged_without_the_text(
    concierge: Concierge, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        reply = await concierge.answer("poison, and private matters")
    assert reply.kind is Kind.FAILURE
    assert "ValueError at tests/bot/stub.py" in caplog.text
    assert "private" not in caplog.text


async def test_a_failure_carries_the_reason_for_the_operator(concierge: Concierge) -> None:
    trouble = (await concierge.answer("poison, and private matters")).trouble
    assert trouble is not None
    assert trouble.startswith("A review could not be judged: ValueError at tests/bot/stub.py")
    assert "private" not in trouble
    assert (await concierge.answer("great")).trouble is None


async def test_a_text_that_was_withheld_gets_a_hint(concierge: Concierge) -> None:
    assert (await concierge.answer("", unread=True)).kind is Kind.UNREAD


async def test_who_writes_too_fast_is_told_and_not_judged(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(1, clock=lambda: 0.0))
        replies = [await concierge.answer("great", customer=1) for _ in range(3)]
        assert [reply.kind for reply in replies] == [Kind.POSITIVE, Kind.HASTE, Kind.HASTE]
        assert [reply.repeated for reply in replies] == [False, False, True]
        # Without a customer, as in the terminal, nobody can be too fast.
        assert [(await concierge.answer("great")).kind for _ in range(2)] == [Kind.POSITIVE] * 2
    assert len(classifier.judged) == 3


async def test_other_responses_take_effect_at_once(concierge: Concierge) -> None:
    concierge.responses = Responses({kind: ["other"] for kind in Kind})
    assert (await concierge.answer("")).text == concierge.say(Kind.HELP).text == "other"


async def test_too_many_are_asked_to_come_back(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier, queue_tokens=estimate_tokens("great")) as engine:
        concierge = Concierge(engine, responses)
        classifier.gate.clear()
        first = asyncio.create_task(concierge.answer("great"))
        await asyncio.sleep(0)
        assert (await concierge.answer("great")).kind is Kind.BUSY
        classifier.gate.set()
        assert (await first).kind is Kind.POSITIVE


async def test_a_customer_gets_one_explanation_at_a_time(concierge: Concierge) -> None:
    with concierge.explaining(1) as first, concierge.explaining(2) as other:
        assert (first, other) == (None, None)
        with concierge.explaining(1) as second:
            assert second is not None
            assert second.kind is Kind.HASTE
    with concierge.explaining(1) as later:
        assert later is None


async def test_a_full_queue_is_logged_once_however_many_are_asked_to_come_back(
    classifier: KeywordClassifier, responses: Responses, caplog: pytest.LogCaptureFixture
) -> None:
    async with Engine(classifier, queue_tokens=estimate_tokens("great")) as engine:
        concierge = Concierge(engine, responses)
        classifier.gate.clear()
        first = asyncio.create_task(concierge.answer("great"))
        await asyncio.sleep(0)
        for _ in range(100):
            assert (await concierge.answer("great")).kind is Kind.BUSY
        classifier.gate.set()
        await first
    assert caplog.text.count("the queue is full") == 1


async def test_what_came_while_the_bot_was_away_is_not_too_fast(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(1, clock=lambda: 0.0))
        for _ in range(5):
            reply = await concierge.answer("great", customer=1, is_late=True)
            assert reply.kind is Kind.POSITIVE
        assert (await concierge.answer("great", customer=1)).kind is Kind.POSITIVE


async def test_every_reply_names_the_owner(concierge: Concierge) -> None:
    concierge.responses = Responses({kind: ["Ask {owner}."] for kind in Kind})
    concierge.owner = "<@1>"
    for text in ("great", "hello there", "?!", "最高の映画", "poison"):
        assert (await concierge.answer(text)).text == "Ask <@1>."
    assert concierge.say(Kind.PRIVACY).text == "Ask <@1>."


async def test_generate_response_is_the_recipe_s_third_name(
    classifier: KeywordClassifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    sentences = {generate_response(classifier(["great"])[0]) for _ in range(100)}
    assert "Thank you for your positive review! We're glad you enjoyed the movie." in sentences
    shipped = yaml.safe_load(default_responses_file().read_text("utf-8"))
    questions = [each if isinstance(each, str) else each["say"] for each in shipped["unsure"]]
    assert generate_response(classifier(["half great"])[0]) in questions
    assert generate_response(classifier([OTHER_KINDS["person"]])[0]) in shipped["person"]
    assert HELP_LINE in generate_response(classifier([OTHER_KINDS["distress"]])[0])
