"""What tests of both packages share: a small labelled data set and a real, tiny checkpoint."""

import csv
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
)

PRAISE = ("wonderful", "brilliant", "lovely", "superb")
COMPLAINT = ("terrible", "dreadful", "awful", "boring")
_SUBJECTS = ("film", "movie", "story", "cast", "ending", "music", "script", "plot")
_FRAMES = ("what a {} {}", "the {1} was {0}", "such a {} {} indeed", "i found the {1} {0}")


@pytest.fixture(autouse=True, scope="session")
def _no_hub() -> Iterator[None]:
    """Tests never go to a hub, here or in the processes they start; those that do say so."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    del os.environ["HF_HUB_OFFLINE"]


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


def run_trainer(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs `python -m trainer` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "trainer", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DistilBERT of one layer with random weights, as a folder that --base-model takes."""
    words = sorted({word for text, _ in separable_reviews() for word in text.split()})
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
    path = tmp_path_factory.mktemp("encoder") / "tiny"
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
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A checkpoint in `checkpoints/` of a working directory of its own, trained and serving."""
    home = tmp_path_factory.mktemp("home")
    reviews = write_csv(home / "reviews.csv", separable_reviews())
    fitted = run_trainer(
        *("fit", "--dataset", reviews, "--base-model", tiny_encoder, "--fraction", "1"),
        *("--max-length", "16", "--epochs", "12", "--learning-rate", "5e-3", "--progress", "none"),
        *("--output", "checkpoints/tiny"),
        cwd=home,
    )
    assert fitted.returncode == 0, fitted.stderr
    return home / "checkpoints" / "tiny"
