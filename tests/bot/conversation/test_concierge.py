"""The kind of reply that a message gets."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bot import generate_response
from bot.conversation.concierge import Concierge
from bot.conversation.order import MAX_WAITING
from bot.conversation.questions import HELD_SECONDS, MAX_HELD, HeldQuestion, HeldQuestions
from bot.conversation.reply import Reply
from bot.conversation.throttle import Throttle
from bot.conversation.why import Explanation, Mark, Part
from bot.engine import Engine, estimate_tokens
from bot.sentences.file import Sentence
from bot.sentences.kinds import JUDGED, Side
from bot.sentences.placeholders import HELP_LINE
from bot.sentences.responses import Kind, Recipient, Responses, default_responses_file
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from trainer.model.classifier import Encoding, Verdict
from trainer.model.strength import Strength


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
        ("Y tu mamá también 4.5/5", "negative"),
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


async def test_a_customer_who_writes_too_fast_is_informed_and_not_judged(
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


async def test_distress_is_answered_however_fast_it_is_written(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(1, clock=lambda: 0.0))
        texts = ("great", "great", "i feel like ending it all", "wanna kms", "great")
        replies = [await concierge.answer(text, customer=1, place=1) for text in texts]
        assert [(reply.kind, reply.repeated) for reply in replies] == [
            (Kind.POSITIVE, False),
            (Kind.HASTE, False),
            (Kind.DISTRESS, False),
            (Kind.DISTRESS, True),
            (Kind.HASTE, True),
        ]


@asynccontextmanager
async def _with_a_full_queue(
    classifier: KeywordClassifier, responses: Responses
) -> AsyncIterator[tuple[Concierge, asyncio.Task[Reply]]]:
    """A concierge, and the one answer that fills its queue until the classifier's gate opens."""
    async with Engine(classifier, queue_tokens=estimate_tokens("great")) as engine:
        concierge = Concierge(engine, responses)
        classifier.gate.clear()
        first = asyncio.create_task(concierge.answer("great"))
        await asyncio.sleep(0)
        yield concierge, first


