"""Words that speak of distress outright."""

import csv
import time
import timeit
from pathlib import Path

import pytest

from trainer.model.distress import MAX_CHARACTERS, speaks_of_distress

with Path(__file__).with_name("distress_lines.csv").open(encoding="utf-8", newline="") as file:
    LINES = list(csv.DictReader(file))[1::2]  # the others were looked at when it was made


def test_many_messages_of_distress_have_such_words_and_few_figures_of_speech_do() -> None:
    found = {
        answer: [speaks_of_distress(row["text"]) for row in LINES if row["distress"] == answer]
        for answer in ("yes", "no")
    }
    assert sum(found["yes"]) / len(found["yes"]) > 0.65
    assert sum(found["no"]) / len(found["no"]) < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "I WANT TO DIE",
        "i don\u2019t want to be here anymore",
        "My husband hit me again.",
        "I'm not safe at home",
        "no reason to go on",
        "goodbye forever",
        "my friend says he wants to die",
        "quiero morir",
    ],
)
def test_says_it_outright(text: str) -> None:
    assert speaks_of_distress(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "died laughing",
        "I wanted to die of embarrassment",
        "he wants to die and the film never asks why",
        "I want to die, this soundtrack!",
        "I could die for her",
        "Loved every minute",
    ],
)
def test_figures_of_speech_and_plots_do_not(text: str) -> None:
    assert not speaks_of_distress(text)


@pytest.mark.parametrize(
    "words", ["i want ", "my friend ", "i just really to ", "he will ", "'", "a "]
)
def test_takes_linear_time(words: str) -> None:
    def seconds(count: int) -> float:
        text = (words * count)[:count]
        return min(
            timeit.repeat(
                lambda: speaks_of_distress(text), timer=time.process_time, number=3, repeat=5
            )
        )

    assert seconds(MAX_CHARACTERS) < 24 * seconds(MAX_CHARACTERS // 8)


def test_of_a_long_text_the_beginning_is_read() -> None:
    assert speaks_of_distress("I want to die. " + "word " * 100_000)
    assert not speaks_of_distress("word " * 100_000 + "I want to die.")
