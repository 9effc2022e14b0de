"""What can go wrong between reviews and a checkpoint.

Each error carries the sentence shown to the user: what is wrong, where, and what to do next.

    TrainerError
    ├── ConfigError       a hyperparameter is out of range
    ├── ReviewsError      a data set is missing, malformed or too small
    ├── EncoderError      the pre-trained weights cannot be loaded
    ├── CheckpointError   a checkpoint is missing, incomplete or altered
    ├── YamlError         a YAML file that people write is missing or malformed
    ├── ComparisonError   a comparison cannot be written, or part of it failed
    └── Interrupted       a run was stopped; what it has saved is kept
        └── ProcessLost   one of its processes has ended
"""

import errno

OUT_OF_MEMORY = (
    "There is not enough memory for this. Free memory, or allow this process more of it; a smaller "
    "batch size, maximum length or base model needs less."
)

_ALLOCATORS = ("can't allocate memory", "bad_alloc", "bad allocation", "Failed to allocate memory")
"""What torch and ONNX Runtime say of the processor's memory, without a type of their own."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came of, says that there is no memory left."""
    while error is not None:
        if (
            isinstance(error, MemoryError)
            or type(error).__name__ == "OutOfMemoryError"  # torch's, of an accelerator
            or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
            or any(words in str(error) for words in _ALLOCATORS)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def printable(text: object) -> str:
    """The text with an escape sequence for each line break and control character."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(text)
    )


class TrainerError(Exception):
    """The root: str(error) is a complete sentence for the user.

    It is on one line and safe to print: a name of a file, or from one, may contain line breaks and
    escape sequences, which would forge log lines.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))


class ConfigError(TrainerError):
    """A hyperparameter is out of range."""


class ReviewsError(TrainerError):
    """Labelled reviews cannot be read, or there are too few of them."""


class EncoderError(TrainerError):
    """The pre-trained encoder cannot be loaded."""


class CheckpointError(TrainerError):
    """A checkpoint is missing, incomplete or altered."""


class YamlError(TrainerError):
    """A YAML file that people write, such as checks.yaml, is missing or malformed."""


class ComparisonError(TrainerError):
    """A comparison cannot be written, or some of its base models could not be trained."""


class Interrupted(TrainerError):  # noqa: N818  # not an error: somebody stopped it
    """A run was stopped; what it has saved is kept: finished runs of a comparison, or a state."""


class ProcessLost(Interrupted):
    """One of the processes that train together has ended, or cannot be reached."""
