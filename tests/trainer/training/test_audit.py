"""`trainer audit`: wrong labels, near-duplicates and outliers, found by row."""

import sys
from pathlib import Path

import pytest

from tests.conftest import call_trainer, separable_reviews, write_csv

WRONG = 41
"""A row of the file whose label is wrong; the header is line 1."""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Sixty reviews, one of them with the wrong label, and one twice but for a blank."""
    rows = separable_reviews()[::5]
    text, label = rows[WRONG - 2]
    rows[WRONG - 2] = text, "positive" if label == "negative" else "negative"
    rows += [(f"{rows[3][0]} ", rows[3][1]), ("hm " * 40, "positive")]
    return write_csv(tmp_path / "mine.csv", rows)


def test_what_looks_wrong_is_listed_by_row_and_without_its_text(
    labelled: Path, checkpoint: Path
) -> None:
    done = call_trainer("audit", labelled.name, "--checkpoint", checkpoint, cwd=labelled.parent)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "mine.csv: 66 reviews, judged by tiny."
    wrong = lines.index("Likely wrong labels: 1")
    assert lines[wrong + 1].startswith(f"  line {WRONG}: ")
    assert "negative, read as positive (score 0.0" in lines[wrong + 1]
    duplicates = next(n for n, line in enumerate(lines) if line.startswith("Groups of near-dupl"))
    group = "\n".join(lines[duplicates:])
    assert "    line 5: negative (score " in group
    assert "    line 66: negative (score " in group
    assert any(line.startswith("Outliers: ") for line in lines)
    words = {word for text, _ in separable_reviews() for word in text.split()}
    assert not {"wonderful", "dreadful", "boring"} & words & set(done.stdout.split())


def test_reviews_are_shown_on_request_and_cannot_steer_the_terminal(
    labelled: Path, checkpoint: Path
) -> None:
    labelled.write_text(labelled.read_text().replace("hm hm hm hm", "hm \x1b[2J hm hm", 1))
    text = labelled.read_text().splitlines()[WRONG - 1].rpartition(",")[0]
    options = ("--checkpoint", checkpoint, "--show")
    done = call_trainer("audit", labelled, *options, cwd=labelled.parent)
    assert done.returncode == 0, done.stderr
    assert f"    {text}\n" in done.stdout
    assert "    hm \\x1b[2J hm hm" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_set_that_the_checkpoint_learned_from_is_said(checkpoint: Path, reviews: Path) -> None:
    # The serving one, in the folder that it lies in.
    done = call_trainer("audit", reviews, cwd=checkpoint.parents[1])
    assert done.returncode == 0, done.stderr
    assert "This checkpoint was trained on these reviews" in done.stdout


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("a film", "positive")] * 19, "has 19 reviews with a text and a label; an audit takes"),
        ([(f"film {n}", "positive") for n in range(20)], "has only positive reviews"),
        ([("my secret", "postive")] * 20, "line 2: the label is 'postive', but must be"),
    ],
)
def test_what_cannot_be_audited_is_refused(
    tmp_path: Path, checkpoint: Path, rows: list[tuple[str, str]], problem: str
) -> None:
    file = write_csv(tmp_path / "mine.csv", rows)
    done = call_trainer("audit", file, "--checkpoint", checkpoint, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "secret" not in done.stderr


def test_without_cleanlab_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    done = call_trainer("audit", "mine.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: An audit needs the package cleanlab, which is not installed. Install it: "
        'pip install "review-concierge[audit]"\n'
    )


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    done = call_trainer("audit", "mine.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no serving checkpoint. Train one, or give --checkpoint." in done.stderr
