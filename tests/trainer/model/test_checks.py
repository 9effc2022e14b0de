"""Sentences under test: checks.yaml, and what `evaluate --checks` says about it."""

import json
import os
from pathlib import Path

import pytest

from tests.conftest import call_trainer
from trainer.events import BrokenCheck
from trainer.model.checks import MAX_CHECKS, OUTCOMES, compare_checks, read_checks

SECRET = "a sentence that stays in its file"
GOOD = f'- text: "what a wonderful film"\n  kind: positive\n- text: {SECRET}\n  kind: service\n'


def _refused(path: Path, checkpoint: Path, reviews: Path) -> str:
    done = call_trainer(
        *("evaluate", "--checkpoint", checkpoint, "--dataset", reviews, "--checks", path),
        cwd=path.parent,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "stays in its file" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", 1, "expected a list"),
        ("# nothing yet\n", 1, "expected a list"),
        ("text: hello\nkind: greeting\n", 1, "expected a list"),
        (f"{GOOD}- hello\n", 5, "an entry is written"),
        (f"{GOOD}- text: hello\n", 5, "this entry has no 'kind'"),
        (f"{GOOD}- kind: greeting\n", 5, "this entry has no 'text'"),
        (f"{GOOD}- text: hello\n  kind: greeting\n  why: x\n", 7, "has text and kind only"),
        (f"{GOOD}- text: hello\n  kind: greeting\n  text: x\n", 7, "'text' is repeated"),
        (f"{GOOD}- text: hello\n  kind: hi\n", 6, "'kind' must be one of negative, positive"),
        (f"{GOOD}- text: hello\n  kind: review\n", 6, "'kind' must be one of"),
        (f"{GOOD}- text: yes\n  kind: unsure\n", 5, "put quotation marks around it"),
        (f"{GOOD}- text: [hello]\n  kind: unsure\n", 5, "put quotation marks around it"),
        (f"{GOOD}- text: film #1\n  kind: unsure\n", 5, "would be taken for a comment"),
        (f'{GOOD}- text: " "\n  kind: unsure\n', 5, "this text is blank"),
        (f"{GOOD}- text: {'x' * 4_001}\n  kind: unsure\n", 5, "4,001 characters; 4,000 are"),
        (f"{GOOD}- text: {SECRET}\n  kind: unsure\n", 5, "repeats the text of line 3"),
        (f'{GOOD}- text: "hello\n', 5, "this is not valid YAML"),
        (f"{GOOD}-\ttext: hello\n", 5, "there is a tab"),
        (f"{GOOD}\x07", 5, "an invisible control character"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(
    tmp_path: Path, checkpoint: Path, reviews: Path, content: str, line: int, problem: str
) -> None:
    file = tmp_path / "checks.yaml"
    file.write_text(content)
    sentence = _refused(file, checkpoint, reviews)
    assert f"checks.yaml, line {line}: " in sentence
    assert problem in sentence


@pytest.mark.timeout(60)
def test_a_hostile_file_is_refused(tmp_path: Path, checkpoint: Path, reviews: Path) -> None:
    file = tmp_path / "checks.yaml"
    assert "There is no file" in _refused(file, checkpoint, reviews)
    for content, problem in (
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not valid YAML"),
        (b"x" * 300_000, "larger than"),
        (b"- &a {text: hello, kind: greeting}\n- *a\n", "repeats the text"),
        (b"- [a, b]\n" * (MAX_CHECKS + 1), "1,001 entries; 1,000 are allowed"),
    ):
        file.write_bytes(content)
        assert problem in _refused(file, checkpoint, reviews)
    file.unlink()
    os.mkfifo(file)
    assert "not a regular file" in _refused(file, checkpoint, reviews)


def test_every_kind_may_be_wanted(tmp_path: Path) -> None:
    file = tmp_path / "checks.yaml"
    file.write_text("".join(f"- text: {kind} it is\n  kind: {kind}\n" for kind in OUTCOMES))
    assert [check.wanted for check in read_checks(file)] == list(OUTCOMES)


def test_evaluate_names_the_broken_ones_by_number_and_line(
    tmp_path: Path, checkpoint: Path, reviews: Path
) -> None:
    file = tmp_path / "checks.yaml"
    file.write_text(
        '# praise\n- text: "what a wonderful film"\n  kind: positive\n'
        '# a mistake\n- text: "the plot was dreadful"\n  kind: positive\n'
    )
    options = ("--checkpoint", checkpoint, "--dataset", reviews, "--checks", file)
    done = call_trainer("evaluate", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Sentences under test: 1 of 2 kept.\n" in done.stdout
    assert "Broken: number 2 (line 5): negative, not positive\n" in done.stdout
    assert "dreadful" not in done.stdout + done.stderr
    against = call_trainer("evaluate", *options, "--against", checkpoint, "--json", cwd=tmp_path)
    broken = {"number": 2, "line": 5, "wanted": "positive", "found": "negative"}
    assert json.loads(against.stdout)["checks"] == {"total": 2, "broken": [broken], "lost": []}
    assert "dreadful" not in against.stdout + against.stderr


def test_lost_are_those_that_the_serving_checkpoint_keeps() -> None:
    one, two = (BrokenCheck(n, n, "positive", "negative") for n in (1, 2))
    compared = compare_checks([one, two], [BrokenCheck(1, 1, "positive", "unsure")])
    assert [each["number"] for each in compared["broken"]] == [1, 2]
    assert [each["number"] for each in compared["lost"]] == [2]
    assert "lost" not in compare_checks([one])
