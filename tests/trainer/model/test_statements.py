"""Statements of distress that need no model."""

import csv
import re
import time
import timeit
import tomllib
from pathlib import Path

import pytest

from trainer.data.starter_texts import KINDS_FILE
from trainer.model.distress import speaks_of_distress
from trainer.model.kinds import MAX_FALSE_ALARMS
from trainer.model.statements import MAX_CHARACTERS, PHRASES_FILE, states_distress

HERE = Path(__file__).parent
PHRASES = tomllib.loads(PHRASES_FILE.read_text("utf-8"))
LANGUAGES = [name for name in PHRASES if name != "common"]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def found(listed: str, distress: str) -> float:
    """The share of lines of a list that are found: "first" was there before the phrases, "fresh"
    was written afterwards and changed none of them."""
    rows = read(HERE / "statement_lines.csv")
    texts = [row["text"] for row in rows if (row["list"], row["distress"]) == (listed, distress)]
    assert len(texts) > 10
    return sum(map(states_distress, texts)) / len(texts)


def test_most_lines_are_found_and_no_figure_of_speech_is() -> None:
    assert found("first", "yes") > 0.98
    assert found("fresh", "yes") > 0.6
    assert found("first", "no") == found("fresh", "no") == 0


@pytest.mark.parametrize(
    "text",
    [
        "I feel like ending it all",
        "won't be around to see the sequel. i'm done with everything",
        "wanna kms",
        "i dont wanna be here anymore",
        "unalive myself, thats the plan, i wanna unalive myself",
        "no reason to live anymore",
        "I DONT WANT TO LIVE",
        "i don\u2019t want to live anymore",
        "i do not want to live any longer",
        "i wnat to kil mysefl",
        "i wanna dieeeeee",
        "i want \U0001f62d to \U0001f494 die",
        "\uff49 \uff57\uff41\uff4e\uff54 \uff54\uff4f \uff44\uff49\uff45",
        "i want to d1e",
        "i w\u200bant to d\u200bie",
        "i just want... to die",
        "i want to die, i'm sorry",
        "Good film, great cast! I want to kill myself.",
        "loved the film... i want to die",
        "the film was fine but i want to die",
        "10/10 but i want to die",
        "im going to kill myself after this film",
        "\u201cI want to die\u201d",
        "quiero MORIR",
        "ya no quiero vivir mas",
        "la peli estuvo bien pero me quiero morir",
        "j\u2019ai plus envie de vivre",
        "Ich m\u00f6chte nicht mehr leben",
        "nao quero mais viver",
        "voglio farla finita",
        "ik wil dood",
        "chce umrzec",
        "\u042f \u0425\u041e\u0427\u0423 \u0423\u041c\u0415\u0420\u0415\u0422\u042c",
        "\u3082\u3046\u6b7b\u306b\u305f\u3044\u3067\u3059\u3002",
        "\u6211\u4e0d\u60f3\u6d3b\u4e86",
    ],
)
def test_says_so(text: str) -> None:
    assert states_distress(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!!",
        "I don't want to die",
        "i'm not going to kill myself",
        "no quiero morir",
        "yo no quiero morir",
        "je ne veux pas mourir",
        "ich will nicht sterben",
        "non voglio morire",
        "nie chc\u0119 umrze\u0107",
        "n\u00e3o quero morrer",
        "\u043d\u0435 \u0445\u043e\u0447\u0443 \u0443\u043c\u0435\u0440\u0435\u0442\u044c",
        "\u6b7b\u306b\u305f\u304f\u306a\u3044",
        "he wants to die",
        "i'm gonna die if they don't renew it",
        "I will kill myself if they cancel this",
        "no reason to live in fear of spoilers",
        "she was better off without me",
        "i just want it to end",
        "the hero wants to die",
        "this franchise wants to end it all",
        "kill me, this film is boring",
        "I died laughing",
        "I wanted to die of embarrassment at that scene",
        "I want to die, that soundtrack!",
        "made me want to kill myself",
        "if i have to see another remake i'm going to kill myself",
        "if I have to sit through that again I'll kill myself",
        'He whispers "I want to die" and jumps.',
        "A man who has no reason to live finds a dog.",
        "don't want to live in london anymore",
        "won't be around next week, going to Spain",
        "my last day at work",
        "quiero morir de risa",
        "me muero de ganas de verla",
        "el protagonista dice quiero morir en la primera escena",
        "ich will sterben vor lachen",
        "je veux mourir de rire",
        "\u6b7b\u306b\u305f\u3044\u3068\u8a00\u3046\u4e3b\u4eba\u516c",
        "\u7b11\u6b7b\u6211\u4e86",
    ],
)
def test_does_not_say_so(text: str) -> None:
    assert not states_distress(text)


def test_few_reviews_and_other_messages_are_mistaken_for_it() -> None:
    reviews = [row["text"] for row in read(KINDS_FILE.with_name("starter_reviews.csv"))]
    others = [row["text"] for row in read(KINDS_FILE) if row["kind"] != "distress"]
    for texts in (reviews, others):
        assert sum(map(states_distress, texts)) <= MAX_FALSE_ALARMS * len(texts)


def expanded(phrase: str, lists: dict[str, str], choice: int) -> str:
    """A phrase with the first (0) or the last (-1) of everything that can be chosen; the last time
    without what may be left out."""
    while match := re.search(r"<(\w+)>", phrase):
        phrase = phrase.replace(match[0], f"({lists[match[1]]})")
    while match := re.search(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]", phrase):
        inner = match[1] if match[1] is not None else match[2] if choice == 0 else ""
        phrase = phrase[: match.start()] + inner.split("|")[choice] + phrase[match.end() :]
    return " ".join(phrase.replace("...", " ").replace("^", " ").replace("*", "").split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("choice", [0, -1])
def test_every_phrase_is_found(language: str, choice: int) -> None:
    section = PHRASES[language]
    phrases = [phrase for strength in section["phrases"].values() for phrase in strength]
    texts = [expanded(phrase, section.get("lists", {}), choice) for phrase in phrases]
    missing = [text for text in texts if not states_distress(text)]
    assert missing == []


@pytest.mark.parametrize("words", ["i want to ", "i ", "die ", "i want, ", "'", "life " * 3, "a"])
def test_takes_linear_time(words: str) -> None:
    def seconds(count: int) -> float:
        text = (words * count)[:count]
        return min(
            timeit.repeat(
                lambda: states_distress(text), timer=time.process_time, number=3, repeat=5
            )
        )

    assert seconds(MAX_CHARACTERS) < 24 * seconds(MAX_CHARACTERS // 8)


def test_an_ordinary_message_costs_little() -> None:
    text = "Saw it twice with my flatmates and we laughed all the way home."

    def seconds(reads: object) -> float:
        return min(timeit.repeat(lambda: reads(text), timer=time.process_time, number=200))  # type: ignore[operator]

    assert seconds(states_distress) < seconds(speaks_of_distress) / 2
