"""What is English and what is not: the starter reviews, and sentences written for this test."""

import csv
import unicodedata
from pathlib import Path

import pytest

from bot.conversation.language import MAX_CHARACTERS, is_foreign

SENTENCES = Path(__file__).with_name("languages.csv")
BOLD_SCRIPT = {ord("a") + index: 0x1D4EA + index for index in range(26)}
"""Letters of mathematics that pages for fancy text make."""
STARTER_REVIEWS = Path(__file__).parents[3] / "trainer" / "data" / "starter_reviews.csv"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_reviews_in_english_are_left_to_the_model() -> None:
    reviews = [row["text"] for row in _rows(STARTER_REVIEWS)]
    assert sum(map(is_foreign, reviews)) <= 0.003 * len(reviews)


def test_slang_and_foreign_names_are_english() -> None:
    english = [row["text"] for row in _rows(SENTENCES) if row["language"] == "en"]
    assert len(english) > 300
    assert sum(map(is_foreign, english)) <= 0.01 * len(english)


def test_other_languages_are_found() -> None:
    foreign = [row["text"] for row in _rows(SENTENCES) if row["language"] != "en"]
    assert len(foreign) > 200
    assert sum(map(is_foreign, foreign)) >= 0.94 * len(foreign)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "meh",
            "lol so gud",
            "10/10 banger",
            "omg omg omg",
            "sooooo gooood",
            "hi",
            "A+",
            "...",
            "",
        ),
        "Amélie was magnifique!",
        "very boring but très chic",
        "Spirited Away (千と千尋の神隠し) is Miyazaki's best",
        "Der Untergang, Das Leben der Anderen",
        "what a wonderful film".translate(BOLD_SCRIPT),
        "WORST. MOVIE. EVER.",
        *("👎 10/10", "★☆☆☆☆", "㊗️ ㊙️", "🈶 great"),
    ],
)
def test_what_tells_little_is_not_called_foreign(text: str) -> None:
    assert not is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "kimi no na wa made me cry",
        "cidade de deus blew me away",
        "i loved y tu mama tambien",
        "la vita e bella is so sad",
        "le fabuleux destin d'amelie poulain is my comfort film",
        "jeder fur sich und gott gegen alle put me to sleep",
    ],
)
def test_a_foreign_title_in_small_letters_beside_english_is_english(text: str) -> None:
    assert not is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "hidden gem fr",
        "hi all",
        "Kinda wanna die ngl",
        "c'est la vie, boring film",
        "j'ai pleuré, so beautiful",
        "c'était magnifique, i wept",
        "merci agnès varda, cléo is perfect",
        "non ce la faccio più lol great comedy",
        "che delusione, awful",
        "Leider langweilig. Bad.",
        "okie dokie",
        "uh huh lmao",
        "La La Land, gorgeous",
    ],
)
def test_common_english_words_or_a_verdict_at_the_end_are_english(text: str) -> None:
    assert not is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "une fin trop cool, j'ai adoré",
        "nein, so schön war der Film nicht",
        "la película es top, me encantó",
        "kimi no na wa me hizo llorar",
        "kimi no na wa m'a fait pleurer",
        "the dark knight es la mejor película que he visto",
        "inception hat mir gut gefallen",
        "The Lord of the Rings ist für mich der beste Film aller Zeiten",
        "DER FILM WAR EINFACH SCHLECHT",
        "c'était nul 😴😴😴",
        unicodedata.normalize("NFD", "não gostei"),
        "Inceptionは最高でした",
        "つまらない",
        "отлично",
    ],
)
def test_little_is_enough_where_it_is_clear(text: str) -> None:
    assert is_foreign(text)


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    english = "What a wonderful film that was. " * MAX_CHARACTERS
    german = "Was für ein wunderbarer Film das war. " * MAX_CHARACTERS
    assert not is_foreign(english + german)
    assert is_foreign(german + english)
