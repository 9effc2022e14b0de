"""What a customer writes after a request for help."""

import pytest

from bot.conversation.matters import goes_on, takes_advice
from bot.conversation.requests import complains_to_staff


@pytest.mark.parametrize(
    "text",
    [
        *("hello??", "hi", "is anybody there", "hello, is someone listening?", "helloooo"),
        *(
            "did you read that?",
            "still waiting for an answer",
            "any update on my order?",
            "answer me",
        ),
        *("this is ridiculous, the film didn't even start", "I paid 30 quid for nothing"),
        *(
            "what are you going to do about it",
            "can somebody please help me",
            "how long will this take?",
        ),
    ],
)
def test_the_same_matter(text: str) -> None:
    assert goes_on(text)


@pytest.mark.parametrize(
    "text",
    [
        *("hello, I loved the film", "the film was great", "thanks", "yes", "did you like it?", ""),
        *("can you recommend a film", "what did you think of it", f"hello {'hello ' * 30}"),
    ],
)
def test_another_matter(text: str) -> None:
    assert not goes_on(text)


def test_who_turns_to_the_team_needs_no_more_advice() -> None:
    for text in ("ok, I'll ask them", "ok I write to them", "fine. I will contact the team then"):
        assert takes_advice(text)
    for text in ("I'll ask for my money back", "ok", "I'll write a review"):
        assert not takes_advice(text)


@pytest.mark.parametrize(
    ("text", "is_complaint"),
    [
        ("I'd like to make a complaint", True),
        ("Hello, where do I complain about the sound in screen 3?", True),
        ("i want to complain about your staff", True),
        ("can we file an official complaint please", True),
        ("I want to complain about this film", False),
        ("I have a complaint: the ending", False),
        ("I can't complain about the seats", False),
        ("It was so dull that I want to complain to the cinema", False),
        ("Such a great film, I want to make a complaint that it ended", False),
    ],
)
def test_a_complaint_to_the_staff_is_none_about_a_film(text: str, is_complaint: bool) -> None:
    assert complains_to_staff(text) is is_complaint
