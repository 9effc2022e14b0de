"""The bot's own files: written whole, and for this user alone."""

import stat
from pathlib import Path

from trainer.model.files import write_whole

STATE = Path("state")
"""What the bot writes, seen from the working directory."""


def make_private_folder(folder: Path) -> None:
    """Makes a folder, and those around it, for this user alone; changes none that is there."""
    for each in (*reversed(folder.parents), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def write_state(path: Path, content: str) -> None:
    """Writes a file of the bot's state, whole or not at all; makes its folder if there is none.

    Raises OSError.
    """
    make_private_folder(path.parent)
    write_whole(path, content.encode())


def readable_by_others(*paths: Path) -> list[str]:
    """A sentence for each path that other users of this machine can read, with what to do."""
    sentences = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # it is not there
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            right = "700" if stat.S_ISDIR(mode) else "600"
            sentences.append(
                f"{path} can be read by other users of this machine: chmod {right} {path}"
            )
    return sentences
