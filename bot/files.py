"""The bot's own files: written completely, and for this user alone."""

import stat
from pathlib import Path

from trainer.model.files import write_whole

STATE = Path("state")
"""The bot's files, relative to the working directory."""


def make_private_folder(folder: Path) -> None:
    """Creates a folder, and its parents, for this user alone; changes no existing one."""
    for each in (*reversed(folder.parents), folder):
        each.mkdir(mode=0o700, exist_ok=True)


def write_state(path: Path, content: str) -> None:
    """Writes a file of the bot's state, completely or not at all; creates its folder if needed.

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
            continue  # it does not exist
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            right = "700" if stat.S_ISDIR(mode) else "600"
            sentences.append(
                f"{path} can be read by other users of this machine: chmod {right} {path}"
            )
    return sentences
