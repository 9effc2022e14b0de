"""From reviews to a checkpoint: `trainer.training.loop` is the page to read first."""
