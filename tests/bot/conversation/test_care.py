"""What is said besides praise of a film may be distress."""

import pytest

from bot.conversation.care import beside_praise, states_distress_beside_praise


@pytest.mark.parametrize(
    "text",
    [
        *("can't go on. 10/10 film though", "I can't do this anymore, lovely film though"),
        *("can't do this any more. film was 9/10 at least",),
        *("I can't take it any more. the movie was beautiful at least",),
        *(
            "everything is pointless. great movie anyway",
            "there's no point any more. fun movie anyway",
        ),
    ],
)
def test_distress_beside_praise(text: str) -> None:
    assert states_distress_beside_praise(text)


@pytest.mark.parametrize(
    "text",
    [
        *("couldn't stop laughing, great film though", "I can't even. 10/10 film though", ""),
        *("I can't go on. Worst film ever, though", "I can't go on, this film never ends though"),
        *(
            "I can't take it any more! 10/10",
            "I was so tired. good movie though",
            "great film though",
        ),
    ],
)
def test_no_distress_beside_praise(text: str) -> None:
    assert not states_distress_beside_praise(text)


def test_the_rest_is_what_is_not_about_the_film() -> None:
    assert beside_praise("nothing matters now. loved the movie though!") == "nothing matters now"
    assert beside_praise("nothing matters now. loved the movie!") == ""
