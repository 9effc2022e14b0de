"""The sentences of checks.yaml, tried with a checkpoint, for the operator's own terminal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.errors import BrokenChecksError, ResponsesError
from trainer.errors import YamlError, printable
from trainer.events import BrokenCheck
from trainer.model.checks import Check, read_checks


def read(file: Path) -> list[Check]:
    """The sentences of `file`.

    Raises ResponsesError: the file, the line, what is wrong and what to do.
    """
    try:
        return read_checks(file)
    except YamlError as error:
        raise ResponsesError(str(error)) from None


def report(file: Path, checks: Sequence[Check], broken: Sequence[BrokenCheck]) -> Iterator[str]:
    """The lines to print, with the sentences that are broken."""
    texts = {check.number: check.text for check in checks}
    yield f"{file}: {len(checks) - len(broken)} of {len(checks)} sentences under test are kept."
    for each in broken:
        yield f"  {each}: {printable(texts[each.number])}"


def refuse(file: Path, broken: Sequence[BrokenCheck]) -> None:
    """Raises BrokenChecksError if any are broken; the error names only their numbers."""
    if broken:
        numbers = ", ".join(str(each.number) for each in broken)
        raise BrokenChecksError(
            f"The serving checkpoint breaks sentences of {file}: {numbers}. Correct what is "
            "wanted, or train another checkpoint"
        )
