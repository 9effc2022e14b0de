"""The benchmark in its short form: whether answers are right and rows complete, never how fast."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from benchmarks import ablation, answers, judgement, misread, peers, speed
from benchmarks.inference import agreement
from benchmarks.material import chat_messages, long_reviews, make_checkpoint
from benchmarks.timing import Row, alternate
from bot.conversation.questions import HeldQuestion
from bot.conversation.reply import Reply
from bot.sentences.kinds import Side
from bot.sentences.responses import Kind
from trainer.model.checkpoint import graph_file
from trainer.model.classifier import Classifier
from trainer.model.runtime import RuntimeName
from trainer.training.export import GraphPrecision, export

# The figures of the table; where there is bf16, there are more rows of the first two kinds.
ROWS = {
    "Answering": [
        "one chat message, p50",
        "one chat message, p95",
        "16 messages of mixed length, 64 at a time",
        "review of 400 words, its first 128 tokens",
        "review of 400 words, all ",
    ],
    "Other runtimes": [
        "1 x 8, by ONNX Runtime",
        "4 x 8, by ONNX Runtime",
        "16 messages, 64 at a time, by ONNX Runtime",
    ],
    "Starting": ["process start to first answer", "resident memory after it"],
    "Threads": ["one chat message, threads: 1", "16 messages, threads: 1"],
    "Distance from the limit": ["one chat message of ", "4 texts of 8 tokens"],
    "Training": ["one epoch of 2,500 reviews", "one epoch of 2,500 reviews, --recipe plain"],
    "Growth": ["one text, ", "texts of 32 tokens, ", "training, short reviews, "],
}
TARGETS = {6.0, 8.0, 3.0, 1.0, 5.0, 2.0, 1.5}


@pytest.mark.slow
def test_the_short_form_gives_every_row_and_right_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    speed.main(quick=True, output=tmp_path)

    printed = capsys.readouterr().out
    report = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    assert list(report["tables"]) == list(ROWS)
    for title, figures in ROWS.items():
        rows = report["tables"][title]
        for figure in figures:
            assert any(row["figure"].startswith(figure) for row in rows), figure
        for row in rows:
            assert row["figure"] in printed
            _check(row, positive=title != "Growth")
    assert {row["target"] for rows in report["tables"].values() for row in rows} >= TARGETS
    assert report["machine"]["cores"] >= 1
    assert str(report["machine"]["versions"]["onnxruntime"]) in printed

    # What is not installed is left out with a word.
    others = {row["against"] for row in report["tables"]["Other runtimes"]}
    assert peers.DYNAMIC in others
    assert (peers.NNCF in others) == (not report["left_out"])
    assert all(sentence in printed for sentence in report["left_out"])

    # Both sides judged the same texts alike, and not because all texts are judged alike.
    assert report["agreement"]["fp32"] < 1e-4
    assert report["agreement"]["int8"] < 0.25 * report["agreement"]["spread"]
    assert report["agreement"]["spread"] > 0.1

    for curve in report["growth"]:
        assert len(curve["sizes"]) == len(curve["ours"]) > 1
        assert len(curve["theirs"]) in (0, len(curve["sizes"]))
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


def _check(row: dict[str, Any], *, positive: bool) -> None:
    """Exponents of times that last a millisecond may be anything; all else is positive."""
    figures = [row[key] for key in ("ours", "theirs", "ratio") if row[key] is not None]
    assert all(map(math.isfinite, figures)), row
    assert not positive or min(figures) > 0, row
    if row["target"] is not None:
        assert row["ratio"] is not None, row


def test_a_graph_of_other_weights_is_noticed(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path / "checkpoint", dict(speed.QUICK.model))
    texts = chat_messages(8)
    # A checkpoint like any other: verified, and read by both runtimes.
    ours, torchs = (
        Classifier.load(checkpoint, runtime)(texts)
        for runtime in (RuntimeName.ONNX, RuntimeName.TORCH)
    )
    differences = [abs(a.confidence - b.confidence) for a, b in zip(ours, torchs, strict=True)]
    assert max(differences) < 0.1
    # The pipeline reads ratings and emoji as they stand.
    assert agreement(checkpoint, [*texts, "8/10, go", "utter rubbish 👎👎"], tmp_path).holds

    torch.manual_seed(1)
    other = DistilBertForSequenceClassification(DistilBertConfig(**speed.QUICK.model))
    export(other, graph_file(checkpoint), GraphPrecision.INT8, texts=[[1, 2, 3, 4]])
    assert not agreement(checkpoint, texts, tmp_path).holds


def test_texts_are_different_and_as_long_as_they_should_be() -> None:
    messages = chat_messages(256)
    assert len(set(messages)) == 256
    lengths = sorted(len(review.text.split()) for review in long_reviews(500))
    assert 150 < lengths[250] < 200  # IMDb's median is 174
    assert 210 < sum(lengths) / 500 < 260  # and its mean 234


def test_sides_take_turns_and_a_ratio_says_how_many_times_better() -> None:
    calls: list[str] = []
    sides = [lambda: calls.append("a"), lambda: calls.append("b")]
    times = alternate(sides, seconds=0, block=2, least=2)
    assert "".join(calls) == "aaabbbaaabbb"  # of each three the first does not count
    assert [len(side) for side in times] == [4, 4]

    assert Row("latency", "", "ms", ours=2, theirs=10).ratio == 5
    assert Row("throughput", "", "/s", ours=10, theirs=2, more_is_better=True).ratio == 5
    assert Row("alone", "", "ms", ours=2).ratio is None


def test_reviews_that_are_not_there_are_named_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no-such\.csv"):
        speed.main(quick=True, imdb=str(tmp_path / "no-such.csv"))


def test_what_trainings_came_to_is_their_own_figures(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = json.loads((checkpoint / "training.json").read_text())
    judgement.main([checkpoint, checkpoint], output=tmp_path)

    accuracy = f"{training['evaluation']['test']['accuracy']:.3f}"
    page = (tmp_path / "judgement.md").read_text()
    assert f"| accuracy | {accuracy} | {accuracy} | {accuracy} |" in page
    assert "| figure | seed 0 | seed 0 | mean |" in page
    assert accuracy in capsys.readouterr().out
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(typer.BadParameter, match="training"):
        judgement.main([tmp_path])


def test_an_ablation_goes_on_where_it_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs.jsonl"
    figures = {"decided": 0.5, "short": 0.75, "mixed": 1.0, "seconds": 60.4}
    done = [{"recipe": "best", "seed": s, "accuracy": 0.9 + s / 100, **figures} for s in (0, 1)]
    runs.write_text("".join(f"{json.dumps(run)}\n" for run in done))
    before = runs.read_bytes()

    nowhere = str(tmp_path / "no-such.csv")  # read only where something is left to run
    ablation.main(dataset=nowhere, only=["best"], seeds=[0, 1], runs=runs)
    row = "| best | 0.905 (0.900-0.910) | 0.500 (0.500-0.500) | 0.750 (0.750-0.750) |"
    assert f"{row} 1.000 (1.000-1.000) | 60 | 2 |" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"no-such\.csv"):
        ablation.main(dataset=nowhere, only=["best"], seeds=[2], runs=runs)
    assert runs.read_bytes() == before
    with pytest.raises(typer.BadParameter, match="no row"):
        ablation.main(dataset=nowhere, only=["bets"], seeds=None, runs=runs)


def test_the_answers_are_split_for_good_and_judged_by_what_they_mean(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = [answers.read_half(held_out) for held_out in (False, True)]
    assert [len(half) for half in halves] == [90, 110]
    row = next(row for row in halves[0] if row.side == "negative")
    said = {
        kind: row.outcome(Reply("", kind))
        for kind in (Kind.NEGATIVE, Kind.POSITIVE, Kind.BOTH, Kind.THANKS)
    }
    assert list(said.values()) == ["understood", "turned round", "misread", "misread"]

    answers.main(checkpoint, development=True)
    assert "110" not in capsys.readouterr().out
    answers.main(checkpoint)
    assert "110" in capsys.readouterr().out
    answers.main(checkpoint, stranger=True)
    assert "226" in capsys.readouterr().out
    with pytest.raises(typer.BadParameter):
        answers.main(checkpoint.parent / "nothing")


def test_replies_to_the_misread_are_judged_by_what_they_meant(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = misread.read(misread.STRANGERS)
    about = {row.about: row for row in rows}
    question = HeldQuestion.of("Did you like the film?", Side.POSITIVE, 0.0)
    asking = Reply("", Kind.CORRECTION, question=question)
    for row, reply, outcome in (
        ("service", Reply("", Kind.PERSON), "understood"),
        ("service", Reply("", Kind.NEGATIVE), "misread again"),
        ("off_topic", asking, "asked how they liked the film"),
        ("unclear", asking, "understood"),
        ("negative", Reply("", Kind.CORRECTED_NEGATIVE), "understood"),
        ("negative", Reply("", Kind.POSITIVE), "misread again"),
    ):
        assert about[row].outcome(reply) == outcome

    for development in (False, True):
        misread.main(checkpoint, development=development)
        shown = capsys.readouterr().out
        assert "150" in shown
        assert ("got " in shown) == development
    with pytest.raises(typer.BadParameter):
        misread.main(checkpoint.parent / "nothing")
