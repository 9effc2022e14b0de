"""The same recipe with transformers' `Trainer`, for comparison with the manual loop.

Here the steps of `trainer.training.loop` are hidden. Batches, optimiser, schedule and loss are the
same code; only the loop differs. Needs the package accelerate.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from trainer.config import Precision, Recipe
from trainer.events import Step
from trainer.training.loop import (
    Batch,
    Example,
    diverged,
    make_optimizer,
    make_schedule,
    mean_by_review,
    prepared,
    uses_bf16,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def train_by_trainer(
    model: "PreTrainedModel",
    batches: "DataLoader[Example]",
    recipe: Recipe,
    *,
    epochs: int,
    learning_rate: float,
    precision: Precision = Precision.AUTO,
    on_step: Callable[[Step], None],
) -> list[float]:
    """Takes, returns and raises the same as `trainer.training.loop.train`."""
    bf16 = uses_bf16(model.device, precision, recipe)
    total = epochs * len(batches)
    progress = _Progress(learning_rate, on_step)
    with prepared(model, recipe, bf16):
        optimizer = make_optimizer(model, recipe, learning_rate)
        trainer = _Trainer(
            _Batches(batches, progress),
            bf16,
            model=model,
            args=_arguments(epochs, total, recipe),
            optimizers=(optimizer, make_schedule(optimizer, recipe.warmup, total)),
            callbacks=[progress],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return progress.losses


def _arguments(epochs: int, total: int, recipe: Recipe) -> TrainingArguments:
    arguments = TrainingArguments(
        # It needs a folder that exists, though it saves and reports nothing there.
        output_dir=os.curdir,
        num_train_epochs=epochs,
        max_steps=total,
        max_grad_norm=recipe.clip or 0.0,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        logging_strategy="steps",
        logging_steps=1,
        # A NaN or infinite loss must be seen, not replaced by the mean of the earlier ones.
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
    )
    # It would split each batch across all GPUs and load as many batches at once; the manual loop
    # uses one.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class _Trainer(Trainer):
    """Uses our batches, and our loss over the windows of each review."""

    def __init__(self, batches: "_Batches", bf16: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self._batches = batches
        self._bf16 = bf16

    def get_train_dataloader(self) -> Any:
        """Ours."""
        return self._batches

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *_: Any, **__: Any) -> Any:
        """The cross-entropy of the mean logits of each review."""
        batch = Batch(**inputs)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._bf16):
            logits = model(batch.input_ids, attention_mask=batch.attention_mask).logits
        return cross_entropy(mean_by_review(logits.float(), batch.review), batch.targets)


class _Batches:
    """The batches as dictionaries, which is what the Trainer expects."""

    def __init__(self, batches: "DataLoader[Example]", progress: "_Progress") -> None:
        self._batches = batches
        self._progress = progress

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for batch in self._batches:
            self._progress.tokens += int(batch.attention_mask.sum())
            yield batch._asdict()


class _Progress(TrainerCallback):
    """Turns the Trainer's log of each step into events."""

    def __init__(self, learning_rate: float, on_step: Callable[[Step], None]) -> None:
        self.losses: list[float] = []
        self.tokens = 0
        self._learning_rate = learning_rate
        self._on_step = on_step
        self._started = 0.0

    def on_train_begin(self, *_: object, **__: object) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002  # handed in by position
        **kwargs: Any,
    ) -> None:
        """Reports the logged step; the final log of the whole run has no loss."""
        logs: dict[str, float] = kwargs["logs"]
        if "loss" not in logs:
            return
        self.losses.append(logs["loss"])
        if not math.isfinite(self.losses[-1]):
            raise diverged(self.losses, self._learning_rate)
        epochs = int(args.num_train_epochs)
        self._on_step(
            Step(
                number=state.global_step,
                total=state.max_steps,
                epoch=(state.global_step - 1) * epochs // state.max_steps + 1,
                loss=self.losses[-1],
                tokens=self.tokens,
                seconds=time.perf_counter() - self._started,
            )
        )