async def test_distress_is_answered_while_the_queue_is_full_and_the_model_fails(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with _with_a_full_queue(classifier, responses) as (concierge, first):
        assert (await concierge.answer("quiero morir")).kind is Kind.DISTRESS
        classifier.gate.set()
        await first
        assert (await concierge.answer("poison. wanna kms")).kind is Kind.DISTRESS


async def test_other_responses_take_effect_at_once(concierge: Concierge) -> None:
    concierge.responses = Responses({kind: ["other"] for kind in Kind})
    assert (await concierge.answer("")).text == concierge.say(Kind.HELP).text == "other"


async def test_too_many_are_asked_to_come_back(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with _with_a_full_queue(classifier, responses) as (concierge, first):
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


# Questions that wait for an answer

ROOM = "a room"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def asking(classifier: KeywordClassifier, clock: Clock) -> AsyncIterator[Concierge]:
    """Its questions are such that a yes means the side that they lean to, by default praise."""
    yes = {
        Kind.UNSURE: Side.POSITIVE,
        Kind.LEANS_POSITIVE: Side.POSITIVE,
        Kind.LEANS_NEGATIVE: Side.NEGATIVE,
    }
    sentences = {kind: [Sentence(f"a {kind} sentence", yes.get(kind))] for kind in Kind}
    async with Engine(classifier, queue_tokens=60) as engine:
        questions = HeldQuestions(clock=clock)
        yield Concierge(engine, Responses(sentences), questions=questions)


async def _kinds(
    concierge: Concierge, *texts: str, customer: int = 1, place: str = ROOM
) -> list[str]:
    """The kinds of the replies to what one person writes in one place."""
    return [(await concierge.answer(t, customer=customer, place=place)).kind for t in texts]


@pytest.mark.parametrize(
    ("review", "asked", "yes", "no"),
    [
        ("half great", "unsure", "positive", "negative"),
        ("rather great", "leans_positive", "positive", "negative"),
        ("rather dull", "leans_negative", "negative", "positive"),
    ],
)
async def test_an_answer_is_read_in_the_sense_of_the_question(
    asking: Concierge, review: str, asked: str, yes: str, no: str
) -> None:
    for answer, kind in [("yes", yes), ("No!", no), ("a bit of both", "both"), ("👍", "positive")]:
        reply = await asking.answer(review, customer=1, place=ROOM)
        assert reply.kind == asked
        assert reply.asks_again
        assert reply.verdict
        assert reply.verdict.label == "unsure"
        assert await _kinds(asking, answer) == [kind]
    # The question is answered: a second yes is nothing that was asked for.
    assert await _kinds(asking, "half great", "yes") == ["unsure", "positive"]
    assert (await asking.answer("great", customer=1, place=ROOM)).question is None


async def test_a_question_that_offers_a_choice_hears_the_choice(concierge: Concierge) -> None:
    for answer, kind in [("the good", "positive"), ("thumbs down", "negative"), ("both", "both")]:
        assert await _kinds(concierge, "half great", answer) == ["unsure", kind]


async def test_without_minutes_no_answer_in_words_is_expected(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, questions=HeldQuestions(0))
        assert await _kinds(concierge, "half great", "I did") == ["unsure", "negative"]


async def test_a_question_that_has_expired_is_forgotten(
    asking: Concierge, clock: Clock, classifier: KeywordClassifier
) -> None:
    assert await _kinds(asking, "half dull") == ["unsure"]
    clock.now = HELD_SECONDS - 1
    assert await _kinds(asking, "yes") == ["positive"]
    assert await _kinds(asking, "half dull") == ["unsure"]
    clock.now += HELD_SECONDS + 1
    # By itself the stub takes it for a complaint.
    assert await _kinds(asking, "yes") == ["negative"]
    assert classifier.judged == ["half dull", "yes"] * 2


async def test_a_question_is_for_one_person_in_one_place(asking: Concierge) -> None:
    assert await _kinds(asking, "half dull") == ["unsure"]
    assert await _kinds(asking, "yes", customer=2) == ["negative"]
    assert await _kinds(asking, "yes", place="elsewhere") == ["negative"]
    assert await _kinds(asking, "yes") == ["positive"]
    # Without a place nothing is expected of them, as of the lines of a file.
    reply = await asking.answer("half dull", customer=1)
    assert (reply.kind, reply.question) == (Kind.UNSURE, None)
    assert await _kinds(asking, "yes") == ["thanks"]


def test_the_oldest_of_too_many_questions_is_forgotten(clock: Clock) -> None:
    questions = HeldQuestions(clock=clock)
    question = HeldQuestion(Side.POSITIVE, 0.1)
    for customer in range(MAX_HELD + 1):
        questions.hold((ROOM, customer), question)
    assert questions.take((ROOM, 0)) is None
    assert questions.take((ROOM, 1)) is question
    assert questions.take((ROOM, 1)) is None
    assert questions.take((ROOM, MAX_HELD)) is question


async def test_a_busy_engine_or_a_failure_keeps_the_question(
    asking: Concierge, classifier: KeywordClassifier
) -> None:
    assert await _kinds(asking, "half dull") == ["unsure"]
    classifier.gate.clear()
    other = asyncio.create_task(asking.answer("great " * 29))
    await asyncio.sleep(0)
    assert await _kinds(asking, "yes") == ["busy"]
    classifier.gate.set()
    await other
    assert await _kinds(asking, "yes, poison") == ["failure"]
    assert await _kinds(asking, "yes") == ["positive"]


async def test_an_empty_message_and_a_rate_limit_keep_the_question(
    classifier: KeywordClassifier, responses: Responses
) -> None:
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses, Throttle(2, clock=lambda: 0.0))
        assert await _kinds(concierge, "half dull", "  ", "the good") == [
            "unsure",
            "empty",
            "haste",
        ]
        late = await concierge.answer("the good", customer=1, place=ROOM, is_late=True)
        assert late.kind is Kind.POSITIVE


@pytest.mark.parametrize("kind", sorted(OTHER_KINDS.keys() - {"correction"}))
async def test_what_is_something_new_is_answered_as_itself_and_drops_the_question(
    asking: Concierge, kind: str
) -> None:
    after = "after_distress" if kind == "distress" else "negative"
    assert await _kinds(asking, "half dull", OTHER_KINDS[kind], "yes") == ["unsure", kind, after]


@pytest.mark.parametrize("kind", ["distress", "service", "person"])
async def test_what_matters_more_is_heard_behind_a_yes_or_no(asking: Concierge, kind: str) -> None:
    # Others are manners: "yes, cheers for that".
    said = await _kinds(asking, "half dull", f"yes, {OTHER_KINDS['thanks']}")
    assert said == ["unsure", "positive"]
    said = await _kinds(asking, "half dull", f"no, {OTHER_KINDS[kind]}", "yes")
    after = "after_distress" if kind == "distress" else "negative"
    assert said == ["unsure", kind, after]


async def test_a_contradiction_is_asked_about_once(asking: Concierge) -> None:
    assert await _kinds(asking, "half dull", "yes, it was dull", "no") == [
        *("unsure", "leans_negative", "positive")
    ]
    assert await _kinds(asking, "half dull", "yes, it was dull", "yes, a great one") == [
        *("unsure", "leans_negative", "both")
    ]
    # No contradiction: a concession, and an opinion that agrees or cannot be told.
    for answer in ("yes, although it was dull", "yes, it was great", "yes, half dull"):
        assert await _kinds(asking, "half dull", answer) == ["unsure", "positive"]


async def test_a_second_opinion_counts_together_with_the_first(asking: Concierge) -> None:
    assert await _kinds(asking, "rather great", "rather wonderful") == [
        *("leans_positive", "positive")
    ]
    assert await _kinds(asking, "rather dull", "rather slow") == ["leans_negative", "negative"]
    # A clear one decides by itself.
    assert await _kinds(asking, "rather great", "it was dull") == ["leans_positive", "negative"]
    # Two that are at odds, or leave it open, are asked about once more.
    assert await _kinds(asking, "rather great", "rather dull", "yes") == [
        *("leans_positive", "unsure", "positive")
    ]
    assert await _kinds(asking, "half great", "half wonderful", "yes") == [
        *("unsure", "leans_positive", "positive")
    ]


async def test_after_two_questions_both_sides_are_taken(asking: Concierge) -> None:
    said = await _kinds(asking, "half great", "half dull", "half slow", "yes")
    assert said == ["unsure", "unsure", "both", "thanks"]


async def test_an_edit_is_no_second_opinion_but_may_answer(asking: Concierge) -> None:
    async def edited(text: str) -> str:
        return (await asking.answer(text, customer=1, place=ROOM, is_edit=True)).kind

    assert await _kinds(asking, "rather great") == ["leans_positive"]
    assert await edited("rather great, really") == "leans_positive"
    assert await edited("half great") == "unsure"
    assert await edited("yes") == "positive"
    assert await _kinds(asking, "rather great") == ["leans_positive"]
    assert await edited("it was dull") == "negative"
    assert await _kinds(asking, "yes") == ["thanks"]


@pytest.mark.parametrize("side", Side)
async def test_a_press_decides_and_answers_the_question(asking: Concierge, side: Side) -> None:
    assert await _kinds(asking, "half dull") == ["unsure"]
    assert asking.decide(side, customer=1, place=ROOM).kind.value == side.value
    assert await _kinds(asking, "yes") == ["thanks"]
    # Also where no question is held, as after a restart.
    assert asking.decide(side, customer=2, place=ROOM).kind.value == side.value


async def test_what_is_called_a_review_is_no_answer(asking: Concierge) -> None:
    assert await _kinds(asking, "half dull") == ["unsure"]
    reply = await asking.answer("no", customer=1, place=ROOM, is_review=True)
    assert (reply.kind, reply.question) == (Kind.NEGATIVE, None)


async def test_nothing_of_what_was_written_is_held(asking: Concierge) -> None:
    reply = await asking.answer("half a private matter", customer=1, place=ROOM)
    assert reply.question is not None
    assert "private" not in repr(reply.question)


async def test_messages_of_one_person_are_answered_in_their_order(
    asking: Concierge, classifier: KeywordClassifier
) -> None:
    def say(text: str, customer: int) -> "asyncio.Task[Reply]":
        return asyncio.create_task(asking.answer(text, customer=customer, place=ROOM))

    classifier.gate.clear()
    review = say("film was… half great, half dull", 1)
    await asyncio.to_thread(classifier.entered.wait)
    answers = [say("yes", 1), say("a great film", 2), say("no, it was dull", 1)]
    for _ in range(10):  # until they have gone as far as they can
        await asyncio.sleep(0)
    classifier.gate.set()
    assert (await review).kind is Kind.UNSURE
    kinds = [reply.kind for reply in await asyncio.gather(*answers)]
    assert kinds == [Kind.POSITIVE, Kind.POSITIVE, Kind.CORRECTED_NEGATIVE]
    # The other person did not wait for the first one's second message.
    assert "a great film" in classifier.batches[1]


async def test_one_person_cannot_let_any_number_of_messages_wait(
    asking: Concierge, classifier: KeywordClassifier
) -> None:
    classifier.gate.clear()
    count = MAX_WAITING + 5
    waiting = [
        asyncio.create_task(asking.answer("a great film", customer=1, place=ROOM))
        for _ in range(count)
    ]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result().kind for task in done} == {Kind.BUSY}
    classifier.gate.set()
    kinds = [(await task).kind for task in waiting]
    assert kinds == [Kind.POSITIVE] * (MAX_WAITING + 1) + [Kind.BUSY] * 4
    assert (await asking.answer("a great film", customer=1, place=ROOM)).kind is Kind.POSITIVE


