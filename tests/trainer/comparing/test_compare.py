"""Base models and loops side by side, on tiny random models of every family."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import call_trainer, interrupted, separable_reviews
from tests.trainer.conftest import FAMILIES
from trainer import TrainingConfig
from trainer.comparing.compare import compare
from trainer.comparing.comparison import Comparison
from trainer.comparing.rows import HEADINGS
from trainer.config import Loop, RecipeName
from trainer.errors import ComparisonError
from trainer.events import Event, Note, Plan, Saved
from trainer.model.files import PARTIAL_PREFIX


@pytest.fixture(scope="module")
def budget(reviews: Path) -> TrainingConfig:
    """A run of a second, which is enough to learn what is to be learnt."""
    return TrainingConfig(
        datasets=(str(reviews),),
        fraction=1.0,
        max_length=16,
        epochs=8,
        learning_rate=5e-3,
        recipe=RecipeName.PLAIN,
    )


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def comparison(
    budget: TrainingConfig,
    families: dict[str, Path],
    events: list[Event],
    tmp_path_factory: pytest.TempPathFactory,
) -> Comparison:
    models = [str(families[family]) for family in FAMILIES]
    folder = tmp_path_factory.mktemp("comparing")
    *_, last = compare(budget, models, list(Loop), 1, events.append, folder=folder)
    return last


@pytest.fixture(scope="module")
def folder(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compared") / "deeper" / "result"
    comparison.write(folder)
    return folder


class TestFamilies:
    """One comparison of all four families and of both loops, and what it leaves."""

    def test_each_learns_by_either_loop(self, comparison: Comparison) -> None:
        assert [Path(row.base_model).name for row in comparison.rows] == [
            name
            for family in FAMILIES
            for name in 2 * ["tiny" if family == "distilbert" else family]
        ]
        assert [row.loop for row in comparison.rows] == 4 * list(Loop)
        for row in comparison.rows:
            (run,) = row.runs
            assert run.accuracy > 0.8, row
            assert run.f1 > 0.8
            assert 0 <= run.calibration_error < 0.5
            assert run.seconds > 0
            assert run.tokens_per_second > 0
            assert run.latency > 0
        assert comparison.finished == comparison.planned == 8
        assert comparison.failures == []

    def test_size_is_that_of_the_weights(self, comparison: Comparison) -> None:
        for manual, trainer in zip(comparison.rows[::2], comparison.rows[1::2], strict=True):
            (run,), (same,) = manual.runs, trainer.runs
            assert (run.parameters, run.megabytes) == (same.parameters, same.megabytes)
            assert run.megabytes * 1e6 == pytest.approx(4 * run.parameters, rel=0.2)

    def test_all_have_the_same_budget(self, comparison: Comparison, events: list[Event]) -> None:
        plans = [event for event in events if isinstance(event, Plan)]
        assert len(plans) == 8
        assert len({(str(plan.reviews), plan.steps) for plan in plans}) == 1
        assert comparison.conditions["datasets"][0]["rows"]["train"] == plans[0].reviews

    @pytest.mark.usefixtures("comparison")
    def test_tells_which_run_is_on_and_of_no_passing_checkpoint(self, events: list[Event]) -> None:
        notes = [event.message for event in events if isinstance(event, Note)]
        assert notes[0].startswith("Run 1 of 8: ")
        assert re.search(r"tiny, loop manual, seed 0\.$", notes[0])
        assert not any(isinstance(event, Saved) for event in events)

    def test_leaves_a_table_a_picture_and_every_figure(
        self, comparison: Comparison, folder: Path
    ) -> None:
        assert {file.name for file in folder.iterdir()} == {
            *("comparison.md", "comparison.png", "comparison.json"),
        }
        page = (folder / "comparison.md").read_text()
        assert f"| {' | '.join(HEADINGS)} |" in page
        for row in comparison.rows:
            assert f"| {row.base_model} | {row.loop} | {row.runs[0].accuracy:.3f} |" in page
        assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")
        data = json.loads((folder / "comparison.json").read_text())
        assert len(data["rows"]) == 8
        assert data["rows"][0]["runs"][0]["accuracy"] == comparison.rows[0].runs[0].accuracy
        assert data["hyperparameters"]["epochs"] == 8
        assert not {"base_model", "loop", "seed"} & set(data["hyperparameters"])
        assert not any(text in page + json.dumps(data) for text, _ in separable_reviews())

    def test_names_the_command_that_makes_it_again(
        self, comparison: Comparison, folder: Path, tmp_path: Path
    ) -> None:
        command = re.search(
            r"python -m trainer (compare .*)", (folder / "comparison.md").read_text()
        )
        assert command
        for row in comparison.rows:
            assert f"--base-model {row.base_model} " in command[1]
        # The command line takes it: what it refuses is only the folder.
        (tmp_path / "there").mkdir()
        result = call_trainer(*command[1].split(), "--output", "there", cwd=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith("error: there exists already and is not changed.")


class TestSeeds:
    def test_the_table_has_their_mean_and_range(
        self, budget: TrainingConfig, tiny_encoder: Path, tmp_path: Path
    ) -> None:
        short = replace(budget, epochs=1, learning_rate=1e-3)  # too short for both to end alike
        models = [str(tiny_encoder)]
        *_, last = compare(short, models, [Loop.MANUAL], 2, lambda _: None, folder=tmp_path)
        (row,) = last.rows
        assert [run.seed for run in row.runs] == [0, 1]
        low, high = sorted(run.calibration_error for run in row.runs)
        assert f"{low:.3f}" != f"{high:.3f}"
        cell = dict(zip(HEADINGS, row.cells(" "), strict=True))["calibration error"]
        assert cell == f"{(low + high) / 2:.3f} ({low:.3f}-{high:.3f})"


class TestCommand:
    @pytest.fixture
    def quick(self, reviews: Path, tiny_encoder: Path) -> list[str | Path]:
        return [
            *("compare", "--dataset", reviews, "--base-model", tiny_encoder, "--max-length", "16"),
            *("--learning-rate", "5e-3", "--fraction", "0.5"),
        ]

    def test_a_base_model_that_cannot_be_had_does_not_stop_the_others(
        self, tmp_path: Path, quick: list[str | Path], tiny_encoder: Path
    ) -> None:
        result = call_trainer(
            *(*quick, "--base-model", "./nowhere", "--base-model", tiny_encoder), cwd=tmp_path
        )
        assert result.returncode == 2, result.stderr
        assert result.stderr.splitlines()[-1] == (
            "error: Some models failed. ./nowhere (manual): There is no folder ./nowhere to "
            "load a base model from."
        )
        assert re.search(r"^\./nowhere +manual +failed", result.stdout, re.M)
        saved = re.search(r"^Saved (comparisons/\S+-reviews-csv)\.$", result.stdout, re.M)
        assert saved
        assert [path.name for path in tmp_path.iterdir()] == ["comparisons"]  # no checkpoint
        page = (tmp_path / saved[1] / "comparison.md").read_text()
        assert page.count(f"| {tiny_encoder} |") == 1  # asked for twice, compared once
        assert "- ./nowhere (manual): There is no folder" in page

    def test_where_none_can_be_had_nothing_is_written(self, tmp_path: Path, reviews: Path) -> None:
        result = call_trainer(
            *("compare", "--dataset", reviews, "--base-model", "./nowhere", "--output", "mine"),
            *("--progress", "json"),
            cwd=tmp_path,
        )
        assert result.returncode == 2
        event = json.loads(result.stdout.splitlines()[-1])
        assert event["event"] == "error"
        assert "There is no folder ./nowhere" in event["message"]
        assert list(tmp_path.iterdir()) == []

    def test_interrupting_keeps_the_runs_that_were_finished(
        self, tmp_path: Path, quick: list[str | Path]
    ) -> None:
        output, errors = interrupted(*(*quick, "--seeds", "1000"), at="Run 3 of 1000", cwd=tmp_path)
        last = re.fullmatch(
            r"error: Interrupted\. (\d+) of 1000 runs were finished; their figures are in (\S+)\.",
            errors.splitlines()[-1],
        )
        assert last
        rows = json.loads((tmp_path / last[2] / "comparison.json").read_text())["rows"]
        assert len(rows[0]["runs"]) == int(last[1]) >= 2
        assert f"{last[1]} of 1000 runs are finished." in (
            (tmp_path / last[2] / "comparison.md").read_text()
        )
        assert re.search(r"^base model +loop +accuracy", output, re.M)
        folder = tmp_path / "comparisons"  # the weights are gone
        assert list(folder.iterdir()) == [tmp_path / last[2]]


class TestScratchSpace:
    """The checkpoints of a comparison are on the disk of its table, which is looked at first."""

    @pytest.fixture
    def quick(self, reviews: Path, tiny_encoder: Path) -> list[str | Path]:
        return [
            *("compare", "--dataset", reviews, "--base-model", tiny_encoder, "--max-length", "16"),
            *("--fraction", "0.5", "--epochs", "1", "--recipe", "plain", "--progress", "json"),
        ]

    def test_it_is_beside_the_output(
        self, tmp_path: Path, quick: list[str | Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))  # takes no file
        loops = ("--loop", "manual", "--loop", "trainer")
        result = call_trainer(*quick, *loops, "--output", "deep/it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["deep"]
        assert [path.name for path in (tmp_path / "deep").iterdir()] == ["it"]

    def test_a_folder_that_cannot_be_written_is_named_before_the_training(
        self, tmp_path: Path, quick: list[str | Path]
    ) -> None:
        (tmp_path / "file").touch()
        result = call_trainer(*quick, "--output", "file/it", cwd=tmp_path)
        assert result.returncode == 2
        assert result.stderr.startswith("error: file cannot be written: ")
        assert "choose another --output" in result.stderr
        assert '"step"' not in result.stdout
        assert '"plan"' not in result.stdout

    def test_a_disk_without_room_is_named_before_the_training(
        self, tmp_path: Path, quick: list[str | Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Path] = []
        full = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)

        def disk_usage(path: Path) -> object:
            asked.append(Path(path).resolve())
            return full

        monkeypatch.setattr(shutil, "disk_usage", disk_usage)
        result = call_trainer(*quick, "--output", "deep/it", cwd=tmp_path)
        assert result.returncode == 2
        assert "Free space, or choose another --output" in result.stderr
        assert '"step"' not in result.stdout
        assert all(path.is_relative_to(tmp_path / "deep") for path in asked)
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_comparison_left_is_deleted_by_the_next(
        self, tmp_path: Path, quick: list[str | Path]
    ) -> None:
        leftover = tmp_path / f"{PARTIAL_PREFIX}killed"
        leftover.mkdir()
        result = call_trainer(*quick, "--output", "it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_a_disk_that_takes_nothing_is_named(
    budget: TrainingConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    models = [str(tiny_encoder)]
    *_, last = compare(budget, models, [Loop.MANUAL], 1, lambda _: None, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ComparisonError, match=r"deep cannot be written: Not a directory\. Free"):
        last.write(tmp_path / "file" / "deep")
