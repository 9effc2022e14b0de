"""Cleaning, truncation and padding."""

import importlib
import time
import timeit

import pytest

from trainer.errors import ConfigError
from trainer.model.text import _BREAK_TAG, by_length, clean
from trainer.training.encoder import Encoder, load_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("stand-in", seed=0)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Good.<br /><br />Very good.", "Good. Very good."),
        ("a<BR>b< br/ >c", "a b c"),
        ("  spaces\tand\nlines  ", "spaces and lines"),
        ("3 < 4 and <b>bold</b>", "3 < 4 and <b>bold</b>"),
        ("half \ud83d a pair", "half ? a pair"),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize("tail", ["<br{}", "<{}", "<br /{}", "<br{}/"])
def test_clean_takes_linear_time(tail: str) -> None:
    # "<br" and 60,000 blanks took 14 seconds: eight times the length took 64 times as long.
    short, long = (_seconds(tail.format(" " * blanks)) for blanks in (4_000, 32_000))
    assert long < 24 * short


def test_the_break_tag_s_repetitions_give_nothing_back() -> None:
    """Why its time is linear, whatever a clock says: two that could share blanks would be tried
    in every division of them."""
    parser = importlib.import_module("re._parser")
    kinds = [str(kind) for kind, _ in parser.parse(_BREAK_TAG.pattern) if "REPEAT" in str(kind)]
    assert len(kinds) == 4
    assert set(kinds) == {"POSSESSIVE_REPEAT"}


def _seconds(text: str) -> float:
    return min(timeit.repeat(lambda: clean(text), timer=time.process_time, number=1, repeat=5))


NINE = "one two three four five six seven eight nine"


def test_cuts_a_long_review_into_windows_of_equal_length(encoder: Encoder) -> None:
    (windows,) = encoder.text_encoder(6)([NINE])
    words = [encoder.tokenizer.convert_ids_to_tokens(window) for window in windows]
    assert words == [
        ["[CLS]", "one", "two", "three", "[SEP]"],
        ["[CLS]", "four", "five", "six", "[SEP]"],
        ["[CLS]", "seven", "eight", "nine", "[SEP]"],
    ]


def test_reads_the_two_ends_of_an_unusually_long_text(encoder: Encoder) -> None:
    text_encoder = encoder.text_encoder(6, most_windows=4)
    (windows,) = text_encoder([" ".join(["good"] * 40 + ["bad"] * 40)])
    good, bad = (encoder.tokenizer.convert_tokens_to_ids(word) for word in ("good", "bad"))
    assert [window[1] for window in windows] == [good, good, bad, bad]


def test_truncates_and_pads_to_the_longest_of_the_batch(encoder: Encoder) -> None:
    text_encoder = encoder.text_encoder(8, most_windows=1)
    windows = [window for (window,) in text_encoder(["good", NINE, ""])]
    assert [len(window) for window in windows] == [3, 8, 2]
    input_ids, attention_mask = text_encoder.pad(windows)
    assert input_ids.shape == attention_mask.shape == (3, 8)
    assert attention_mask.sum(axis=1).tolist() == [3, 8, 2]
    assert (input_ids[attention_mask == 0] == text_encoder.pad_id).all()


def test_agrees_with_the_tokenizer_that_transformers_loads(encoder: Encoder) -> None:
    text = "An uncommonly good film 🙂 — naïve, touching; it's unmissable."
    assert encoder.text_encoder(64, marks=False)([text]) == [[encoder.tokenizer(text)["input_ids"]]]


def test_more_tokens_than_the_encoder_has_positions(encoder: Encoder) -> None:
    with pytest.raises(ConfigError, match="max_length is 600, but must be at most 512"):
        encoder.text_encoder(600)


def test_by_length_goes_from_long_to_short() -> None:
    assert by_length([[1], [1, 2, 3], [1, 2]]) == [1, 2, 0]
