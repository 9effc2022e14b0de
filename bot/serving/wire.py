"""What the bot and a replica say to each other: JSON over HTTP, checked on both sides.

POST /  {"text": "…", "background": false}
200     {"checkpoint": "NAME", "verdict": {…}}, or {"checkpoint": "NAME", "unanswered": "…"}
429     the replica's queue is full
GET /   {"checkpoint": "NAME"}
"""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trainer.model.judgement import Verdict

BUSY = 429
"""The status of an answer that would be a BusyError in one process."""

MALFORMED = 400
"""The status of an answer to something that is no question."""

FAILED = 500
"""The status if a replica, or what is between, fails."""

_Kind = TypeVar("_Kind", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Message):
    """A text to judge."""

    text: str
    background: bool = False
    """Whether customers' texts overtake it."""


class Presence(_Message):
    """What a replica says of itself."""

    checkpoint: str
    """The name of the one that judges new texts."""


class Answer(_Message):
    """What became of a text."""

    checkpoint: str
    """The name of the one that judged it."""
    verdict: Verdict | None = None
    unanswered: str | None = None
    """Where the model failed on it; nothing of the text."""


class UnreadableError(Exception):
    """Not such a message. It has no text: pydantic's would quote the message."""


def read(kind: type[_Kind], content: bytes) -> _Kind:
    """The message in `content`. Raises UnreadableError."""
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        raise UnreadableError from None
