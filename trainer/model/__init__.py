"""The half that serves a checkpoint, without torch at import: the only room that `bot` enters."""
