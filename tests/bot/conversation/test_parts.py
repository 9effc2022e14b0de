"""Words that name a part of a film, or weigh good parts against bad ones."""

import pytest

from bot.conversation.parts import is_balanced, names_a_part


@pytest.mark.parametrize(
    "text",
    [
        *(
            "more the story",
            "mostly the acting",
            "the cast more than the plot",
            "the ending, mostly",
        ),
        *("I'd say the first half", "just the dialogue really", "second half mainly", "the plot"),
        *("more the comedy than the drama", "oh definitely the visuals", "the twist, really"),
        *("probably the cinematography more than the plot", "the lead actress mainly"),
    ],
)
def test_a_part_is_named_and_nothing_else_said(text: str) -> None:
    assert names_a_part(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "the first",
            "the middle",
            "in parts",
            "a bit",
            "the good bits",
            "both, the cast and the plot",
        ),
        *("the ending was great", "yes, the acting", "I liked the story more", "the ending though"),
        *("not the story", "like a story", "", "the story " * 9),
    ],
)
def test_an_answer_or_an_opinion_is_more_than_a_part(text: str) -> None:
    assert not names_a_part(text)


@pytest.mark.parametrize(
    "text",
    [
        *("alright I guess, nice bits, dull bits", "ok, good acting, bad script"),
        *("it was ok, some good parts, some boring ones", "so so, good start, weak finish"),
        *("great visuals and a terrible script", "nice music / awful dialogue"),
        *("okay film with its ups and downs", "passable, a few laughs, a few yawns"),
        *("enjoyed half of it, slept through the other half", "great in places, tedious in others"),
        *(
            "beautiful to look at in places, boring in others",
            "it's ok, clever idea, sloppy execution",
        ),
    ],
)
def test_as_many_good_as_bad_parts(text: str) -> None:
    assert is_balanced(text)


@pytest.mark.parametrize(
    "text",
    [
        *("great cast, great script, slow start", "bad script, bad acting, nice music"),
        *(
            "weak start but a wonderful film",
            "good acting but I hated it",
            "good acting, not a bad script",
        ),
        *(
            "bad script, good cast, worth it",
            "Great premise, terrible execution. By the end I just wanted to go home",
            "good cast, awful film, never again",
            "good acting",
            "",
        ),
        f"nice bits, dull bits, {'and more ' * 9}",
    ],
)
def test_a_review_that_tips(text: str) -> None:
    assert not is_balanced(text)
