"""What tests of both packages share: a small labelled data set and a real, tiny checkpoint."""

import csv
import fcntl
import gc
import io
import itertools
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path

# Two processes that compute with as many threads as there are cores wait for each other most of the
# time. Read by torch at its import, and by the processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from tests import marker
from tests.processes import with_sigint
from trainer.__main__ import main
from trainer.data import starter_texts

_BOOT = """\
import runpy, sys
from pathlib import Path
from trainer.data import starter_texts
starter_texts.KINDS_FILE = Path(sys.argv.pop(1))
runpy.run_module("trainer", run_name="__main__", alter_sys=True)
"""
"""`python -m trainer` with another file of kinds, which is the first argument."""

PRAISE = ("wonderful", "brilliant", "lovely", "superb")
COMPLAINT = ("terrible", "dreadful", "awful", "boring")
_SUBJECTS = ("film", "movie", "story", "cast", "ending", "music", "script", "plot")
_UNKNOWN = "hm"
"""A word that the tiny tokenizer does not know: customers use such words too."""
_FRAMES = (
    "what a {} {}",
    "hm what a {} {}",
    "the {1} was {0}",
    "such a {} {} indeed",
    "i found the {1} {0}",
)

_FIRST = ("test_first_run.py", "test_simulations.py", "test_fit.py", "test_layout.py")
"""The longest files, one for each of three workers. xdist gives the worker of the first, which has
a single test, the fourth file too, which then waits for minutes: a short one."""

_LAST = "test_benchmarks.py"
"""After it, a signal sometimes ended the process with a segmentation fault, for a reason that is
not known; in none of 15 later runs, on a processor without AMX. So no other file should run in that
process afterwards."""


def pytest_configure() -> None:
    """Called by pytest before it collects the tests: Python collects garbage less often.

    What a session imports and collects stays until it ends. By default, the collector starts after
    every 700 new objects, and takes a quarter of the time in which the tests are collected.
    """
    gc.set_threshold(50_000)


