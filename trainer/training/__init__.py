"""From reviews to a checkpoint: read `trainer.training.loop` first."""