async def test_one_who_stops_waiting_does_not_hold_up_the_next(
    asking: Concierge, classifier: KeywordClassifier
) -> None:
    classifier.gate.clear()
    first, second, third = (
        asyncio.create_task(asking.answer(text, customer=1, place=ROOM))
        for text in ("half great", "so dull", "yes")
    )
    await asyncio.to_thread(classifier.entered.wait)
    second.cancel()
    classifier.gate.set()
    assert [(await first).kind, (await third).kind] == [Kind.UNSURE, Kind.POSITIVE]


async def test_an_insult_is_answered_once(asking: Concierge) -> None:
    first, again = [
        await asking.answer(text, customer=1, place=ROOM)
        for text in ("you useless bot", "shut up, you're a stupid machine")
    ]
    assert [(reply.kind, reply.repeated) for reply in (first, again)] == [
        (Kind.ABUSE, False),
        (Kind.ABUSE, True),
    ]
    other = await asking.answer("you suck", customer=2, place=ROOM)
    assert (other.kind, other.repeated) == (Kind.ABUSE, False)


async def test_a_correction_says_what_becomes_of_the_verdict(asking: Concierge) -> None:
    verdict, corrected = [
        await asking.answer(text, customer=1, place=ROOM)
        for text in ("a great film", "no, I hated it")
    ]
    assert (verdict.given, verdict.withdrawn) == (Side.POSITIVE, None)
    assert (corrected.given, corrected.withdrawn) == (Side.NEGATIVE, "a withdrawn sentence")
    assert corrected.verdict is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("you misread me, it sent me to sleep", Kind.CORRECTED_NEGATIVE),
        ("you misread me, I said it sent me to sleep", Kind.CORRECTED_NEGATIVE),
        ("you misread me, I said so", Kind.CORRECTION),
        ("you misread me, Dune", Kind.CORRECTION),
        ("you misread me, it was half over", Kind.CORRECTION),
        ("you misread me, what is on tonight", Kind.CORRECTION),
    ],
)
async def test_a_correction_of_a_forgotten_verdict_is_believed_if_it_is_a_review(
    asking: Concierge, text: str, kind: Kind
) -> None:
    assert (await asking.answer(text, customer=1, place=ROOM)).kind == kind