@pytest.fixture(autouse=True, scope="session")
def _no_hub() -> Iterator[None]:
    """Tests never go to a hub, here or in the processes they start; those that do say so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read at import
        yield


@pytest.fixture(autouse=True, scope="session")
def _few_kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trainings fit the head of kinds on a tenth of the starter kinds, here and in `run_trainer`.

    With all of them it takes four times as long as the rest of a training on a tiny encoder. The
    trainings that the bot starts read them all.
    """

    def write(folder: Path) -> None:
        with starter_texts.KINDS_FILE.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        with (folder / "kinds.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows[::10]])

    few = _made_once(tmp_path_factory, "kinds", write) / "kinds.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starter_texts, "KINDS_FILE", few)
        starter_texts.read_kinds.cache_clear()
        yield
    starter_texts.read_kinds.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _what_customers_wrote_is_nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Ends the session in an error if the marker is in a file, in a log record or in an output.

    Meanwhile the bot logs as much as any setting lets it, and temporary files lie where they can
    be searched.
    """
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch, marker.log_watched() as logged:
        temporary = str(tmp_path_factory.mktemp("tempfile"))
        patch.setenv("TMPDIR", temporary)
        patch.setattr(tempfile, "tempdir", temporary)
        logging.getLogger("bot").setLevel(logging.DEBUG)
        logging.getLogger("discord").setLevel(logging.INFO)
        yield
    assert [*marker.traces(folder), *logged] == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called by pytest: files that take long start first, so that all workers end together."""
    items.sort(key=lambda item: _place_in_order(item.path))


@cache
def _place_in_order(path: Path) -> tuple[int, int]:
    """The smaller, the earlier a file starts: those of `_FIRST`, then large before small ones.

    A file of the trainer counts twice, for its tests train. Between them come files of the bot,
    whose tests mostly wait and leave the processors to others.
    """
    first = _FIRST.index(path.name) if path.name in _FIRST else len(_FIRST) + (path.name == _LAST)
    trains = path.is_relative_to(Path(__file__).with_name("trainer"))
    return first, -path.stat().st_size * (2 if trains else 1)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called by pytest for each step of a test, with what it has captured."""
    # Its "log" section shows exceptions with their messages, which the bot's own log does not.
    for output in (report.capstdout, report.capstderr):
        marker.search_output(report.nodeid, output)


def separable_reviews() -> list[tuple[str, str]]:
    """(text, label) pairs that a model of a few thousand weights can learn to tell apart."""
    return [
        (frame.format(word, subject), label)
        for label, words in (("negative", COMPLAINT), ("positive", PRAISE))
        for word, subject, frame in itertools.product(words, _SUBJECTS, _FRAMES)
    ]


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    """Writes (text, label) rows with their header; returns the path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def trainer_argv(*arguments: str | Path, before: str = "") -> list[str]:
    """The command line of `python -m trainer *arguments`, with this session's file of kinds.

    `before` is code that runs in the process first.
    """
    boot = f"{before}\n{_BOOT}"
    return [sys.executable, "-c", boot, str(starter_texts.KINDS_FILE), *map(str, arguments)]


def run_trainer(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs `python -m trainer` as a user would, in a process, which takes seconds for torch."""
    return subprocess.run(
        trainer_argv(*arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def call_trainer(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process: for what a process of its own would add nothing to."""
    output, errors = io.StringIO(), io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.MonkeyPatch.context() as patch,
        chdir(cwd),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        patch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        code = main()
    signal.signal(signal.SIGTERM, before)
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def interrupted(
    *arguments: str | Path, at: str, cwd: Path, by: signal.Signals = signal.SIGINT
) -> tuple[str, str]:
    """Runs `python -m trainer` until a line of its progress begins with `at`, then interrupts it.

    Returns:
        Its standard output and standard error, from there on.
    """
    process = subprocess.Popen(
        with_sigint(signal.SIG_DFL, trainer_argv(*arguments)),
        cwd=cwd,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while not process.stderr.readline().startswith(at):
        assert process.poll() is None
    process.send_signal(by)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    return output, errors


def _made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder that `make` fills for all workers of a session. They read it, and copy what they
    change: a training takes a worker as long as all tests of a short file."""
    folder = tmp_path_factory.getbasetemp() / name
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parents[1] / name  # beside the folders of the workers
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def _run_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, *arguments: str | Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """`run_trainer` in an empty working directory, once for all workers.

    Returns:
        A copy of the directory, and what came of the command.
    """

    def run(folder: Path) -> None:
        (folder / "home").mkdir()
        result = run_trainer(*arguments, cwd=folder / "home")
        said = {"returncode": result.returncode, "stdout": result.stdout, "stderr": result.stderr}
        (folder / "result.json").write_text(json.dumps(said))

    folder = _made_once(tmp_path_factory, name, run)
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(folder / "home", home, dirs_exist_ok=True)
    said = json.loads((folder / "result.json").read_text())
    return home, subprocess.CompletedProcess(arguments, **said)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DistilBERT of one layer with random weights, as a folder that --base-model takes."""
    return (
        _made_once(tmp_path_factory, "encoder", lambda root: _make_encoder(root / "tiny")) / "tiny"
    )


def _make_encoder(path: Path) -> None:
    # Imported here, because the process that hands the tests out to the workers reads this file
    # before it starts them, and these take seconds.
    import torch
    from transformers import (
        DistilBertConfig,
        DistilBertForSequenceClassification,
        PreTrainedTokenizerFast,
    )

    words = sorted({word for text, _ in separable_reviews() for word in text.split()} - {_UNKNOWN})
    vocabulary = {
        word: index
        for index, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words))
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        model_max_length=64,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(path)
    config = DistilBertConfig(
        vocab_size=len(vocabulary),
        dim=32,
        hidden_dim=64,
        n_heads=2,
        n_layers=1,
        max_position_embeddings=64,
        seq_classif_dropout=0.0,
    )
    torch.manual_seed(0)
    DistilBertForSequenceClassification(config).save_pretrained(path)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of labelled reviews."""

    def write(folder: Path) -> None:
        write_csv(folder / "reviews.csv", separable_reviews())

    return _made_once(tmp_path_factory, "reviews", write) / "reviews.csv"


@pytest.fixture(scope="session")
def quick(reviews: Path, tiny_encoder: Path) -> list[str | Path]:
    """The options of a run of a second or two."""
    return [
        *("fit", "--dataset", reviews, "--base-model", tiny_encoder, "--fraction", "1"),
        *("--max-length", "16", "--learning-rate", "1e-2", "--recipe", "plain", "--epochs", "3"),
    ]


@pytest.fixture(scope="session")
def _silent_fit(
    tmp_path_factory: pytest.TempPathFactory, reviews: Path, tiny_encoder: Path
) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    return _run_once(
        tmp_path_factory,
        "silent-fit",
        *("fit", "--dataset", reviews, "--base-model", tiny_encoder, "--fraction", "1"),
        # The best recipe leaves the word embeddings as they are, and these are random.
        *("--max-length", "16", "--epochs", "12", "--learning-rate", "2e-3", "--recipe", "plain"),
        *("--progress", "none"),
        *("--output", "checkpoints/tiny"),
    )


@pytest.fixture(scope="session")
def silent_fit(
    _silent_fit: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> "subprocess.CompletedProcess[str]":
    """A first run, without progress."""
    return _silent_fit[1]


@pytest.fixture(scope="session")
def checkpoint(_silent_fit: tuple[Path, "subprocess.CompletedProcess[str]"]) -> Path:
    """A checkpoint in `checkpoints/` of a working directory of its own, trained and serving."""
    home, result = _silent_fit
    assert result.returncode == 0, result.stderr
    return home / "checkpoints" / "tiny"


@pytest.fixture(scope="session")
def json_fit(
    tmp_path_factory: pytest.TempPathFactory, quick: list[str | Path]
) -> "subprocess.CompletedProcess[str]":
    """A first run of two epochs, with progress for programs."""
    options = ("--progress", "json", "--epochs", "2", "--output", "checkpoints/tiny")
    home, result = _run_once(tmp_path_factory, "json-fit", *quick, *options)
    assert (home / "checkpoints" / "tiny" / "training.json").exists(), result.stdout
    return result
