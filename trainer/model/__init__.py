"""Serves a checkpoint, without torch at import: the only part of `trainer` that `bot` imports."""
