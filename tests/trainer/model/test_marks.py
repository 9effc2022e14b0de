"""Plain letters and words, and the ratings in reviews."""

# ruff: noqa: RUF001 - characters that look alike are the subject.
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.model.marks import MARK_NEGATIVE, MARK_POSITIVE, Mark, margin, normalise, read_mark

# No deadline, because other work may slow the machine; the same examples on each run.
thorough = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

# Characters on which the module acts, close together; whole words, for marks in any surroundings.
SPECIAL = (
    "😂👍👎⭐★☆❤♥👩🚀🏽🇬🇧🇽🏴🅰🆗➑ᴀᶦﾠ½¾⁄™©´ée1580/.,-+:% \n\0"
    "\u200d\u200b\ufe0f\u0301\u0338\u20e3\U000e0067"
)
PIECES = [
    *(
        "8",
        "10",
        "/",
        "10/10",
        "stars",
        "half a",
        "out of",
        "three",
        "on",
        "not a",
        "a solid",
        "A",
        "B+",
    ),
    *(
        "thumbs up",
        "★★☆",
        "⭐",
        "½",
        "Jaws",
        "loved it",
        "rating:",
        "%",
        "1/2",
        "-",
        " ",
        "people",
        "\0",
    ),
]
texts = st.one_of(
    st.text(),
    st.text(alphabet=SPECIAL, max_size=30),
    st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Good film, 8/10 :)", "Good film, 8/10 :)"),
        ("“Naïve”, – it’s Amélie", "“Naïve”, – it’s Amélie"),
        ("７人の侍", "7人の侍"),
        ("𝓁𝑜𝓋𝑒𝒹 𝖎𝖙", "loved it"),
        ("ʟᴏᴠᴇᴅ ɪᴛ, ᴊᴀᴡs", "loved it, jaws"),
        ("ⓖⓞⓞⓓ", "good"),
        ("🅐🅦🅕🅤🅛 🅰🅼🅰🆉🅸🅽🅶", "AWFUL AMAZING"),
        ("🅱ad", "Bad"),
        ("l\u200bo\u200dv\u2060e\u00add", "loved"),
        ("b\u0336a\u0336d\u0336", "bad"),
        ("Marvel™ © ®", "Marvel © ®"),
        ("1️⃣0️⃣ #️⃣ 🔟 ❿", "10 # 10 10"),
        ("3½ stars, ½ good", "3 1/2 stars, 1/2 good"),
        ("don´t…", "don't..."),
        ("great😂!", "great face with tears of joy !"),
        ("😂", "face with tears of joy"),
        ("😂😂😂😂😂", "face with tears of joy face with tears of joy"),
        ("😂 😂 😂 lol", "face with tears of joy face with tears of joy lol"),
        ("👍🏽 👍🏿", "thumbs up thumbs up"),
        ("👩🏽‍🚀", "woman astronaut"),
        ("❤️‍🔥", "heart on fire"),
        ("❤️ ❤", "red heart red heart"),
        ("🔥\u200d🔥\u200d🔥", "fire fire fire"),
        ("🇬🇧🇬", "United Kingdom 🇬"),
        ("🆗 film", "OK film"),
        ("▪ a → b ★★", "▪ a → b ★★"),
        ("half \ud83d a pair", "half \ud83d a pair"),
    ],
)
def test_normalise(text: str, normal: str) -> None:
    assert normalise(text) == normal


