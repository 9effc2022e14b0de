"""Reviews in, checkpoint out: fine-tuning DistilBERT to tell praise from complaint.

    from trainer import TrainingConfig, fine_tune_model, predict_sentiment

The names are handed out lazily: importing the package, or `trainer.checkpoint` from the bot,
loads neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.classifier import Verdict, predict_sentiment
    from trainer.config import TrainingConfig
    from trainer.fit import FineTuned, fine_tune_model

__all__ = ["FineTuned", "TrainingConfig", "Verdict", "fine_tune_model", "predict_sentiment"]

_HOMES = {
    "FineTuned": "trainer.fit",
    "TrainingConfig": "trainer.config",
    "Verdict": "trainer.classifier",
    "fine_tune_model": "trainer.fit",
    "predict_sentiment": "trainer.classifier",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
