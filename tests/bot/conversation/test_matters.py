"""What a customer writes after a request for help."""

import pytest

from bot.conversation.matters import goes_on, takes_advice


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
