"""What can go wrong between reviews and a checkpoint.

Each error carries the sentence its reader gets: what is wrong, where, and what to do next.

    TrainerError
    ├── ConfigError       a hyperparameter outside what is allowed
    ├── ReviewsError      a data set that is missing, malformed or too small
    ├── EncoderError      pre-trained weights that cannot be had
    ├── CheckpointError   a checkpoint that is missing, incomplete or altered
    ├── ComparisonError   a comparison that cannot be written, or of which a part failed
    └── Interrupted       a comparison that was stopped, and of which a part is kept
"""


def printable(text: object) -> str:
    """The text with an escape sequence for each line break and control character."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )


class TrainerError(Exception):
    """The root: str(error) is a complete sentence for the user.

    It is on one line, and can be printed: a name in it, of a file or from one, may hold line breaks
    and escape sequences, which would forge lines of a log.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))


class ConfigError(TrainerError):
    """A hyperparameter is outside what is allowed."""


class ReviewsError(TrainerError):
    """Labelled reviews cannot be read, or there are too few of them."""


class EncoderError(TrainerError):
    """The pre-trained encoder cannot be loaded."""


class CheckpointError(TrainerError):
    """A checkpoint is missing, incomplete or altered."""


class ComparisonError(TrainerError):
    """A comparison cannot be written, or some of its base models could not be trained."""


class Interrupted(TrainerError):  # noqa: N818  # nothing went wrong: somebody stopped it
    """A comparison was stopped; the runs that were finished are kept."""
