"""The trainer as its users meet it: its command line, in a process of its own."""

import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, pipeline

from tests.conftest import call_trainer, interrupted, run_trainer, separable_reviews, write_csv
from trainer import TrainingConfig, fine_tune_model, predict_sentiment
from trainer.config import RECIPES, Loop, Precision, RecipeName
from trainer.data.fixed_reviews import fixed_reviews
from trainer.data.review_files import Review
from trainer.errors import CheckpointError, ConfigError
from trainer.events import Event, Step
from trainer.model.classifier import UNSURE, Classifier
from trainer.model.runtime import RuntimeName
from trainer.training.encoder import load_encoder
from trainer.training.hf_trainer import train_by_trainer
from trainer.training.loop import make_batches, train

Runner = Callable[..., "subprocess.CompletedProcess[str]"]
TEXTS = ["what a wonderful film", "the plot was dreadful", "such a lovely story indeed"]


@pytest.fixture(scope="module")
def plain_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of `plain_fit`."""
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def plain_fit(plain_home: Path, quick: list[str | Path]) -> "subprocess.CompletedProcess[str]":
    """A first run as anybody begins, but with no terminal."""
    return run_trainer(*quick, cwd=plain_home)


class TestCheckpoint:
    def test_has_learnt_the_task(self, checkpoint: Path) -> None:
        training = json.loads((checkpoint / "training.json").read_text())
        assert training["evaluation"]["test"]["accuracy"] >= 0.9
        assert training["losses"][-1] < 0.3 < training["losses"][0]

    def test_plain_transformers_loads_it_and_agrees(self, checkpoint: Path) -> None:
        model = AutoModelForSequenceClassification.from_pretrained(checkpoint)
        assert model.config.id2label == {0: "negative", 1: "positive"}
        judge: Any = pipeline("text-classification", model=str(checkpoint), top_k=None)
        training = json.loads((checkpoint / "training.json").read_text())
        temperature = training["judgement"]["one_window"]["temperature"]
        for runtime, tolerance in ((RuntimeName.TORCH, 1e-4), (RuntimeName.ONNX, 0.5)):
            verdicts = Classifier.load(checkpoint, runtime)(TEXTS)
            for verdict, scores in zip(verdicts, judge(TEXTS), strict=True):
                expected = {score["label"]: score["score"] for score in scores}
                log_odds = math.log(expected["positive"] / expected["negative"]) / temperature
                mine = verdict.probabilities
                found = math.log(mine["positive"] / mine["negative"])
                assert found == pytest.approx(log_odds, abs=tolerance)
                assert verdict.confidence == max(mine.values())
                assert verdict.label in (max(expected, key=expected.__getitem__), UNSURE)

    def test_tells_how_it_was_made(
        self, checkpoint: Path, tiny_encoder: Path, reviews: Path
    ) -> None:
        training = json.loads((checkpoint / "training.json").read_text())
        assert training["hyperparameters"] == {
            **{"datasets": [str(reviews)], "base_model": str(tiny_encoder)},
            **{"text_column": None, "label_column": None, "label_map": None},
            **{"fraction": 1.0, "max_length": 16, "epochs": 12, "batch_size": 16, "seed": 0},
            **{"learning_rate": 2e-3, "recipe": "plain", "precision": "auto", "windows": 1},
            **{"whole_review": False, "warmup": None, "clip": None},
            **{"decays_all": True, "dropout": True, "frozen_words": False},
            **{"companions": False, "mixed": False, "balance": "on", "loop": "manual"},
            **{"abstains": False, "marks": False, "frozen_layers": 0},
            **{"head_reviews": 0, "kept_change": 1.0},
        }
        rows = training["datasets"][0]["rows"]
        assert rows["train"]["negative"] == rows["train"]["positive"] > 0
        assert sum(count for split in rows.values() for count in split.values()) == len(
            separable_reviews()
        )
        assert len(training["datasets"][0]["fingerprint"]) == 64
        assert len(training["losses"]) == 12 * -(-2 * rows["train"]["negative"] // 16)
        assert training["tokens_per_second"] > 0
        assert training["versions"]["torch"].startswith("2.")
        for split in ("validation", "test"):
            figures = training["evaluation"][split]
            assert set(figures) >= {"accuracy", "precision", "recall", "f1", "confusion_matrix"}
            assert sum(map(sum, figures["confusion_matrix"])) == figures["reviews"]

    def test_has_a_card_and_a_picture(self, checkpoint: Path) -> None:
        card = (checkpoint / "README.md").read_text()
        assert "None" not in card
        assert "\n  " not in card.split("---\n", 2)[2]  # indented text would be shown as code
        data = yaml.safe_load(card.split("---\n")[1])
        assert data["pipeline_tag"] == "text-classification"
        assert data["language"] == "en"
        # Neither the file of reviews nor the folder of the base model is on a hub.
        assert not {"base_model", "datasets", "license"} & set(data)
        (model,) = data["model-index"]
        assert model["name"] == "tiny"
        (result,) = model["results"]
        assert result["dataset"] == {"name": "reviews.csv", "type": "reviews.csv", "split": "test"}
        test = json.loads((checkpoint / "training.json").read_text())["evaluation"]["test"]
        for metric in result["metrics"]:
            assert metric["value"] == pytest.approx(test[metric["type"]], abs=1e-4)
        assert "| of the unsure, leaning to one side | " in card
        assert "| right of those that lean | " in card
        assert (checkpoint / "training.png").read_bytes().startswith(b"\x89PNG")

    def test_the_first_serves_and_a_later_one_waits(
        self, checkpoint: Path, quick: list[str | Path], tmp_path: Path
    ) -> None:
        checkpoints = Path(shutil.copytree(checkpoint.parent, tmp_path / "checkpoints"))
        pointer = json.loads((checkpoints / "serving.json").read_text())
        assert pointer == {"serving": "tiny", "earlier": []}
        result = call_trainer(*quick, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        name = re.search(r"checkpoints promote (\S+)", result.stdout)
        assert name
        assert (checkpoints / name[1] / "model.safetensors").exists()
        assert json.loads((checkpoints / "serving.json").read_text()) == pointer

    def test_the_same_seed_gives_the_same_weights(
        self,
        tmp_path: Path,
        quick: list[str | Path],
        plain_home: Path,
        plain_fit: "subprocess.CompletedProcess[str]",
    ) -> None:
        assert plain_fit.returncode == 0, plain_fit.stderr
        (elsewhere,) = plain_home.glob("checkpoints/*/model.safetensors")  # in another process
        for seed in ("0", "2"):
            result = call_trainer(*quick, "--seed", seed, "--output", seed, cwd=tmp_path)
            assert result.returncode == 0, result.stderr
        one, two, other = (
            load_file(file)
            for file in (elsewhere, *(tmp_path / seed / "model.safetensors" for seed in "02"))
        )
        assert all(torch.equal(one[key], two[key]) for key in one)
        assert not all(torch.equal(one[key], other[key]) for key in one)


class TestProgress:
    def test_json_lines(self, json_fit: "subprocess.CompletedProcess[str]") -> None:
        events = [json.loads(line) for line in json_fit.stdout.splitlines()]
        assert json_fit.stderr == ""
        plan = next(event for event in events if event["event"] == "plan")
        steps = [event for event in events if event["event"] == "step"]
        assert [step["number"] for step in steps] == list(range(1, plan["steps"] + 1))
        assert {step["epoch"] for step in steps} == {1, 2}
        assert all(step["loss"] > 0 and step["tokens_per_second"] > 0 for step in steps)
        assert steps[-1]["seconds_left"] == 0
        saved = events[-1]
        assert saved["event"] == "saved"
        assert saved["serving"] is True
        assert saved["path"] == "checkpoints/tiny"

    def test_json_lines_end_with_the_error(self, tmp_path: Path, quick: list[str | Path]) -> None:
        result = call_trainer(*quick, "--progress", "json", "--max-length", "9999", cwd=tmp_path)
        event = json.loads(result.stdout.splitlines()[-1])
        assert event["event"] == "error"
        assert result.stderr == f"error: {event['message']}\n"

    def test_none_is_silent(self, silent_fit: "subprocess.CompletedProcess[str]") -> None:
        assert (silent_fit.stdout, silent_fit.stderr, silent_fit.returncode) == ("", "", 0)

    def test_plain_lines_where_there_is_no_terminal(
        self, plain_fit: "subprocess.CompletedProcess[str]"
    ) -> None:
        said = plain_fit.stderr
        assert re.search(r"^Training on \d+ reviews \(\d+ of each class\)", said, re.M)
        assert re.search(r"^step (\d+)/\1  loss \d\.\d{3}  [\d,]+ tokens/s", said, re.M)
        assert "\x1b" not in said + plain_fit.stdout
        assert "It is the serving checkpoint" in plain_fit.stdout

    def test_events_carry_no_review_text(self, reviews: Path, tiny_encoder: Path) -> None:
        events: list[Event] = []
        config = TrainingConfig(
            datasets=(str(reviews),),
            base_model=str(tiny_encoder),
            max_length=16,
            fraction=0.5,
            output=reviews.parent / "quiet",
        )
        result = fine_tune_model(config, on_event=events.append)
        assert any(isinstance(event, Step) for event in events)
        assert not any(text in repr(events) for text, _ in separable_reviews())
        assert result.path == reviews.parent / "quiet"
        assert 0 <= result.test.accuracy <= 1


class TestNothingLearned:
    """Labels drawn by lot: nothing can be learned from them."""

    def test_a_checkpoint_at_chance_is_kept_said_and_not_promoted(
        self, tmp_path: Path, tiny_encoder: Path
    ) -> None:
        labels = random.Random(0).choices(("pos", "neg"), k=400)
        texts = (f"{text} {other}" for text, _ in separable_reviews() for other in ("film", "cast"))
        reviews = write_csv(tmp_path / "lot.csv", list(zip(texts, labels, strict=False)))
        result = call_trainer(
            *("fit", "--dataset", reviews, "--base-model", tiny_encoder, "--max-length", "16"),
            cwd=tmp_path,
        )
        assert result.returncode == 0, result.stderr
        (folder,) = (tmp_path / "checkpoints").iterdir()  # no pointer beside it
        warning = json.loads((folder / "training.json").read_text())["warning"]
        assert "no better than chance" in warning
        assert f"{warning} It is kept, but not promoted." in result.stderr
        assert f"checkpoints promote {folder.name}" in result.stdout
        assert warning in (folder / "README.md").read_text()


def _inverted(path: Path) -> Path:
    other = {"positive": "negative", "negative": "positive"}
    return write_csv(path, [(text, other[label]) for text, label in separable_reviews()])


class TestInvertedLabels:
    """A data set that agrees with itself, and with nothing else."""

    @pytest.fixture
    def _known_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Fixed reviews of words that the tiny encoder knows, unlike those of the project."""
        labels = {"negative": 0, "positive": 1}
        fixed = [Review(f"hm {text}", labels[label]) for text, label in separable_reviews()]
        for module in ("assess", "evaluation"):
            monkeypatch.setattr(f"trainer.training.{module}.fixed_reviews", lambda: fixed)

    @pytest.mark.usefixtures("_known_words")
    def test_the_first_checkpoint_is_kept_said_and_not_promoted(
        self, quick: list[str | Path], tmp_path: Path
    ) -> None:
        reviews = _inverted(tmp_path / "films.csv")
        command = [reviews if option == quick[2] else option for option in quick]
        result = call_trainer(*command, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "Its labels look inverted" in result.stderr
        (folder,) = (tmp_path / "checkpoints").iterdir()  # no pointer beside it
        training = json.loads((folder / "training.json").read_text())
        assert training["evaluation"]["test"]["accuracy"] > 0.9
        assert training["fixed"]["accuracy"] < 0.1
        assert training["warning"] in (folder / "README.md").read_text()

    @pytest.mark.usefixtures("_known_words")
    def test_a_comparison_says_so(self, checkpoint: Path, tmp_path: Path) -> None:
        reviews = _inverted(tmp_path / "films.csv")
        command = ("evaluate", "--checkpoint", checkpoint, "--against", checkpoint)
        result = call_trainer(*command, "--dataset", reviews, "--json", cwd=tmp_path)
        answer = json.loads(result.stdout)
        assert "labels of this data set look inverted" in answer["objection"]
        assert answer["fixed"]["accuracy"] == answer["fixed"]["against"] > 0.9
        shown = call_trainer(*command, "--dataset", reviews, cwd=tmp_path).stdout
        assert answer["objection"] in shown

    def test_fixed_reviews_are_never_trained_on(
        self, quick: list[str | Path], tmp_path: Path
    ) -> None:
        words = {0: "negative", 1: "positive"}
        copies = [(f" {review.text} ", words[review.label]) for review in fixed_reviews()]
        reviews = write_csv(tmp_path / "copies.csv", separable_reviews() + copies)
        command = [reviews if option == quick[2] else option for option in quick]
        result = call_trainer(*command, "--output", "it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        training = json.loads((tmp_path / "it" / "training.json").read_text())
        rows = training["datasets"][0]["rows"]["train"]
        assert sum(rows.values()) < len(separable_reviews())


class TestBeforeItBegins:
    """What would cost a whole training shows before it."""

    @pytest.mark.parametrize("loop", list(Loop))
    def test_scratch_space_is_beside_the_output(
        self, quick: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: Loop
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))  # takes no file
        result = call_trainer(*quick, "--loop", loop, "--output", "it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert (tmp_path / "it" / "model.onnx").exists()
        assert {path.name for path in tmp_path.iterdir()} <= {"it", "checkpoints"}

    def test_a_disk_without_room(
        self, quick: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
        result = call_trainer(*quick, "--progress", "json", cwd=tmp_path)
        assert result.returncode == 2
        assert "Free space, or choose another --output" in result.stderr
        assert '"step"' not in result.stdout
        assert list(tmp_path.iterdir()) == []

    def test_a_package_without_a_version(
        self, quick: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def version(name: str) -> str:
            raise PackageNotFoundError(name)

        monkeypatch.setattr("trainer.training.report.version", version)
        result = call_trainer(*quick, "--output", "it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        training = json.loads((tmp_path / "it" / "training.json").read_text())
        assert training["versions"]["onnxruntime"] == "unknown"

    def test_a_pointer_that_cannot_be_read_costs_no_checkpoint(
        self, quick: list[str | Path], tmp_path: Path
    ) -> None:
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "serving.json").write_text("{")
        result = call_trainer(*quick, "--output", "checkpoints/it", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "It is kept, but was not promoted." in result.stderr
        assert "To make it serve: python -m trainer checkpoints promote it" in result.stdout


class TestPlain:
    """The original program's answers: the more probable class, for any text."""

    def test_it_never_abstains(self, checkpoint: Path) -> None:
        texts = [
            "what a wonderful dreadful film",
            "hm",
            "hello there",
            "what time is it",
            "🤮",
            "2/10",
        ]
        for verdict in Classifier.load(checkpoint)(texts):
            assert verdict.label == max(
                verdict.probabilities, key=verdict.probabilities.__getitem__
            )
            assert verdict.kind == "review"


class TestWithoutBalance:
    """The first rows of a set that is sorted by class, as IMDb is."""

    def test_one_class_alone_trains_and_is_warned_of(
        self, tmp_path: Path, quick: list[str | Path]
    ) -> None:
        result = call_trainer(
            *(*quick, "--balance", "off", "--fraction", "0.1", "--epochs", "4"),
            *("--output", "skewed"),
            cwd=tmp_path,
        )
        assert result.returncode == 0, result.stderr
        training = json.loads((tmp_path / "skewed" / "training.json").read_text())
        rows = training["datasets"][0]["rows"]["train"]
        assert rows["positive"] == 0
        warning = (
            f"Class imbalance: all {rows['negative']} training reviews are negative. A model "
            f"trained on them calls everything negative. Use --balance on."
        )
        assert warning in result.stderr
        counts = f"{rows['negative']} reviews ({rows['negative']} negative, 0 positive)"
        assert f"Training on {counts}" in result.stderr
        assert training["datasets"][0]["warning"] == warning
        assert warning in (tmp_path / "skewed" / "README.md").read_text()
        assert training["evaluation"]["test"]["per_class"]["negative"]["recall"] == 1

    def test_a_balanced_run_has_no_warning(self, checkpoint: Path) -> None:
        training = json.loads((checkpoint / "training.json").read_text())
        assert training["datasets"][0]["warning"] == ""
        assert "Warning" not in (checkpoint / "README.md").read_text()


class TestTrainerLoop:
    """transformers' Trainer in the place of the manual loop."""

    def _config(self, reviews: Path, tiny_encoder: Path, output: Path) -> TrainingConfig:
        return TrainingConfig(
            datasets=(str(reviews),),
            base_model=str(tiny_encoder),
            fraction=1.0,
            max_length=16,
            epochs=12,
            learning_rate=2e-3,
            recipe=RecipeName.PLAIN,
            loop=Loop.TRAINER,
            output=output,
        )

    def test_learns_as_much_and_tells_as_much(
        self,
        reviews: Path,
        tiny_encoder: Path,
        checkpoint: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        events: list[Event] = []
        config = self._config(reviews, tiny_encoder, tmp_path / "fitted")
        result = fine_tune_model(config, on_event=events.append)
        assert capfd.readouterr() == ("", "")
        assert list(tmp_path.iterdir()) == [tmp_path / "fitted"]  # no folder of the Trainer's own
        by_hand = json.loads((checkpoint / "training.json").read_text())
        training = json.loads((result.path / "training.json").read_text())
        assert training["hyperparameters"]["loop"] == "trainer"
        assert training["datasets"] == by_hand["datasets"]
        assert len(training["losses"]) == len(by_hand["losses"])
        assert result.test.accuracy >= 0.9
        assert training["losses"][-1] < 0.3 < training["losses"][0]

        steps = [event for event in events if isinstance(event, Step)]
        assert [step.number for step in steps] == list(range(1, len(training["losses"]) + 1))
        assert [step.loss for step in steps] == training["losses"]
        assert {step.total for step in steps} == {len(steps)}
        epochs = [step.epoch for step in steps]
        assert sorted(epochs) == epochs
        assert {epochs.count(epoch) for epoch in range(1, 13)} == {len(steps) // 12}
        assert steps[-1].tokens == training["tokens"] == by_hand["tokens"]
        assert "problem_type" not in json.loads((result.path / "config.json").read_text())

    def test_comes_to_the_weights_of_the_manual_loop(self, tiny_encoder: Path) -> None:
        models = []
        for fit in (train, train_by_trainer):
            encoder = load_encoder(str(tiny_encoder), seed=0)
            text_encoder = encoder.text_encoder(16)
            windows = text_encoder([text for text, _ in separable_reviews()])
            examples = [(review, float(n % 2)) for n, review in enumerate(windows)]
            fit(
                encoder.model,
                make_batches(examples, text_encoder, batch_size=16, seed=0),
                replace(RECIPES[RecipeName.BEST], dropout=False),  # whose draws differ
                epochs=2,
                learning_rate=2e-3,
                precision=Precision.FP32,
                on_step=lambda _: None,
            )
            models.append(encoder.model.state_dict())
        by_hand, by_trainer = models
        for name, weights in by_hand.items():
            torch.testing.assert_close(by_trainer[name], weights)

    def test_without_accelerate_says_how_to_get_it(
        self, reviews: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "accelerate", None)  # as if it were not installed
        config = self._config(reviews, tiny_encoder, tmp_path / "fitted")
        with pytest.raises(ConfigError, match=r"accelerate, which is not installed\. Install it"):
            fine_tune_model(config)
        assert list(tmp_path.iterdir()) == []


class TestBadInput:
    """Each ends in one sentence that says what to do, exit code 2, and nothing left behind."""

    def _fails(self, folder: Path, *arguments: str | Path, run: Runner = call_trainer) -> str:
        before = sorted(folder.iterdir())
        result = run(*arguments, cwd=folder)
        assert result.returncode == 2, (result.stdout, result.stderr)
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert "Traceback" not in result.stderr
        assert sorted(folder.iterdir()) == before
        return result.stderr

    def test_missing_data_set(self, tmp_path: Path) -> None:
        sentence = self._fails(tmp_path, "fit", "--dataset", "./none.csv", run=run_trainer)
        assert "There is no file or folder" in sentence

    def test_missing_data_set_does_not_wait_for_torch(self, tmp_path: Path) -> None:
        program = (
            "import sys\n"
            "from trainer.__main__ import main\n"
            "sys.argv = ['trainer', 'fit', '--dataset', './none.csv']\n"
            "assert main() == 2\n"
            "sys.exit('torch' in sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
        assert done.returncode == 0

    def test_unknown_label(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "reviews.csv", [("good", "pos"), ("bad", "meh")])
        sentence = self._fails(tmp_path, "fit", "--dataset", path)
        assert "line 3: the label is 'meh'" in sentence

    def test_fraction_that_leaves_too_few(self, tmp_path: Path, quick: list[str | Path]) -> None:
        sentence = self._fails(tmp_path, *quick, "--fraction", "0.001")
        assert "at least 2 are needed" in sentence

    def test_fraction_out_of_range(self, tmp_path: Path, quick: list[str | Path]) -> None:
        sentence = self._fails(tmp_path, *quick, "--fraction", "2")
        assert "fraction is 2.0, but must be from 0.001 to 1" in sentence

    def test_base_model_that_does_not_exist(self, tmp_path: Path, quick: list[str | Path]) -> None:
        sentence = self._fails(tmp_path, *quick, "--base-model", "no-such-model")
        assert "There is no folder no-such-model" in sentence

    @pytest.mark.parametrize("name", ["~nouser/x", "/" + "x" * 5_000, "./" + "x" * 300])
    def test_base_model_that_cannot_be_a_path(
        self, tmp_path: Path, quick: list[str | Path], name: str
    ) -> None:
        assert "There is no folder" in self._fails(tmp_path, *quick, "--base-model", name)

    @pytest.mark.parametrize("command", ["fit", "compare"])
    def test_output_with_a_name_that_is_too_long(self, tmp_path: Path, command: str) -> None:
        result = call_trainer(command, "--base-model", "./no", "--output", "x" * 300, cwd=tmp_path)
        assert result.returncode == 2
        assert "cannot be written: File name too long" in result.stderr
        assert "choose another --output" in result.stderr

    def test_output_that_exists(self, tmp_path: Path, quick: list[str | Path]) -> None:
        (tmp_path / "mine").mkdir()
        sentence = self._fails(tmp_path, *quick, "--output", "mine")
        assert "mine exists already and is not changed" in sentence

    def test_base_model_with_damaged_weights(
        self, tmp_path: Path, quick: list[str | Path], tiny_encoder: Path
    ) -> None:
        shutil.copytree(tiny_encoder, tmp_path / "damaged")
        weights = load_file(tiny_encoder / "model.safetensors")
        nowhere = {name: torch.full_like(tensor, torch.nan) for name, tensor in weights.items()}
        save_file(nowhere, tmp_path / "damaged" / "model.safetensors", {"format": "pt"})
        sentence = self._fails(tmp_path, *quick, "--base-model", "./damaged")
        assert "damaged gives NaN or infinite logits on a first batch" in sentence

    def test_a_word_for_a_number(self, tmp_path: Path) -> None:
        assert "'--epochs'" in self._fails(tmp_path, "fit", "--epochs", "many")


@pytest.mark.parametrize("fit", [train, train_by_trainer])
def test_a_loss_that_is_not_finite_names_the_learning_rate(
    tiny_encoder: Path, fit: Callable[..., list[float]]
) -> None:
    encoder = load_encoder(str(tiny_encoder), seed=0)
    text_encoder = encoder.text_encoder(16)
    examples = [(windows, 1) for windows in text_encoder(TEXTS * 8)]
    batches = make_batches(examples, text_encoder, batch_size=4, seed=0)
    with pytest.raises(ConfigError, match=r"learning_rate is 1e\+30, but must be lower"):
        fit(
            encoder.model,
            batches,
            RECIPES[RecipeName.PLAIN],
            epochs=9,
            learning_rate=1e30,
            on_step=lambda _: None,
        )


@pytest.mark.parametrize("take", [lambda: torch.empty(10**15), lambda: bytearray(10**15)])
def test_too_little_memory_is_no_bug(
    tmp_path: Path,
    quick: list[str | Path],
    monkeypatch: pytest.MonkeyPatch,
    take: Callable[[], object],
) -> None:
    monkeypatch.setattr("trainer.training.fit.train", lambda *_, **__: take())
    result = call_trainer(*quick, "--progress", "json", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: There is not enough memory for this. Free memory, or")
    last = json.loads(result.stdout.splitlines()[-1])
    assert last["event"] == "error"
    assert "not enough memory" in last["message"]


def test_interrupting_leaves_nothing_and_says_so(tmp_path: Path, quick: list[str | Path]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        command = (*quick, "--epochs", "1000")
        _, errors = interrupted(*command, at="Training on", cwd=tmp_path, by=number)
        assert errors.splitlines()[-1] == (
            "error: Interrupted. Nothing was saved, and the existing checkpoints are unchanged."
        )
        assert list(tmp_path.iterdir()) == []


class TestEvaluate:
    def test_prints_the_same_figures_as_the_training(self, checkpoint: Path, reviews: Path) -> None:
        training = json.loads((checkpoint / "training.json").read_text())
        command = ("evaluate", "--checkpoint", checkpoint, "--dataset", reviews, "--json")
        answer = json.loads(run_trainer(*command, cwd=checkpoint.parent.parent).stdout)
        assert answer["split"] == "test"  # it was trained on the rest of the set
        expected = training["evaluation"]["test"]
        assert answer["confusion_matrix"] == expected["confusion_matrix"]
        assert answer["doubt"] == pytest.approx(training["doubt"]["test"], abs=0.05)
        # int8 activations are scaled by the batch they are in, so other batches differ a little.
        assert answer["loss"] == pytest.approx(expected["loss"], abs=0.02)

    def test_takes_all_of_a_set_it_was_not_trained_on(
        self, checkpoint: Path, tmp_path: Path
    ) -> None:
        path = write_csv(tmp_path / "others.csv", separable_reviews()[::3])
        command = ("evaluate", "--checkpoint", checkpoint, "--dataset", path)
        answer = json.loads(call_trainer(*command, "--json", cwd=tmp_path).stdout)
        assert (answer["split"], answer["reviews"]) == ("all", len(separable_reviews()[::3]))
        limited = json.loads(call_trainer(*command, "--json", "--limit", "5", cwd=tmp_path).stdout)
        assert limited["reviews"] == 5
        printed = call_trainer(*command, cwd=tmp_path).stdout
        assert f"accuracy {answer['accuracy']:.3f}" in printed
        assert f"Unsure of {answer['doubt']['unsure']:.1%} of these" in printed
        assert f"Of the unsure, {answer['doubt']['leans']:.1%} lean to one side" in printed

    def test_compares_two_on_the_same_reviews(self, checkpoint: Path, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "others.csv", separable_reviews())
        command = ("evaluate", "--checkpoint", checkpoint, "--against", checkpoint)
        answer = json.loads(
            call_trainer(*command, "--dataset", path, "--json", cwd=tmp_path).stdout
        )
        assert answer["difference"] == 0
        assert answer["not_worse"] is True
        assert answer["against"]["accuracy"] == answer["accuracy"]

    def test_refuses_a_damaged_checkpoint(self, checkpoint: Path, tmp_path: Path) -> None:
        damaged = tmp_path / "damaged"
        shutil.copytree(checkpoint, damaged)
        os.truncate(damaged / "model.safetensors", 100)
        command = ("evaluate", "--checkpoint", damaged, "--dataset", "starter")
        result = call_trainer(*command, cwd=tmp_path)
        assert result.returncode == 2
        assert "model.safetensors is missing, truncated or was changed" in result.stderr


@pytest.mark.parametrize("missing", ["judgement", "confidences"])
def test_a_checkpoint_of_an_earlier_version_is_refused_with_what_to_do(
    checkpoint: Path, tmp_path: Path, missing: str
) -> None:
    old = tmp_path / "old"
    shutil.copytree(checkpoint, old)
    training = json.loads((old / "training.json").read_text())
    if missing == "judgement":
        del training["judgement"]
    else:  # which once was one number for both classes
        for kind in ("one_window", "several_windows"):
            training["judgement"][kind]["confidence"] = training["judgement"][kind].pop(missing)[0]
    (old / "training.json").write_text(json.dumps(training))
    listed = (old / "checksums.sha256").read_text().splitlines()
    names = [line.split("  ", 1)[1] for line in listed]
    (old / "checksums.sha256").write_text(
        "".join(
            f"{hashlib.sha256((old / name).read_bytes()).hexdigest()}  {name}\n" for name in names
        )
    )
    with pytest.raises(CheckpointError, match=f"did not record its {missing}"):
        Classifier.load(old)


class TestPythonInterface:
    def test_predict_sentiment_by_the_serving_checkpoint(
        self, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(checkpoint.parent.parent)
        verdict = predict_sentiment("what a wonderful film")
        assert verdict.label == "positive"
        assert sum(verdict.probabilities.values()) == pytest.approx(1)
        with pytest.raises(ValueError, match="empty"):
            predict_sentiment("  ")

    def test_importing_it_loads_no_torch(self) -> None:
        program = (
            "import sys, trainer.model.checkpoint, trainer.model.classifier, trainer.__main__\n"
            "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
