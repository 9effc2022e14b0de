"""What the conversation, the operators and the figures need of an engine, wherever it judges.

`bot.engine.Engine` judges in this process, `bot.serving.remote.RemoteEngine` on Ray Serve.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.engine import Batch, TextClassifier
    from trainer.model.classifier import Verdict


class HasModel(Protocol):
    """Serves one model at a time."""

    def swap(self, classifier: "TextClassifier") -> None:
        """Uses `classifier` for later texts."""


class TextEngine(HasModel, Protocol):
    """Judges texts off the event loop."""

    on_verdict: "Callable[[str, Verdict], None] | None"
    """Called with each customer's text that was judged, not those in the background; must not
    block."""
    on_batch: "Callable[[Batch], None] | None"
    """Called with each batch that was judged in this process; must not block."""

    @property
    def swaps(self) -> int:
        """How often the model was replaced."""

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the texts that are being judged or waiting."""

    @property
    def waiting_texts(self) -> int:
        """Texts that are being judged or waiting."""

    @property
    def trouble(self) -> str | None:
        """Why texts may not be judged now, as a sentence; None: they are."""

    @property
    def checkpoint(self) -> str:
        """The name of the checkpoint that judges."""

    async def idle(self) -> None:
        """Returns as soon as no text is being judged or waits."""

    async def classify(self, text: str, *, background: bool = False) -> "Verdict":
        """The verdict on `text`.

        In the `background`, customers' texts overtake it. Raises BusyError: too much is waiting;
        UnansweredError: the model fails on this text.
        """
