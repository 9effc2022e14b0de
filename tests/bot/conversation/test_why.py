"""Which words carried a verdict, and at whose expense that is found out."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.conversation.why import (
    AT_ONCE,
    MAX_PARTS,
    MAX_REMEMBERED,
    MAX_WAITING,
    REMEMBERED_SECONDS,
    Explainer,
    Explanation,
    Mark,
)
from bot.engine import BusyError, Engine
from bot.sentences.responses import Kind, Responses
from tests.bot.removal import removal
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.conftest import separable_reviews
from trainer.model.classifier import Classifier, Verdict

LEXICON = {"great": 3.0, "nice": 1.0, "but": -0.8, "well": 0.05, "certain": 1_000.0}
"""What each word adds to the log-odds of "positive"; any other word adds nothing."""


class LexiconClassifier(KeywordClassifier):
    """Adds up the weights of the words, so that the right explanation is known."""

    def __init__(self, label: str | None = None) -> None:
        super().__init__()
        self._label = label

    def _judge(self, text: str) -> Verdict:
        odds = sum(LEXICON.get(word.strip("!").lower(), 0) for word in text.split())
        positive = 1 / (1 + math.exp(-odds))
        verdict = Verdict.from_probabilities([1 - positive, positive])
        label = self._label or verdict.label
        return Verdict(label, verdict.confidence, verdict.probabilities)


async def _explain(text: str, classifier: KeywordClassifier | None = None) -> Explanation:
    async with Engine(classifier or LexiconClassifier()) as engine:
        return await Explainer(engine).explain(text)


async def test_each_word_weighs_what_the_verdict_loses_without_it() -> None:
    explanation = await _explain("  A GREAT film,\nbut nice well!!! ")
    assert explanation.label == "positive"
    assert [part.text for part in explanation.parts] == [
        *("A", "GREAT", "film,", "but", "nice", "well!!!")
    ]
    weights = [part.weight for part in explanation.parts]
    assert weights == pytest.approx([0, 3, 0, -0.8, 1, 0.05])
    marks = [part.mark for part in explanation.parts]
    assert marks == [*(Mark.NONE, Mark.STRONG, Mark.NONE, Mark.AGAINST, Mark.SLIGHT, Mark.NONE)]
    assert [part.text for part in explanation.marked(Mark.SLIGHT, Mark.STRONG)] == ["GREAT", "nice"]


async def test_weights_are_those_of_the_likelier_class() -> None:
    explanation = await _explain("but but great but but but")
    assert explanation.label == "negative"
    assert [part.mark for part in explanation.parts].count(Mark.STRONG) == 5
    assert explanation.parts[2].weight == pytest.approx(-3)
    assert explanation.parts[2].mark is Mark.AGAINST


async def test_of_an_unsure_verdict_the_likelier_class_is_explained() -> None:
    explanation = await _explain("nice, but nice", LexiconClassifier(label="unsure"))
    assert explanation.label == "positive"
    assert explanation.probabilities["positive"] > 0.5


@pytest.mark.parametrize("text", ["certain", "certain certain"])
async def test_a_model_that_is_certain_leaves_finite_weights(text: str) -> None:
    explanation = await _explain(text)
    assert all(0 <= part.weight < 20 for part in explanation.parts)


async def test_where_nothing_weighs_nothing_is_marked() -> None:
    explanation = await _explain("a film well seen")
    assert {part.mark for part in explanation.parts} == {Mark.NONE}


@pytest.mark.parametrize("count", [MAX_PARTS, MAX_PARTS + 1, 700])
async def test_a_long_text_is_explained_in_runs_of_words(count: int) -> None:
    words = [f"word{number}" for number in range(count)]
    words[count // 2] = "great"
    classifier = LexiconClassifier()
    explanation = await _explain(" ".join(words), classifier)
    assert len(explanation.parts) == MAX_PARTS
    assert " ".join(part.text for part in explanation.parts).split() == words
    lengths = {len(part.text.split()) for part in explanation.parts}
    assert max(lengths) - min(lengths) <= 1
    (strong,) = explanation.marked(Mark.STRONG)
    assert "great" in strong.text.split()
    assert len(classifier.judged) == MAX_PARTS + 1


async def test_a_usual_review_costs_one_batch() -> None:
    classifier = LexiconClassifier()
    await _explain("a great film that I saw with my two brothers in a nice place", classifier)
    assert [len(batch) for batch in classifier.batches] == [15]


async def test_a_customer_is_answered_before_a_long_explanation() -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        classifier.gate.clear()
        text = " ".join(f"word{number}" for number in range(MAX_PARTS))
        explaining = asyncio.create_task(Explainer(engine).explain(text))
        await asyncio.to_thread(classifier.entered.wait, 10)
        customer = asyncio.create_task(engine.classify("great"))
        await asyncio.sleep(0)
        classifier.gate.set()
        await customer
        assert not explaining.done()
        await explaining
    assert classifier.judged.index("great") <= AT_ONCE


async def test_one_explanation_at_a_time_and_few_wait() -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        explainer = Explainer(engine)
        classifier.gate.clear()
        asked = [
            asyncio.create_task(explainer.explain(f"great film {number}"))
            for number in range(MAX_WAITING + 1)
        ]
        await asyncio.to_thread(classifier.entered.wait, 10)
        with pytest.raises(BusyError):
            await explainer.explain("one too many")
        classifier.gate.set()
        assert len(await asyncio.gather(*asked)) == MAX_WAITING + 1
        # None is judged before the one in front of it is through.
        firsts = [classifier.judged.index(f"great film {number}") for number in range(9)]
        assert firsts == sorted(firsts)
        assert classifier.judged.index("great film 1") >= 4
        assert await explainer.explain("another")


async def test_a_cancelled_caller_makes_room() -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        explainer = Explainer(engine)
        classifier.gate.clear()
        given_up = asyncio.create_task(explainer.explain("a great film"))
        await asyncio.to_thread(classifier.entered.wait, 10)
        given_up.cancel()
        await asyncio.wait({given_up})
        classifier.gate.set()
        assert (await explainer.explain("great")).label == "positive"


async def test_an_explanation_is_judged_behind_reviews() -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        classifier.gate.clear()
        first = asyncio.create_task(engine.classify("the first"))
        await asyncio.to_thread(classifier.entered.wait, 10)
        long = "a " * 500  # as long as the reviews, which would not pass it for their length
        explaining = asyncio.create_task(Explainer(engine).explain(f"{long}great film"))
        await asyncio.sleep(0.01)
        texts = (f"film {number} {long}" for number in range(20))
        reviews = [asyncio.create_task(engine.classify(text)) for text in texts]
        await asyncio.sleep(0)
        classifier.gate.set()
        await asyncio.gather(first, explaining, *reviews)
    # A round takes a dozen of them.
    assert {text.split()[0] for text in classifier.judged[1:11]} == {"film"}


async def test_weights_are_remembered_for_some_minutes_and_without_the_text() -> None:
    now = 0.0
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        explainer = Explainer(engine, clock=lambda: now)
        first = await explainer.explain("a great private film")
        judged = len(classifier.judged)
        assert await explainer.explain("a great private film") == first
        assert len(classifier.judged) == judged
        assert "private" not in repr(explainer._remembered)
        engine.swap(classifier)  # another model may weigh the words in another way
        await explainer.explain("a great private film")
        assert len(classifier.judged) == 2 * judged
        now = REMEMBERED_SECONDS
        await explainer.explain("a great private film")
        assert len(classifier.judged) == 3 * judged


async def test_a_bounded_number_of_texts_is_remembered() -> None:
    async with Engine(LexiconClassifier()) as engine:
        explainer = Explainer(engine)
        for number in range(MAX_REMEMBERED + 3):
            await explainer.explain(f"film{number}")
        assert len(explainer._remembered) == MAX_REMEMBERED


async def test_those_who_ask_about_one_text_at_once_pay_once() -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        explainer = Explainer(engine)
        await asyncio.gather(*(explainer.explain("a great film") for _ in range(5)))
    assert len(classifier.judged) == 4


# What the concierge makes of it


def _kind(answer: Explanation | Reply) -> Kind | None:
    return answer.kind if isinstance(answer, Reply) else None


async def test_what_cannot_be_explained_is_reported_in_a_sentence(responses: Responses) -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses)
        assert _kind(await concierge.explain("a great film")) is None
        for text, kind in [
            ("", Kind.UNEXPLAINED),
            ("... !", Kind.UNEXPLAINED),
            ("poison in a great film", Kind.FAILURE),
        ]:
            assert _kind(await concierge.explain(text)) is kind
    # Closed, the engine takes nothing more, as when its queue is full.
    assert _kind(await concierge.explain("a dull film")) is Kind.BUSY


async def test_an_engine_with_a_full_queue_is_busy(responses: Responses) -> None:
    classifier = LexiconClassifier()
    async with Engine(classifier, queue_tokens=30) as engine:
        concierge = Concierge(engine, responses)
        assert _kind(await concierge.explain("a great but nice film")) is Kind.BUSY
        # Nothing of it is left behind.
        assert (await concierge.answer("great")).kind is Kind.POSITIVE


async def test_a_judgement_can_be_explained_and_a_hint_cannot(responses: Responses) -> None:
    async with Engine(KeywordClassifier()) as engine:
        concierge = Concierge(engine, responses)
        texts = ("great", "dull", "", "poison", "👎", "★☆☆☆☆", *OTHER_KINDS.values())
        answers = {text: await concierge.answer(text) for text in texts}
        judged = [text for text, reply in answers.items() if reply.is_judgement]
        assert judged == ["great", "dull", "👎", "★☆☆☆☆"]
        for text in judged:
            assert isinstance(await concierge.explain(text), Explanation)


# With a model


async def test_the_words_with_the_largest_weights_carry_the_verdict(checkpoint: Path) -> None:
    texts: Sequence[str] = [text for text, _ in separable_reviews()]
    by_weight, by_chance = await removal(Classifier.load(checkpoint), texts)
    assert by_weight > 0.3
    assert by_weight > 2 * by_chance
