"""Whether a customer who was in distress a few minutes ago writes about a film now. No platform.

The model judges every text as if it could be a review: "it's all pointless" is a complaint to it.
"""

import re

from trainer.model.marks import normalise

_FILM = re.compile(
    r"\b(?:films?|movies?|flicks?|cinemas?|sequels?|prequels?|trilogy|trailers?|seasons?|episodes?|"
    r"series|sitcom|soundtracks?|actors?|actress(?:es)?|acting|directors?|screenplays?|scripts?|"
    r"cgi|watched|rewatch(?:ed)?|binged|reviews?|stars?|\d{1,2} ?/ ?(?:5|10))\b",
    re.IGNORECASE,
)


def is_about_a_film(text: str) -> bool:
    """Whether a text has a word of film or television in it, or states a rating such as 7/10.

    A thumb or another emoji is none: after words of help it is an answer to them.
    """
    return _FILM.search(normalise(text)) is not None
