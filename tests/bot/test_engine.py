"""The engine: batches, bounds, failures, the swap."""

import asyncio
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from bot import engine as engine_module
from bot.engine import (
    MAX_TOKENS,
    ROUND_TOKENS,
    BusyError,
    Engine,
    UnansweredError,
    estimate_tokens,
)
from tests.bot.stub import KeywordClassifier
from trainer.model.classifier import Encoding, Verdict


async def _hold(engine: Engine, classifier: KeywordClassifier) -> "asyncio.Task[Verdict]":
    """Occupies the worker with one text until `classifier.gate` is set."""
    classifier.gate.clear()
    classifier.entered.clear()
    first = asyncio.create_task(engine.classify("the first"))
    await asyncio.to_thread(classifier.entered.wait, 10)
    return first


async def _queue(engine: Engine, *texts: str) -> "list[asyncio.Task[Verdict]]":
    tasks = [asyncio.create_task(engine.classify(text)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def test_each_caller_gets_the_verdict_on_its_own_text() -> None:
    texts = [f"{'great' if number % 3 else 'dull'} film {'x ' * number}" for number in range(50)]
    async with Engine(KeywordClassifier()) as engine:
        verdicts = await asyncio.gather(*map(engine.classify, texts))
    assert [v.label == "positive" for v in verdicts] == [t.startswith("great") for t in texts]


async def test_what_queues_while_the_model_is_busy_is_its_next_batch() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        others = await _queue(engine, "one two three", "one", "one two")
        classifier.gate.set()
        await asyncio.gather(first, *others)
    assert classifier.batches == [["the first"], ["one", "one two", "one two three"]]


async def test_batches_are_cut_by_padded_tokens() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier, padded_tokens=6) as engine:
        first = await _hold(engine, classifier)
        # 1, 2, 3, 4 and 9 tokens; 3 x 2 still fits into 6, 3 x 3 does not, and 9 goes alone.
        texts = ["a " * 4, "a " * 2, "a " * 9, "a", "a " * 3]
        others = await _queue(engine, *texts)
        classifier.gate.set()
        await asyncio.gather(first, *others)
    sizes = [[len(text.split()) for text in batch] for batch in classifier.batches[1:]]
    assert sizes == [[1, 2], [3], [4], [9]]


async def test_identical_texts_in_flight_are_judged_once() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        others = await _queue(engine, "the first", "a great one", "a great one")
        classifier.gate.set()
        verdicts = await asyncio.gather(first, *others)
        assert await engine.classify("a great one") == verdicts[2] == verdicts[3]
    assert classifier.judged == ["the first", "a great one", "a great one"]


async def test_callers_that_have_gone_cost_nothing() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        gone, stays, shared, sharer = await _queue(engine, "gone", "stays", "shared", "shared")
        gone.cancel()
        shared.cancel()
        classifier.gate.set()
        await asyncio.gather(first, stays, sharer)
    assert sorted(classifier.judged) == ["shared", "stays", "the first"]


async def test_a_round_drops_those_who_go_while_it_is_on() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier, padded_tokens=1) as engine:
        first = await _hold(engine, classifier)
        short, late = await _queue(engine, "short", "long long")
        classifier.entered.clear()
        classifier.gate.set()
        await first
        classifier.gate.clear()
        await asyncio.to_thread(classifier.entered.wait, 10)
        late.cancel()
        await asyncio.sleep(0)
        classifier.gate.set()
        await short
        # The text of a caller that has gone can be asked for again.
        assert (await engine.classify("long long")).label == "negative"
    assert classifier.judged.count("long long") <= 2


async def test_a_full_queue_says_busy_at_once_and_recovers() -> None:
    classifier = KeywordClassifier()
    tokens = estimate_tokens("the first") + 2 * estimate_tokens("a")
    async with Engine(classifier, queue_tokens=tokens) as engine:
        first = await _hold(engine, classifier)
        others = await _queue(engine, "a", "a")
        with pytest.raises(BusyError):
            await engine.classify("b")
        others[0].cancel()
        await asyncio.sleep(0)
        (other,) = await _queue(engine, "b")
        classifier.gate.set()
        await asyncio.gather(first, others[1], other)


