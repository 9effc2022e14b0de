"""What can go wrong between reviews and a checkpoint.

Each error carries the sentence its reader gets: what is wrong, where, and what to do next.

    TrainerError
    ├── ConfigError       a hyperparameter outside what is allowed
    ├── ReviewsError      a data set that is missing, malformed or too small
    ├── EncoderError      pre-trained weights that cannot be had
    └── CheckpointError   a checkpoint that is missing, incomplete or altered
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
