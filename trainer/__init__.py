"""Reviews in, checkpoint out: fine-tuning DistilBERT to tell praise from complaint.

    from trainer import TrainingConfig, fine_tune_model, predict_sentiment

Names are imported lazily: importing the package, or `trainer.model.checkpoint` from the bot,
loads neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.config import TrainingConfig
    from trainer.model.classifier import Verdict, predict_sentiment
    from trainer.training.fit import FineTuned, fine_tune_model

__version__ = "0.2.0"
"""The version of both packages; the wheel takes it from here."""

__all__ = [
    "FineTuned",
    "TrainingConfig",
    "Verdict",
    "__version__",
    "fine_tune_model",
    "predict_sentiment",
]

_HOMES = {
    "FineTuned": "trainer.training.fit",
    "TrainingConfig": "trainer.config",
    "Verdict": "trainer.model.classifier",
    "fine_tune_model": "trainer.training.fit",
    "predict_sentiment": "trainer.model.classifier",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
