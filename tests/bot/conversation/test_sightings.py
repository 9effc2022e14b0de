"""Reports of having seen a film, told from opinions on it."""

import pytest

from bot.conversation.sightings import is_sighting


@pytest.mark.parametrize(
    "text",
    [
        *(
            "saw that new bond thing on saturday",
            "we watched the new pixar one last night",
            "saw it",
        ),
        *(
            "went to see dune yesterday with my sister",
            "saw wicked today",
            "we finally watched Oldboy",
        ),
        *("just got back from the cinema, saw the batman", "seen nosferatu on monday"),
        *("caught the late showing of oppenheimer on friday", "home from watching mickey 17"),
        *("my wife and I went to that french film last tuesday", "last weekend we saw anora"),
        *("I've just watched Inside Out 2", "went to the cinema on sunday to see barbie"),
        *(
            "me and my mates went to see deadpool last night",
            "evening. just saw a film with my mum",
        ),
        *("on friday my dad and I saw the new john wick", "saw moana 2 with my daughter on sunday"),
        *("just watched sinners w my bro last nite", "saw paddington yesterday at least"),
        *("been to the premiere of that indie film yesterday", "saw Flow at the local cinema"),
    ],
)
def test_only_that_a_film_was_seen(text: str) -> None:
    assert is_sighting(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "saw a masterpiece yesterday",
            "saw dune yesterday, terrible",
            "saw it coming a mile off",
        ),
        *("watched my life drain away on saturday", "saw dune for the third time yesterday"),
        *("watched it for ten minutes and left", "saw the best film of the year yesterday"),
        *("watched the new bond last night and fell asleep", "saw it again", "watched it twice"),
        *(
            "went to paris last week",
            "went to the doctor today",
            "saw a rat on friday",
            "I see",
            "",
        ),
        *("saw the manager yesterday", "saw my dog get hit yesterday", "caught the bus today"),
        *("saw dune", "never saw the new bond on saturday"),
    ],
)
def test_more_than_that_or_something_else(text: str) -> None:
    assert not is_sighting(text)
