"""What an answer to one of the bot's questions means."""

import time

import pytest

from bot.conversation.answers import MAX_CHARACTERS, MAX_WORDS, Answer, read_answer
from bot.sentences.kinds import Side

YES, NO = Side.POSITIVE, Side.NEGATIVE


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes!", "YES", "yeah", "yep.", "yup", "mhm", "ya", "yesss", "yea I did"),
        *("sure", "definitely", "absolutely!!", "of course", "very much so", "I think so"),
        *("I did", "it was", "I would", "we did, honestly", "spot on", "you got it", "correct"),
        *("you have", "Yes, you have", "it has"),
        *("that's right", "100%", "you bet", "for sure", "no doubt", "without a doubt"),
        *("yes yes yes", "nah yeah", "oh yes, I did", "yes, thanks", "y", "ok", "in a heartbeat"),
    ],
)
def test_a_yes_is_read_in_the_sense_of_the_question(text: str) -> None:
    assert read_answer(text, YES) == Answer(Side.POSITIVE)
    assert read_answer(text, NO) == Answer(Side.NEGATIVE)


@pytest.mark.parametrize(
    "text",
    [
        *("no", "No.", "NO!!", "nope", "nah", "naw", "nooo", "no way", "no thanks"),
        *("not really", "not at all", "hardly", "never", "I didn't", "I did not", "it wasn't"),
        *(
            "I wouldn\N{RIGHT SINGLE QUOTATION MARK}t",
            "don't think so",
            "I doubt it",
            "the opposite",
            "as if",
            "anything but",
        ),
        *("you got that wrong", "wrong", "far from it", "yeah nah", "not a chance", "n"),
        *("you haven't", "you have not"),
        *("no, not really", "not really because", "sadly not", "I'm afraid not", "no no no"),
    ],
)
def test_a_no_is_read_in_the_sense_of_the_question(text: str) -> None:
    assert read_answer(text, YES) == Answer(Side.NEGATIVE)
    assert read_answer(text, NO) == Answer(Side.POSITIVE)


@pytest.mark.parametrize(
    "text",
    [
        *("not wrong", "you're not wrong", "That isn't wrong!", "not incorrect"),
        *("can't say no", "I wouldn't say no", "no question", "how could I not?"),
    ],
)
def test_two_negations_are_a_yes(text: str) -> None:
    assert read_answer(text, YES) == Answer(Side.POSITIVE)
    assert read_answer(text, NO) == Answer(Side.NEGATIVE)


@pytest.mark.parametrize(
    "text",
    [
        *("both", "a bit of both", "a bit of each", "half and half", "50/50", "so-so", "meh"),
        *("mixed", "in between", "can't decide", "I can't say", "hard to say", "dunno", "idk"),
        *("not sure", "I don't know", "yes and no", "neither", "it's a tie", "maybe", "5/10"),
        *("depends", "on the fence", "Evenly.", "some bits good, some not", "three stars"),
    ],
)
@pytest.mark.parametrize("yes", [YES, NO, None])
def test_an_answer_that_is_both_or_undecided_is_accepted(text: str, yes: Side | None) -> None:
    assert read_answer(text, yes) == Answer(Side.BOTH)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        *((text, YES) for text in ("the good", "good!", "The good bits", "thumbs up", "up", "👍")),
        *(
            (text, YES)
            for text in ("two thumbs up", "👍👍", "👍🏽", "8/10", "★★★★★", "A+", "again")
        ),
        *((text, YES) for text in ("more good than bad", "the good outweighs the bad", "twice")),
        *((text, YES) for text in ("once wasn't enough", "the former", "no complaints")),
        *((text, NO) for text in ("the bad", "bad", "thumbs down", "a thumb down", "down", "👎")),
        *((text, NO) for text in ("once was enough", "once", "2/10", "never again", "the latter")),
        *((text, NO) for text in ("more bad than good", "the bad won", "not for me", "no good")),
        *((text, NO) for text in ("definitely down", "waste of time", "one star", "D-")),
        # Whether to go, to see it again, and what won, with and without a negation.
        *((text, YES) for text in ("I'd drag them there myself", "I've booked it again", "😍")),
        *(
            (text, YES)
            for text in ("worth every minute", "not down", "not a thumbs down", "not bad")
        ),
        *((text, YES) for text in ("I don't regret it", "it never let me down", "the bad lost")),
        *(
            (text, YES)
            for text in ("the good drowned out the bad", "I wouldn't mind seeing it again")
        ),
        *((text, NO) for text in ("I'd tell them to skip it", "hardly worth it", "🤮", "not up")),
        *(
            (text, NO)
            for text in ("I won't be watching it again", "you couldn't pay me", "not for me")
        ),
        *(
            (text, NO)
            for text in ("the good was outweighed by the bad", "I want my two hours back")
        ),
    ],
)
@pytest.mark.parametrize("yes", [YES, NO, None])
def test_a_choice_or_a_mark_means_the_same_to_every_question(
    text: str, side: Side, yes: Side | None
) -> None:
    assert read_answer(text, yes) == Answer(side)


