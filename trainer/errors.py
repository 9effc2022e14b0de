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


class TrainerError(Exception):
    """The root: str(error) is a complete sentence for the user."""


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