async def test_a_short_text_passes_long_ones_that_came_before_it() -> None:
    classifier = KeywordClassifier()
    classifier.gate.clear()
    async with Engine(classifier) as engine:
        long_ones = await _queue(engine, *(f"{number} " * MAX_TOKENS for number in range(9)))
        await asyncio.to_thread(classifier.entered.wait, 10)
        (short,) = await _queue(engine, "short")
        classifier.gate.set()
        await asyncio.gather(short, *long_ones)
    assert classifier.judged.index("short") <= ROUND_TOKENS / MAX_TOKENS


async def test_a_long_text_is_not_passed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "SECONDS_A_TOKEN", 0.0)  # as if it had waited for them
    monkeypatch.setattr(engine_module, "ROUND_TOKENS", 1)
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        others = await _queue(engine, "long " * 1_000, "short")
        classifier.gate.set()
        await asyncio.gather(first, *others)
    assert classifier.judged[-1] == "short"


async def test_the_queue_is_bounded_by_tokens_and_not_by_callers() -> None:
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        short_ones = await _queue(engine, *(f"film {number}" for number in range(5_000)))
        assert not any(task.done() for task in short_ones)
        long_ones = await _queue(engine, *(f"{number} " * 5_000 for number in range(100)))
        assert 40 < sum(task.done() for task in long_ones) < 60
        classifier.gate.set()
        outcomes = await asyncio.gather(first, *short_ones, *long_ones, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {BusyError, Verdict}
        # All of it is given back.
        assert await asyncio.gather(
            *map(engine.classify, ["x" * 9_000 + str(n) for n in range(60)])
        )


class _Panic(BaseException):
    """As tokenizers raises it: a panic of Rust is no Exception."""


class _Panicking(KeywordClassifier):
    def encode(self, text: str) -> Encoding:
        if "poison" in text:
            raise _Panic
        return super().encode(text)


async def test_a_panic_of_the_tokenizer_fails_only_its_text() -> None:
    classifier = _Panicking()
    async with Engine(classifier) as engine:
        texts = map(engine.classify, ["great", "poison", "dull"])
        outcomes = await asyncio.gather(*texts, return_exceptions=True)
    assert [isinstance(outcome, UnansweredError) for outcome in outcomes] == [False, True, False]
    assert classifier.batches == [["great", "dull"]]


async def test_a_text_is_tokenised_once_and_not_on_the_event_loop() -> None:
    encoded: list[str] = []
    threads = set()

    class Tracing(KeywordClassifier):
        def encode(self, text: str) -> Encoding:
            encoded.append(text)
            threads.add(threading.current_thread())
            return super().encode(text)

    texts = ["great", "dull", "long " * 800]
    async with Engine(Tracing()) as engine:
        await asyncio.gather(*map(engine.classify, texts))
    assert encoded == texts
    assert threading.main_thread() not in threads


async def test_a_failing_batch_fails_only_the_poison() -> None:
    classifier = KeywordClassifier()
    texts = [f"film {number}" for number in range(13)]
    texts[4] = texts[11] = "poison"
    texts[7] = "other poison"
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        others = await _queue(engine, *texts)
        classifier.gate.set()
        await first
        outcomes = await asyncio.gather(*others, return_exceptions=True)
    failed = [isinstance(outcome, UnansweredError) for outcome in outcomes]
    assert failed == ["poison" in text for text in texts]


async def test_a_failure_tells_the_place_and_nothing_of_the_text() -> None:
    async with Engine(KeywordClassifier()) as engine:
        with pytest.raises(UnansweredError) as caught:
            await engine.classify("poison and private matters")
    assert str(caught.value).startswith("ValueError at tests/bot/stub.py:")
    assert "private" not in repr(caught.value) + repr(caught.value.__context__)


class _Short(KeywordClassifier):
    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        return super().judge(encodings)[1:]


class _Crashing(KeywordClassifier):
    def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
        raise SystemExit(len(encodings))


@pytest.mark.parametrize("model", [_Short, _Crashing])
async def test_no_one_waits_for_ever(model: type[KeywordClassifier]) -> None:
    async with Engine(model()) as engine:
        texts = map(engine.classify, ["a", "b", "c"])
        outcomes = await asyncio.gather(*texts, return_exceptions=True)
        assert all(isinstance(outcome, UnansweredError) for outcome in outcomes)
        engine.swap(KeywordClassifier())
        assert (await engine.classify("great")).label == "positive"


async def test_a_swap_takes_effect_with_the_next_round() -> None:
    old, new = KeywordClassifier(certainty=0.8), KeywordClassifier(certainty=0.6)
    async with Engine(old) as engine:
        first = await _hold(engine, old)
        engine.swap(new)
        (second,) = await _queue(engine, "great")
        old.gate.set()
        assert (await first).confidence == 0.8
        assert (await second).confidence == 0.6


async def test_closing_answers_what_it_has_and_takes_no_more() -> None:
    classifier = KeywordClassifier()
    engine = Engine(classifier)
    first = await _hold(engine, classifier)
    (second,) = await _queue(engine, "great")
    closing = asyncio.create_task(engine.aclose())
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await engine.classify("too late")
    assert not closing.done()
    classifier.gate.set()
    await closing
    assert first.done()
    assert (await second).label == "positive"


async def test_the_model_runs_off_the_event_loop_on_one_thread() -> None:
    threads = set()

    class Tracing(KeywordClassifier):
        def judge(self, encodings: Sequence[Encoding]) -> list[Verdict]:
            threads.add(threading.current_thread())
            return super().judge(encodings)

    async with Engine(Tracing()) as engine:
        for text in "abc":
            await engine.classify(text)
    assert len(threads) == 1
    assert threading.main_thread() not in threads


async def test_a_worker_that_cannot_be_started_leaves_no_caller_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Engine(KeywordClassifier()) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _no_more_threads)
            # More than one round takes.
            texts = [f"{number} {'x' * 3 * MAX_TOKENS}" for number in range(5)]
            waiting = asyncio.gather(*map(engine.classify, texts), return_exceptions=True)
            outcomes = await asyncio.wait_for(waiting, 5)
            assert [type(outcome) for outcome in outcomes] == [UnansweredError] * 5
            assert engine.worker_fails
        assert (await engine.classify("a great film")).label == "positive"
        assert not engine.worker_fails


