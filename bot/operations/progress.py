"""Follows the trainer's reports (`trainer.events`) while its output grows."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from trainer.events import Failed, Judging, Note, Plan, Saved, Step, parse_event
from trainer.model.files import open_regular

MAX_SENTENCE_CHARACTERS = 2_000
"""In characters: the limit for a sentence of the trainer, which may quote a file."""

MAX_NOTES = 20

MAX_LINE_BYTES = 1_000_000
"""Far more than any event takes."""


@dataclass(slots=True)
class Progress:
    """The latest event of each kind; None if there was none yet."""

    plan: Plan | None = None
    step: Step | None = None
    judging: Judging | None = None
    notes: list[str] = field(default_factory=list)
    is_saved: bool = False
    """The candidate is on disk, complete."""
    error: str | None = None
    """The trainer's own sentence about why there is no candidate."""
    is_interrupted: bool = False
    """Whether a signal ended the trainer, and not an error."""


class ProgressFile:
    """The trainer's standard output, which may still be growing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.progress = Progress()

    def read(self) -> Progress:
        """Reads the new lines, and returns the current progress.

        A line that is not an event is ignored: a library of the trainer may have printed it.
        """
        with suppress(OSError), open_regular(self._path) as file:
            file.seek(self._offset)
            # One by one: all of a long run's lines together would take much memory.
            while line := file.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n") and len(line) < MAX_LINE_BYTES:
                    break  # it is still being written
                self._offset += len(line)
                self._take(line)
        return self.progress

    def _take(self, line: bytes) -> None:
        match parse_event(line):
            case Plan() as plan:
                self.progress.plan = plan
            case Step() as step:
                self.progress.step = step
            case Judging() as judging:
                self.progress.judging = judging
            case Note(message):
                self.progress.notes.append(message[:MAX_SENTENCE_CHARACTERS])
                del self.progress.notes[:-MAX_NOTES]
            case Saved():
                self.progress.is_saved = True
            case Failed(message, is_interrupted):
                self.progress.error = message[:MAX_SENTENCE_CHARACTERS]
                self.progress.is_interrupted = is_interrupted
