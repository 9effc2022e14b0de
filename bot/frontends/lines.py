"""Reviews from a file or a pipe, one per line; answers as JSON objects for other programs."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from bot.conversation.concierge import Concierge
from bot.conversation.reply import Reply
from bot.errors import InputError

STDIN = 0
CHUNK_BYTES = 65_536
MAX_LINE_BYTES = 1_048_576
BATCH_LINES = 256
"""Lines that are answered together. Of one chunk, so never too many for the engine's queue."""
WEIGHT_DECIMALS = 4


async def classify(concierge: Concierge, file: Path | None, *, explain: bool = False) -> None:
    """Prints one JSON object for each line of `file`, or of standard input, in order.

    With `explain`, each also has the words of the review and their weights.

    Raises InputError: the file and line that cannot be read, and why.
    """
    if file is None and os.isatty(STDIN):
        print("Type one review a line; Ctrl-D ends.", file=sys.stderr)
    async for lines in read_lines(file):
        replies = await asyncio.gather(*map(concierge.answer, lines))
        if not explain:
            if not write_lines(map(_as_json, replies)):
                return
            continue
        for line, reply in zip(lines, replies, strict=True):
            explanation = await _explanation(concierge, line, reply)
            if not write_lines([_as_json(reply, explanation=explanation)]):
                return


async def read_lines(file: Path | None = None) -> AsyncIterator[list[str]]:
    """Batches of the lines available so far: bounded, and never waiting for more.

    So a huge file takes little memory, and a program at the other end of a pipe may wait for each
    answer before it writes the next review. None reads standard input. Raises InputError.
    """
    name = str(file) if file else "standard input"
    number = 0
    rest = b""
    try:
        with _opened(file) as descriptor:
            while chunk := await _read(descriptor):
                *lines, rest = (rest + chunk).split(b"\n")
                for batch in _batches(name, number, lines):
                    yield batch
                number += len(lines)
                if len(rest) > MAX_LINE_BYTES:
                    raise InputError(f"{name}, line {number + 1}: longer than 1 MiB; is it text?")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    if rest:
        for batch in _batches(name, number, [rest]):
            yield batch


def write_lines(lines: Iterable[str]) -> bool:
    """Prints as UTF-8 and flushes; False when the reader has gone (`| head`)."""
    try:
        sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Otherwise Python's remaining buffer would raise again when the interpreter closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _batches(name: str, before: int, lines: list[bytes]) -> Iterator[list[str]]:
    """The lines as text; if one is not UTF-8, those before it, and then InputError."""
    batch: list[str] = []
    for number, line in enumerate(lines, before + 1):
        try:
            batch.append(line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r"))
        except UnicodeDecodeError:
            yield batch
            problem = "not UTF-8 text; save it as UTF-8 and try again"
            raise InputError(f"{name}, line {number}: {problem}") from None
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    yield batch


@contextmanager
def _opened(file: Path | None) -> Iterator[int]:
    """A descriptor, unbuffered: a buffer would wait until it is full."""
    if file is None:
        yield STDIN
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _read(descriptor: int) -> bytes:
    """os.read off the event loop; b"" at the end of the file.

    On a daemon thread, because Ctrl-C would have to wait for an executor's: asyncio joins those,
    and a read from a terminal may never return.
    """
    result: Future[bytes] = Future()

    def read() -> None:
        try:
            result.set_result(os.read(descriptor, CHUNK_BYTES))
        except OSError as error:
            result.set_exception(error)

    result.set_running_or_notify_cancel()
    threading.Thread(target=read, daemon=True).start()
    return await asyncio.wrap_future(result)


async def _explanation(
    concierge: Concierge, line: str, reply: Reply
) -> list[dict[str, str | float]] | None:
    """The words and their weights, in reading order; None if there is no verdict to explain."""
    explained = await concierge.explain(line) if reply.is_judgement else reply
    if isinstance(explained, Reply):
        return None
    return [
        {"text": part.text, "weight": round(part.weight, WEIGHT_DECIMALS)}
        for part in explained.parts
    ]


def _as_json(reply: Reply, **more: object) -> str:
    """One line, with escapes for characters that control a terminal or change text direction."""
    verdict = reply.verdict
    line = json.dumps(
        {
            "label": verdict and verdict.label,
            "confidence": verdict and verdict.confidence,
            "probabilities": verdict and verdict.probabilities,
            "kind": reply.kind,
            "reply": reply.text,
            **more,
        },
        ensure_ascii=False,
    )
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)