@thorough
@given(texts)
def test_normalise_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@thorough
@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_normalise_leaves_ascii_as_it_is(text: str) -> None:
    assert normalise(text) is text


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0/10", 0.0),
        ("10/10", 1.0),
        ("7.5/10", 0.75),
        ("7,5/10", 0.75),
        ("8 / 10", 0.8),
        ("8/ 10!!!", 0.8),
        ("(8/10)", 0.8),
        ("**8/10**", 0.8),
        ("8/10.", 0.8),
        ("4/5", 0.8),
        ("3½/5", 0.7),
        ("3 1/2 / 5", 0.7),
        ("85/100", 0.85),
        ("7-8/10", 0.75),
        ("０/１０", 0.0),
        ("𝟖/𝟏𝟎", 0.8),
        ("8⁄10", 0.8),
        ("8️⃣/🔟", 0.8),
        ("ten/ten", 1.0),
        ("9 out of 10", 0.9),
        ("nine out of ten", 0.9),
        ("Nine and a half out of ten", 0.95),
        ("8 outta 10", 0.8),
        ("2 out of 5", 0.4),
        ("three out of four", 0.75),
        ("60 out of 100", 0.6),
        ("two stars", 0.4),
        ("five stars!", 1.0),
        ("zero stars", 0.0),
        ("one and a half stars", 0.3),
        ("2 and 1/2 stars", 0.5),
        ("two stars and a half", 0.5),
        ("half a star", 0.1),
        ("half a star out of five", 0.1),
        ("½ star", 0.1),
        ("4 stars", 0.8),
        ("4-star", 0.8),
        ("2.5 stars", 0.5),
        ("3-4 stars", 0.7),
        ("1 star", 0.2),
        ("10 stars", 1.0),
        ("4 stars out of 5", 0.8),
        ("3/4 stars", 0.75),
        ("4/5 stars", 0.8),
        ("4.5 ⭐", 0.9),
        ("Rating: 4 stars", 0.8),
        ("★★★☆☆", 0.6),
        ("★★★☆", 0.75),
        ("★★★★★★★☆☆☆", 0.7),
        ("⭐⭐⭐⭐", 0.8),
        ("⭐️ ⭐️ ⭐️", 0.6),
        ("⭐⭐⭐⭐⭐⭐⭐⭐", 1.0),
        ("⭐⭐⭐/5", 0.6),
        ("⭐⭐⭐/6", 0.5),
        ("★★½", 0.5),
        ("⭐ 4/5", 0.8),
        ("rating: 85%", 0.85),
        ("I'd give it 40%", 0.4),
        ("A+", 1.0),
        ("A+++", 1.0),
        ("B-", 0.7),
        ("F", None),
        ("grade: C", 0.55),
        ("Rating: D+", 0.35),
        ("a solid B", 0.8),
        ("gets an A from me", 0.95),
        ("I give it an F", 0.0),
        ("👍", 0.85),
        ("👍🏽👍🏽👍🏽", 0.85),
        ("👎", 0.15),
        ("thumbs up", 0.85),
        ("two thumbs down", 0.0),
        ("6/10 👍", 0.725),
        ("I give it a solid 8/10 from me", 0.8),
        ("Overall: 7/10", 0.7),
        ("final score 3/10", 0.3),
    ],
)
def test_reads_a_mark_without_more(text: str, share: float | None) -> None:
    _, mark = read_mark(text)
    assert mark == (None if share is None else Mark(round(share, 4), alone=True))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "13/10",
            "11 out of 10",
            "13 out of 10 stars",
            "9/11",
            "24/7",
            "1/2",
            "3/4",
            "8/0",
            "7/5",
        ),
        *(
            "5/10/2024",
            "10/10/10",
            "on 5/10",
            "released on 4/5",
            "until 5/10",
            "5/10 at 8pm",
            "5/10 8pm",
        ),
        *(
            "season 2/5",
            "watching episode 3/10",
            "2/5 ep",
            "3/5 of the film",
            "9/10 people",
            "$5/10",
        ),
        *(
            "1 out of 5 people",
            "10 out of 10 times",
            "8/10 critics",
            "v1.5/10",
            "a/10",
            "http://x.y/8/10",
        ),
        *(
            "-5/10",
            "minus 5/10",
            "PG-13",
            "#5",
            "#5/10",
            "Rating: 4",
            "score: 7",
            "7",
            "100%",
            "85%",
        ),
        *(
            "4 star hotel",
            "five star general",
            "the two stars fall in love",
            "two stars who cannot act",
        ),
        *(
            "one star off for the ending",
            "loses half a star",
            "7 stars",
            "one Star Wars",
            "⭐",
            "★",
            "⭐ a ⭐",
        ),
        *(
            "A",
            "B-movie",
            "B movie",
            "an easy B movie",
            "A-list",
            "C++",
            "plan B",
            "vitamin C",
            "B+W",
            "A-Z",
        ),
        *(
            "question A",
            "type B+",
            "D-Day",
            "not a 10/10",
            "wouldn't give it 5 stars",
            "isn't quite a 5/5",
        ),
        *("his thumbs up", "thumbs", "😂", "💯", "loved it ⭐", "often out of ten", "10/10ths", ""),
    ],
)
def test_reads_no_mark_and_leaves_the_text(text: str) -> None:
    assert read_mark(text) == (text, None)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("jaws 1/10", "jaws"),
        ("shrek 2: 2/10", "shrek 2"),
        ("dumb and dumber 9/10", "dumb and dumber"),
        ("the dark knight 10/10", "the dark knight"),
        ("Bad Boys 8/10", "Bad Boys"),
        ("JAWS - 8/10", "JAWS"),
        ("Jaws (8/10)", "Jaws"),
        ("8/10 Jaws", "Jaws"),
        ("Lord of the Rings ★★★★", "Lord of the Rings"),
        ("It’s a Wonderful Life 10/10", "It’s a Wonderful Life"),
        ("Spider-Man: No Way Home 9/10", "Spider-Man: No Way Home"),
        ("Now You See Me 7/10", "Now You See Me"),
        ("Her 9/10", "Her"),
        ("1917 8/10", "1917"),
        ("Cars 2 4/5", "Cars 2"),
        ("Apollo 13 9/10", "Apollo 13"),
        ("Jaws (1975): 5 stars", "Jaws (1975)"),
        ("七人の侍 10/10", "七人の侍"),
        ("Title: A-", "Title"),
        ("Jaws: A", "Jaws"),
        ("Jaws ⭐", "Jaws"),
        ("I give Jaws a 1/10", "I give Jaws a"),
        ("Jaws 8/10, Alien 9/10", "Jaws Alien"),
        ("10/10 duh", "duh"),
        ("9/10, obviously", "obviously"),
        ("1/10 hands down", "hands down"),
        ("5 stars. What else?", "What else?"),
        ("10/10 no contest bro", "no contest bro"),
    ],
)
def test_a_mark_beside_a_title_is_alone(text: str, rest: str) -> None:
    left, mark = read_mark(text)
    assert mark is not None
    assert mark.alone
    assert left == rest


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("loved it 10/10", "loved it"),
        ("Loved it. 10/10", "Loved it."),
        ("10/10 would watch again", "would watch again"),
        ("10/10. Loved it!", "Loved it!"),
        ("Terrible film 1/10", "Terrible film"),
        ("Terrible 1/10", "Terrible"),
        ("Great Movie 10/10", "Great Movie"),
        ("GREAT MOVIE 10/10", "GREAT MOVIE"),
        ("boring mess 2/10", "boring mess"),
        ("not bad 7/10", "not bad"),
        ("no notes 10/10", "no notes"),
        ("spot on 10/10", "spot on"),
        ("what a ride 9/10", "what a ride"),
        ("Bad Boys 8/10 Loved it", "Bad Boys Loved it"),
        ("Jaws. Loved it. 2/10", "Jaws. Loved it."),
        ("Jaws (8/10): fun", "Jaws fun"),
        ("9/10 😂", "😂"),
        ("A+ vibes, D- storytelling", "vibes storytelling"),
        ("loved season 2, 4/5", "loved season 2"),
        ("Great film 👍👍 funny", "Great film funny"),
        ("A two-star film; flawed", "A film; flawed"),
        ("the best part 10/10", "the best part"),
    ],
)
def test_a_mark_beside_an_opinion_is_not_alone(text: str, rest: str) -> None:
    left, mark = read_mark(text)
    assert mark is not None
    assert not mark.alone
    assert left == rest