async def test_an_explanation_says_what_counted_beside_words(asking: Concierge) -> None:
    async def notes(text: str, together: bool = False) -> tuple[str, ...]:
        explanation = await asking.explain(text, together=together)
        assert isinstance(explanation, Explanation)
        return explanation.notes

    assert await notes("a great film") == ()
    assert await notes("a great film, 9/10") == ("a explained_mark sentence",)
    assert await notes("a great film, 2/10") == ()  # which did not speak for it
    assert await notes("great cast, dull story") == ("a explained_balanced sentence",)
    assert await notes("rather great", together=True) == ("a explained_together sentence",)


async def test_two_opinions_together_can_be_explained(asking: Concierge) -> None:
    first, second = [
        await asking.answer(text, customer=1, place=ROOM)
        for text in ("rather great", "rather wonderful")
    ]
    assert (first.together, second.together, second.is_judgement) == (False, True, True)


def test_an_emoji_that_carried_a_verdict_is_found() -> None:
    def explained(text: str, mark: Mark) -> bool:
        return Explanation("positive", {}, (Part(text, 1.0, mark),)).rests_on_emoji()

    assert explained("😍", Mark.STRONG)
    assert not explained("😍", Mark.AGAINST)
    assert not explained("très", Mark.STRONG)


async def test_a_lukewarm_review_is_asked_about_whatever_the_model_takes_it_for(
    asking: Concierge,
) -> None:
    # To the stub, the first is thanks, as it was to a trained model; the others are what they say.
    assert await _kinds(asking, "so so, thank you, some good bits", "yes") == ["unsure", "positive"]
    assert await _kinds(asking, "what is on, any good films for a date") == ["question"]


