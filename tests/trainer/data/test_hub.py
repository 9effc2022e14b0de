"""The real hub clients against a loopback hub that answers, is gone, or never says a word."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from tests.conftest import separable_reviews, trainer_argv
from tests.hub_server import hub_server

FIT = ("fit", "--max-length", "16", "--fraction", "0.5")


@pytest.fixture
def imdb(tmp_path: Path) -> Path:
    """A small data set in the layout of stanfordnlp/imdb."""
    folder = tmp_path / "imdb"
    folder.mkdir()
    rows = separable_reviews()
    for split, members in (("train", rows[::2]), ("test", rows[1::2])):
        texts, labels = zip(*members, strict=True)
        table = pyarrow.table({"text": texts, "label": [int(x == "positive") for x in labels]})
        pyarrow.parquet.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    return folder


def _run(home: Path, endpoint: str, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home / "cache")}
    del environment["HF_HUB_OFFLINE"]
    return subprocess.run(
        command,
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_auto_takes_imdb_and_distilbert_from_the_hub_and_then_from_the_cache(
    tmp_path: Path, imdb: Path, tiny_encoder: Path
) -> None:
    models, datasets = {"distilbert-base-uncased": tiny_encoder}, {"stanfordnlp/imdb": imdb}
    with hub_server(models, datasets) as endpoint:
        online = _run(tmp_path, endpoint, *trainer_argv(*FIT, "--output", "online"))
    assert online.returncode == 0, online.stderr
    assert "IMDb reviews (stanfordnlp/imdb)." in online.stderr
    # The hub is gone now; what it gave is in the cache.
    offline = _run(tmp_path, endpoint, *trainer_argv(*FIT, "--output", "offline"))
    assert offline.returncode == 0, offline.stderr
    for name in ("online", "offline"):
        training = json.loads((tmp_path / name / "training.json").read_text())
        assert training["datasets"][0]["name"] == "stanfordnlp/imdb"
        assert training["base_model"]["name"] == "distilbert-base-uncased"
        assert training["hyperparameters"]["recipe"] == "best"


def test_labels_are_read_by_the_names_that_the_set_gives_them(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    texts, labels = zip(*separable_reviews(), strict=True)
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["positive", "negative"])
    )
    columns = {"text": texts, "label": labels}
    datasets.Dataset.from_dict(columns, features=features).to_parquet(folder / "train.parquet")
    program = (
        "from trainer.data.reviews import Split, load_reviews\n"
        "for review in load_reviews('some-body/films').of(Split.ALL):\n"
        "    print(review.label, review.text)\n"
    )
    with hub_server({}, {"some-body/films": folder}) as endpoint:
        result = _run(tmp_path, endpoint, sys.executable, "-c", program)
    found = {tuple(line.split(" ", 1)) for line in result.stdout.splitlines()}
    assert found == {
        (str(int(label == "positive")), text) for text, label in separable_reviews()
    }, result.stderr


def test_names_that_the_hub_does_not_know(tmp_path: Path) -> None:
    program = (
        "from trainer.training.encoder import load_encoder\n"
        "from trainer.errors import TrainerError\n"
        "from trainer.data.reviews import load_reviews\n"
        "for load in (load_reviews, lambda name: load_encoder(name, 0)):\n"
        "    try:\n"
        "        load('some-body/no-such-thing')\n"
        "    except TrainerError as error:\n"
        "        print(error)\n"
    )
    with hub_server() as endpoint:
        result = _run(tmp_path, endpoint, sys.executable, "-c", program)
    for line, what in zip(result.stdout.splitlines(), ("data set", "model"), strict=True):
        assert f"no {what} of that name on the hub" in line


def test_a_hub_that_never_answers_is_given_up_on(tmp_path: Path) -> None:
    program = (
        "from trainer.data.hub import hub_answers\n"
        "from trainer.data.reviews import load_reviews\n"
        "from trainer.training.encoder import load_encoder\n"
        "print(hub_answers(), load_reviews('auto').name, load_encoder('auto', 0).name)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        result = _run(tmp_path, endpoint, sys.executable, "-c", program)
    assert result.stdout == "False starter stand-in\n", result.stderr