def test_several_marks_are_their_mean() -> None:
    assert read_mark("Story 3/10, acting 9/10")[1] == Mark(0.6, alone=False)


@thorough
@given(texts)
def test_reads_any_text(text: str) -> None:
    rest, mark = read_mark(text)
    if mark is None:
        assert rest is text
    else:
        assert 0 <= mark.share <= 1


TEN_FORMS = [
    "{}/10",
    "{} / 10",
    "{}/ 10",
    "({}/10)",
    "{}.0/10",
    "{},5/100",
    "{} out of 10",
    "{}/10!!",
]
FIVE_FORMS = [
    "{}/5",
    "{} stars",
    "{} star",
    "{}-star",
    "{}.5/10",
    "{}/5 stars",
    "{} out of 5",
    "{} ⭐",
]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
DIGITS = [str(number) for number in range(11)]
numerals = st.sampled_from([DIGITS, WORDS])
around = st.sampled_from(
    [
        *(
            "{}",
            "jaws {}",
            "Jaws: {}",
            "shrek 2: {}",
            "Bad Boys {}",
            "loved it {}",
            "{} would watch again",
        ),
        *(
            "boring mess, {}.",
            "{} Jaws",
            "I give it a {}",
            "Cars 2 - {} from me",
            "not bad {} 😂",
            "not a {}",
        ),
        *(
            "on {}",
            "season {}",
            "{} people",
            "-{}",
            "Great. {}. Would recommend to {}",
            "my rating: {}",
        ),
    ]
)