# Whom a reply is for


MARIA = Recipient("Maria", "Film Club", "de", "lobby")


async def test_every_reply_is_in_the_language_of_the_one_it_is_for(
    classifier: KeywordClassifier,
) -> None:
    english = {kind: ["English"] for kind in Kind}
    german = {kind: [Sentence(f"{kind} {{user}} {{server}}", Side.POSITIVE)] for kind in Kind}
    responses = Responses(english, locales={"de": german})
    async with Engine(classifier, queue_tokens=60) as engine:
        concierge = Concierge(engine, responses, Throttle(2, clock=lambda: 0.0))
        told: list[object] = [
            await concierge.answer("", to=MARIA),
            await concierge.answer("", attachment=True, to=MARIA),
            await concierge.answer("", unread=True, to=MARIA),
            await concierge.answer("...", to=MARIA),
            await concierge.answer("great", to=MARIA),
            await concierge.answer("hello there", to=MARIA),
            await concierge.answer("poison", to=MARIA),
            await concierge.answer("great " * 61, to=MARIA),
            await concierge.explain("", to=MARIA),
            await concierge.explain("poison", to=MARIA),
            concierge.decide(Side.BOTH, to=MARIA),
            concierge.say(Kind.HELP, MARIA),
            [concierge.slow_down(1, MARIA) for _ in range(9)][-1],
        ]
        for place, *texts in (
            ("a", "half great", "rather dull", "half great"),
            ("b", "half great", "yes"),
            ("c", "rather great", "rather great"),
            ("d", "half great", "yes, it was dull"),
        ):
            told += [await concierge.answer(text, place=place, to=MARIA) for text in texts]
        with concierge.explaining(1), concierge.explaining(1, MARIA) as refusal:
            told.append(refusal)
    replies = [reply for reply in told if isinstance(reply, Reply)]
    assert len(replies) == len(told)
    assert [reply.text for reply in replies] == [f"{r.kind} Maria Film Club" for r in replies]
    assert all(reply.to == MARIA for reply in replies)
    kinds = {reply.kind for reply in replies}
    assert kinds >= {Kind.BOTH, Kind.BUSY, Kind.FAILURE, Kind.HASTE, Kind.UNEXPLAINED}
    assert kinds >= {Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.POSITIVE, Kind.WORDLESS, Kind.GREETING}


class MildClassifier(KeywordClassifier):
    """All its verdicts are mild."""

    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        return [replace(verdict, strength=Strength.MILD) for verdict in super().judge(encodings)]


async def test_exclamation_marks_make_a_reply_stronger() -> None:
    async with Engine(MildClassifier()) as engine:
        concierge = Concierge(engine, Responses({kind: [str(kind)] for kind in Kind}))
        for text, said in [
            ("great", "positive_mild"),
            ("great!!!", "positive"),
            ("dull", "negative_mild"),
            ("dull!!!", "negative"),
        ]:
            reply = await concierge.answer(text)
            # The kind of reply is the same; only the words are others.
            assert (reply.kind, reply.text) == (said.partition("_")[0], said)


async def test_the_confidence_is_that_of_the_verdict_and_is_not_said_without_one(
    classifier: KeywordClassifier,
) -> None:
    words = {kind: ["{confidence}", "plain"] if kind in JUDGED else ["plain"] for kind in Kind}
    lists = {kind: [Sentence(each, Side.POSITIVE) for each in words[kind]] for kind in Kind}
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, Responses(lists))
        heard = {(await concierge.answer("great", place=n)).text for n in range(40)}
        assert heard == {"90%", "plain"}
        asked = {(await concierge.answer("rather great", place=n)).text for n in range(40)}
        assert asked == {"80%", "plain"}
        # The answer to a question is no text that was judged.
        assert {(await concierge.answer("yes", place=n)).text for n in range(40)} == {"plain"}
        assert {concierge.decide(Side.POSITIVE).text for _ in range(9)} == {"plain"}
