"""What follows a verdict or a question and is no film review: corrections, insults, requests."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from bot.conversation.answers import MAX_CHARACTERS, MAX_WORDS, read_answer
from bot.conversation.care import states_distress_beside_praise
from bot.conversation.corrections import (
    Correction,
    Strength,
    is_reservation,
    read_correction,
)
from bot.conversation.insults import without_insults
from bot.conversation.parts import is_balanced, names_a_part
from bot.conversation.pleasantries import (
    is_acknowledgement,
    is_lukewarm,
    is_reassurance,
    small_talk,
)
from bot.conversation.reasons import asks_why
from bot.conversation.requests import read_request
from bot.conversation.subject import read_subject
from bot.sentences.kinds import Kind, Side
from tests.bot.conversation.test_answers import HOSTILE


@pytest.mark.parametrize(
    "text",
    [
        *("that was sarcasm", "I was being sarcastic", "lol sarcasm", "/s", "I was joking!"),
        *("I meant the opposite", "quite the opposite", "it's the other way round"),
        *("you got that backwards", "you missed the irony", "you didn't get the joke"),
    ],
)
def test_what_turns_a_verdict_round(text: str) -> None:
    assert read_correction(text) == Correction(Strength.TURNED)


@pytest.mark.parametrize(
    "text",
    [
        *("you got that wrong", "no, you misread me", "You\N{RIGHT SINGLE QUOTATION MARK}re wrong"),
        *("that's not what I meant", "wrong", "no", "nope!", "I never said that", "not quite"),
        *(
            "no it wasn't",
            "nope, I didn't",
            "try again",
            "why are you thanking me?",
            "I wasn't joking, you misunderstood",
            "I haven't said anything about it yet",
            "I didn't say how it was",
            "I said nothing about the film",
            "no, I only said I saw it",
        ),
    ],
)
def test_what_says_only_that_it_is_wrong(text: str) -> None:
    assert read_correction(text) == Correction(Strength.WRONG)


@pytest.mark.parametrize(
    ("text", "strength", "opinion"),
    [
        ("no, I hated it", Strength.HINT, "i hated it"),
        ("I just told you, I loved it", Strength.HINT, "i loved it"),
        ("sick as in good", Strength.HINT, "thumbs up"),
        ("I meant it as bad", Strength.HINT, "thumbs down"),
        ("actually it was dull", Strength.HINT, "it was dull"),
        ("nope, didn't like it", Strength.HINT, "didn't like it"),
        ("no way, it was awful", Strength.HINT, "it was awful"),
        ("nah mate it was rubbish", Strength.HINT, "it was rubbish"),
        ("don't thank me, it was dull", Strength.HINT, "it was dull"),
        ("that was a negative review", Strength.HINT, "thumbs down"),
        ("no, you got me wrong, I loved it", Strength.WRONG, "i loved it"),
        ("I wasn't joking, I loved it", Strength.WRONG, "i loved it"),
        ("that was sarcasm, it was dull", Strength.TURNED, "it was dull"),
    ],
)
def test_an_opinion_beside_a_correction_is_left_to_the_model(
    text: str, strength: Strength, opinion: str
) -> None:
    assert read_correction(text) == Correction(strength, opinion)


@pytest.mark.parametrize(
    "text",
    [
        *("thanks", "a dull film", "No Time to Die was dull", "no plot at all", "no worries"),
        *("a sarcastic film about irony", "the opposite of boring", "don't apologise", ""),
        "it was a long film " * 20,
    ],
)
def test_what_is_no_correction(text: str) -> None:
    assert read_correction(text) is None


def test_insults_are_told_from_films_and_from_what_is_said_beside_them() -> None:
    for insult in ("you're a useless bot", "shut up", "stupid bot!", "you suck", "worst bot ever"):
        assert without_insults(insult) == ""
    for review in ("a useless film", "the robot is stupid", "what an idiot the hero is", "dull"):
        assert without_insults(review) is None
    assert read_correction(without_insults("you got that wrong, you useless bot") or "") == (
        Correction(Strength.WRONG)
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "service") for text in ("no, I want my money back", "refund please")),
        *(
            (text, "service")
            for text in ("no, my ticket didn't work", "yes but I was charged twice")
        ),
        *((text, "person") for text in ("no, can I talk to a human", "get me a manager")),
        *((text, None) for text in ("no, it was dull", "so bad that I want my money back", "yes")),
        ("you couldn't pay me to see it again", None),
        ("What? No. I'm complaining about your staff, not the film", "service"),
        *((text, "off_topic") for text in ("sorry, it's not about a movie", "that was no review")),
        *((text, "off_topic") for text in ("I'm not talking about the film", "it wasn't a review")),
        ("I'm not happy about the film", None),
        ("it's not a film for children", None),
    ],
)
def test_a_request_in_the_place_of_an_answer_is_handled(text: str, kind: str | None) -> None:
    assert read_request(text) == kind


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("no I was complaining about the queue", Kind.SERVICE),
        ("you misread me. The recliners were broken, not the film", Kind.SERVICE),
        ("nah the popcorn was stale", Kind.SERVICE),
        ("i was saying the staff were lovely", Kind.SERVICE),
        ("that's wrong, i was asking about the times", Kind.QUESTION),
        ("It was a question! Is there an interval?", Kind.QUESTION),
        ("wait, is it dubbed", Kind.QUESTION),
        ("I was talking about my exam, not a film", Kind.OFF_TOPIC),
        ("no, I loved it, and the seats too", None),
        ("no, I was on the edge of my seat", None),
        ("I told my friends that the cinema was packed", None),
        ("I asked my dad who she was, and he said he had fallen asleep", None),
        ("it's about a cinema in Sicily", None),
        ("I wonder if there will be a sequel", None),
        ("I said it was worth the ticket", None),
        ("no one asked you, it was dull", None),
        ("I said it was dull", None),
        ("no, the ending was not for me", None),
        ("the popcorn was the best thing about it", None),
        ("no I meant the queue " + "again " * MAX_WORDS, None),
    ],
)
def test_what_a_misread_message_was_about(text: str, subject: Kind | None) -> None:
    assert read_subject(text) == subject


def test_after_a_question_a_no_is_an_answer() -> None:
    assert read_subject("no, the popcorn was stale", is_answer=True) is None
    assert read_subject("no, I meant the popcorn", is_answer=True) is Kind.SERVICE
    assert read_subject("no I said meh about the nachos lol", is_answer=True) is Kind.SERVICE
    assert read_subject("i said the popcorn was stale", is_correction=True) is Kind.SERVICE


def test_a_reservation_is_told_from_a_correction() -> None:
    for text in (
        "wait actually the ending was trash tho",
        "But the music was awful",
        "ok, but the first half was slow",
        "the cast was great though",
    ):
        assert is_reservation(text)
    for text in (
        "but I hated it",
        "no, the ending was trash",
        "the ending was trash",
        "no, I hated the ending though",
    ):
        assert not is_reservation(text)


def test_a_goodbye_is_told_from_one_to_everything_and_from_a_review() -> None:
    for text in ("bye", "Good night all", "ok bye then", "I have to go, see you", "gotta go!"):
        assert small_talk(text) is Kind.GOODBYE
    for text in ("goodbye everyone", "Goodbye, Lenin", "I have to go see it again", "take it away"):
        assert small_talk(text) is None


def test_a_polite_no_is_told_from_an_answer() -> None:
    for text in (
        "no worries",
        "No problem at all. Have a good evening",
        "oh, don't worry about it",
    ):
        assert is_reassurance(text)
    for text in ("no", "no, no problem with the film", "no problem sitting through it", "no need"):
        assert not is_reassurance(text)


def test_that_a_film_was_seen_is_told_from_an_opinion() -> None:
    for text in (
        "saw it",
        "I watched it yesterday",
        "evening. just saw a film with my mum",
        "seen it",
    ):
        assert small_talk(text) is Kind.SEEN
    for text in ("see it", "saw it again", "saw a masterpiece", "watched it twice", "I see"):
        assert small_talk(text) is None


def test_manners_and_lukewarm_opinions_are_told_from_other_messages() -> None:
    for text in ("ok", "no worries", "thnks!", "👍", "ok cool, thanks bot", "no need to apologise"):
        assert is_acknowledgement(text)
    for text in ("yes", "exactly", "that's right"):
        assert is_acknowledgement(text)
    for text in ("ok film", "no", "great acting", "thanks but it was dull"):
        assert not is_acknowledgement(text)
    for text in ("so so, some good bits", "okay-ish", "ok for a rainy day", "does the job"):
        assert is_lukewarm(text)
    for text in ("dunno mate, it was alright i guess", "its fine tbh"):
        assert is_lukewarm(text)
    for text in ("hello there", "thank you", "a wonderful film", "i'm ok i guess"):
        assert not is_lukewarm(text)


READERS: tuple[Callable[[str], object], ...] = (
    *(
        read_correction,
        without_insults,
        read_request,
        read_subject,
        is_acknowledgement,
        is_lukewarm,
        small_talk,
        is_reassurance,
        is_reservation,
        names_a_part,
        is_balanced,
        asks_why,
        states_distress_beside_praise,
    ),
    partial(read_answer, yes=Side.POSITIVE),
    partial(read_answer, yes=Side.NEGATIVE, denies=True),
)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "part",
    [
        *("no ", "not not not ", "you you you ", "you are so ", "so really very ", "| . , "),
        *("🙂", "😄😁", "🫰🚭", "👍👎", "e\u0301", "\u0301", "ﷺ", "\ud800", "\u202e", "10/10 "),
    ],
)
def test_time_does_not_grow_beyond_the_longest_answer(
    read: Callable[[str], object], part: str
) -> None:
    def seconds(length: int) -> float:
        text = (part * length)[:length]
        began = time.process_time()
        read(text)
        return time.process_time() - began

    seconds(MAX_CHARACTERS)  # the patterns of emoji are made at first use
    few, many = (
        min(seconds(length) for _ in range(3)) for length in (MAX_CHARACTERS, 8 * MAX_CHARACTERS)
    )
    assert many < 4 * few + 0.02


@pytest.mark.parametrize("emoji", ["😄😁" * 20, "ﷺ" * 40])
def test_what_is_too_long_in_plain_letters_is_no_answer(emoji: str) -> None:
    assert len(emoji) < MAX_CHARACTERS
    assert without_insults(f"{emoji} you are useless") is None
    assert read_correction(f"you misread me {emoji}") is None
    assert read_request(f"no, I want my money back {emoji}") is None
    assert not is_acknowledgement("🙏" * 80)
    assert not is_lukewarm(f"so so {emoji}")
    assert read_answer(f"yes, {emoji}", Side.POSITIVE).side is None


@pytest.mark.parametrize(
    "part", [*HOSTILE, "you are ", "so ", "no, ", "i was being ", "my ", "ok "]
)
def test_a_hostile_text_takes_little_time(part: str) -> None:
    text = (part * MAX_CHARACTERS)[:MAX_CHARACTERS]
    for read in (
        read_correction,
        without_insults,
        read_request,
        read_subject,
        is_acknowledgement,
        is_lukewarm,
        small_talk,
        is_reassurance,
        is_reservation,
    ):
        read(text)
        began = time.process_time()
        read(text)
        assert time.process_time() - began < 0.05