forms = st.one_of(
    st.tuples(st.sampled_from(TEN_FORMS), st.just(10)),
    st.tuples(st.sampled_from(FIVE_FORMS), st.just(5)),
)


@thorough
@given(around, forms, numerals)
def test_only_the_share_depends_on_the_number(
    surroundings: str, form: tuple[str, int], names: list[str]
) -> None:
    pattern, most = form
    if "." in pattern or "," in pattern:  # no word has decimals
        names = DIGITS
    read = [
        read_mark(surroundings.replace("{}", pattern.replace("{}", name)))
        for name in names[: most + 1]
    ]
    marks = [mark for _, mark in read if mark is not None]
    assert len(marks) in (0, most + 1)
    if marks:
        assert len({(rest, mark.alone) for (rest, _), mark in zip(read, marks, strict=True)}) == 1
        assert all(low.share < high.share for low, high in itertools.pairwise(marks))


@thorough
@given(st.integers(0, 999), st.integers(1, 999))
def test_more_than_the_scale_and_other_scales_are_no_mark(number: int, scale: int) -> None:
    _, mark = read_mark(f"Jaws {number}/{scale}")
    assert (mark is not None) == (scale in (5, 10, 100) and number <= scale)


def test_margin_is_three_at_the_thresholds_and_within_six() -> None:
    assert margin(MARK_POSITIVE) == pytest.approx(3)
    assert margin(MARK_NEGATIVE) == pytest.approx(-3)
    assert margin(0.55) == pytest.approx(0)
    margins = [margin(percent / 100) for percent in range(101)]
    assert all(low < high for low, high in itertools.pairwise(margins))
    assert -6 < margins[0] < -5.5
    assert 5.5 < margins[-1] < 6


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part",
    [
        *(
            "😂",
            "😂\u200d",
            "🔥\u200d🚀\u200d",
            "🇬",
            "🇽🇽",
            "\u200d",
            "é",
            "½",
            "1½",
            " 😂 ",
            "👩\u200d🚀 ",
            "\0",
        ),
        *(
            "1",
            "1/",
            "1 ",
            "10/10",
            "10/10 ",
            "1.1",
            "1-1-",
            "1/2 ",
            "★",
            "★ ",
            "★☆",
            "⭐ 1/2",
            "☆",
            "A+",
            "+",
        ),
        *(
            "A ",
            "two ",
            "half a ",
            "out of ",
            "1 out of ",
            "not a ",
            "give it ",
            "on ",
            "👍 ",
            "(",
            " ",
            "-: ",
        ),
        *(
            "Aa ",
            "aa. ",
            "\n",
            "a.",
            "a'",
            "!",
            "rating: ",
            "1 star",
            "a solid ",
            "thumbs ",
            "and-a-half ",
        ),
    ],
)
def test_long_hostile_texts_finish(part: str) -> None:
    text = f"8/10{part * (60_000 // len(part))} é"
    read_mark(text)
    normalise(text)
    read_mark(text[:-2])