@pytest.mark.parametrize(
    "text",
    [
        *("it dragged", "I loved the cast", "a masterpiece", "boring", "", "?!", "..."),
        *("good acting, bad script", "thanks", "hello", "where is my ticket", "😂", "🤷"),
        "it was a long film " * MAX_WORDS,
    ],
)
def test_what_is_an_opinion_in_itself_or_no_answer_is_left_to_the_model(text: str) -> None:
    assert read_answer(text, YES) == read_answer(text, NO) == Answer(None, text)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        *((text, NO) for text in ("it wasn't", "No, it really wasn't.", "right, it wasn't", "yes")),
        *((text, YES) for text in ("it was", "it was for me", "no", "you got that wrong")),
    ],
)
def test_what_repeats_a_statement_with_a_negation_agrees_with_it(text: str, side: Side) -> None:
    assert read_answer(text, NO, denies=True) == Answer(side)


def test_an_answer_without_further_words_cannot_mean_anything_else() -> None:
    assert read_answer("thumbs down from me, I'm afraid", YES).is_all
    assert read_answer("no, not really", YES).is_all
    for text in ("never again. I want to die", "both. I want to die", "no, I want to die"):
        assert not read_answer(text, YES).is_all


def test_words_beside_a_thumb_say_what_it_agrees_with() -> None:
    assert read_answer("👍 yes, exactly", NO) == Answer(NO)
    assert read_answer("👎 no, I liked it", NO) == Answer(YES)


def test_yes_and_no_say_nothing_where_the_question_offers_a_choice() -> None:
    for text in ("yes", "no", "not really"):
        assert read_answer(text, None) == Answer(None, "")
    assert read_answer("yes, it dragged", None) == Answer(None, "yes, it dragged")


@pytest.mark.parametrize(
    ("text", "side", "opinion"),
    [
        ("no, it dragged", Side.NEGATIVE, "it dragged"),
        ("No it dragged", Side.NEGATIVE, "it dragged"),
        ("yes! the cast was lovely", Side.POSITIVE, "the cast was lovely"),
        ("not really. It bored me", Side.NEGATIVE, "it bored me"),
        # A concession or a reason does not turn an answer round.
        ("yes, although it dragged", Side.POSITIVE, ""),
        ("no but the cast was lovely", Side.NEGATIVE, ""),
        ("not really because it dragged", Side.NEGATIVE, ""),
        ("if it were shorter maybe. As it is, no", Side.NEGATIVE, ""),
    ],
)
def test_an_opinion_beside_a_yes_or_no_is_told_from_a_concession(
    text: str, side: Side, opinion: str
) -> None:
    assert read_answer(text, YES) == Answer(side, opinion)


HOSTILE = (
    "yes.",
    "no\n",
    "yes",
    "i ",
    "think so ",
    "some bits ",
    "thumbs up ",
    "👍",
    "👍 x ",
    "🏳\u200d🌈",
    "½",
    "'",
    " - ",
    "yes no",
)


@pytest.mark.parametrize("part", HOSTILE)
def test_a_long_hostile_text_takes_time_in_proportion_to_its_length(part: str) -> None:
    def seconds(length: int) -> float:
        text = (part * length)[:length]
        began = time.process_time()
        read_answer(text, YES)
        return time.process_time() - began

    seconds(1_000)  # the patterns of emoji are made at first use
    few, many = (min(seconds(length) for _ in range(3)) for length in (4_000, 16_000))
    # Four times as long; sixteen times the time would be quadratic.
    assert many < 8 * few + 0.02
    assert min(seconds(MAX_CHARACTERS) for _ in range(3)) < 0.02