def _no_more_threads(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def end_worker(pool: ThreadPoolExecutor) -> ThreadPoolExecutor:
    """Ends the thread of the pool before its next task, as an error in its own code would."""
    pool._work_queue.put(SimpleNamespace(run=sys.exit))  # type: ignore[arg-type]
    return pool


async def test_a_worker_that_has_died_is_replaced_and_its_texts_are_judged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine_module, "WATCH_SECONDS", 0.05)
    async with Engine(KeywordClassifier()) as engine:
        for _ in range(2):
            await engine.classify("great")
            end_worker(engine._worker)
            tasks = await _queue(engine, "dull", "a great one")
            verdicts = await asyncio.wait_for(asyncio.gather(*tasks), 5)
            assert [verdict.label for verdict in verdicts] == ["negative", "positive"]
    assert "The thread of the model has ended, and was replaced" in caplog.text


async def test_texts_over_which_the_worker_dies_twice_get_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "WATCH_SECONDS", 0.05)
    async with Engine(KeywordClassifier()) as engine:
        await engine.classify("great")
        new_worker = engine._new_worker
        with monkeypatch.context() as patch:
            patch.setattr(engine, "_new_worker", lambda: end_worker(new_worker()))
            end_worker(engine._worker)
            deadly = asyncio.create_task(engine.classify("dull"))
            await asyncio.sleep(0.1)
        with pytest.raises(UnansweredError, match="ended without a verdict"):
            await asyncio.wait_for(deadly, 5)
        assert (await asyncio.wait_for(engine.classify("great"), 5)).label == "positive"


async def test_a_slow_round_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "WATCH_SECONDS", 0.02)
    classifier = KeywordClassifier()
    async with Engine(classifier) as engine:
        first = await _hold(engine, classifier)
        await asyncio.sleep(0.1)
        classifier.gate.set()
        assert (await first).label == "negative"
