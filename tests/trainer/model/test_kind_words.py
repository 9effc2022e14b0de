"""What words say of the kind of a text."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import CheckpointError
from trainer.model.checkpoint import words_file
from trainer.model.classifier import Classifier, read_words
from trainer.model.inference import Scores
from trainer.model.kind_words import BUCKETS, KindWords, buckets
from trainer.model.kinds import KINDS, REVIEW, KindRule
from trainer.model.text import Windows
from trainer.training.kind_words import fit_kind_words

GREETING, THANKS = KINDS.index("greeting"), KINDS.index("thanks")


def _scores(count: int) -> Scores:
    nothing = np.zeros((count, len(KINDS)), dtype=np.float32)
    return Scores(np.zeros((count, 2), dtype=np.float32), nothing, np.ones(count, dtype=np.int64))


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / checkpoint.name))


@pytest.fixture(scope="module")
def words() -> KindWords:
    """Token 7 is in reviews, 8 in greetings; 7 and then 8 in thanks."""
    reviews: list[Windows] = [[[1, 7, token, 2]] for token in range(20, 60)]
    greetings: list[Windows] = [[[1, token, 8, 2]] for token in range(20, 60)]
    thanks: list[Windows] = [[[1, 7, 8, token, 2]] for token in range(20, 60)]
    kinds = ["greeting"] * len(greetings) + ["thanks"] * len(thanks)
    return fit_kind_words(reviews, [*greetings, *thanks], kinds)


def test_tokens_and_pairs_tell_kinds_apart(words: KindWords) -> None:
    texts: list[Windows] = [[[1, 7, 70, 2]], [[1, 70, 8, 2]], [[1, 7, 8, 70, 2]]]
    expected = [KINDS.index(REVIEW), GREETING, THANKS]
    assert words.logits(texts).argmax(axis=1).tolist() == expected
    assert words.add_to(_scores(3), texts).kinds.argmax(axis=1).tolist() == expected


def test_a_network_without_a_head_for_kinds_has_none_with_words_either(words: KindWords) -> None:
    with_kinds = _scores(1)
    scores = replace(with_kinds, kinds=with_kinds.kinds[:, :0])
    assert words.add_to(scores, [[[1, 8, 2]]]) is scores


def test_the_logits_of_windows_are_averaged(words: KindWords) -> None:
    first, second = [1, 7, 70, 2], [1, 70, 8, 2]
    both = words.logits([[first, second]])[0]
    each = words.logits([[first], [second]])
    np.testing.assert_allclose(both, each.mean(axis=0), rtol=1e-6)
    assert words.logits([]).shape == (0, len(KINDS))


def test_every_token_and_pair_has_one_row_whatever_the_vocabulary() -> None:
    window = [101, 30_000, 249_999, 30_000, 249_999, 102]
    rows = buckets(window)
    assert len(rows) == 4 + 4  # 4 tokens; (101, a), (a, b), (b, a), (b, 102)
    assert rows.min() >= 0
    assert rows.max() < BUCKETS
    assert not np.array_equal(buckets([5, 6]), buckets([6, 5]))
    assert len(buckets([101])) == 1


def test_equal_texts_give_equal_models(words: KindWords, tmp_path: Path) -> None:
    again = fit_kind_words([[[1, 7, 2]]], [[[1, 8, 2]]], ["greeting"])
    same = fit_kind_words([[[1, 7, 2]]], [[[1, 8, 2]]], ["greeting"])
    assert np.array_equal(again.table, same.table)
    words.save(tmp_path / "words")
    loaded = KindWords.load(tmp_path / "words")
    assert np.array_equal(loaded.table, words.table)
    assert np.array_equal(loaded.bias, words.bias)


def test_a_checkpoint_judges_with_its_words_and_one_without_them_as_before(
    folder: Path,
) -> None:
    loaded = Classifier.load(folder)
    assert loaded(["what a wonderful film"])[0].kind == REVIEW
    kept = read_words(folder)
    assert kept is not None
    sure = replace(kept, bias=kept.bias + 100 * (np.arange(len(KINDS)) == GREETING))
    judgement = replace(loaded._judgement, kinds=KindRule(dismissal=0.5))
    for words, kind in ((sure, "greeting"), (None, REVIEW)):
        judged = Classifier("it", loaded._runtime, loaded._encoder, judgement, words)
        assert judged(["what a wonderful film"])[0].kind == kind


def test_words_that_cannot_be_read_are_reported(folder: Path) -> None:
    words_file(folder).write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match=r"kind_words\.safetensors is unchanged, but cannot"):
        read_words(folder)
    words_file(folder).unlink()
    assert read_words(folder) is None
