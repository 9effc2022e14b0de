"""Checkpoints on disk: whole or not there at all, verified, promoted, rolled back, listed.

    checkpoints/
      serving.json                which checkpoint answers, and which did before (newest last)
      2026-11-23-181500-starter/
        config.json               architecture, labels
        model.safetensors         weights
        kinds.safetensors         the layer that tells kinds of message apart
        model.onnx                the same network for ONNX Runtime, where the family is known
        tokenizer.json, …         tokenizer
        training.json             how it was made and how good it is
        training.png              loss curve and confusion matrix
        README.md                 model card
        checksums.sha256          SHA-256 of the files a prediction depends on, and training.json

This is the only module that knows those names. It imports no torch.
"""

import fcntl
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import CheckpointError as CheckpointError  # the bot takes it from here

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHECKPOINTS = Path("checkpoints")
"""Where checkpoints live, seen from the working directory."""

PICTURE_FILE = "training.png"
_TRAINING_FILE = "training.json"
_CARD_FILE = "README.md"
_TOKENIZER_FILE = "tokenizer.json"
_WEIGHTS_FILE = "model.safetensors"
_HEAD_FILE = "kinds.safetensors"
_GRAPH_FILE = "model.onnx"
_CHECKSUMS_FILE = "checksums.sha256"
_POINTER_FILE = "serving.json"
_PARTIAL_PREFIX = ".partial-"
# People may edit the card, and a picture decides nothing.
_NOT_CHECKED = {_CARD_FILE, PICTURE_FILE, _CHECKSUMS_FILE}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table of checkpoints."""

    name: str
    serving: bool
    training: dict[str, Any]
    """What its `training.json` says."""


@contextmanager
def new_checkpoint(path: Path) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path`, complete, when the block ends well.

    The folder stands beside `path`, so that the last move is one rename. If the block raises, or
    the process is killed, `path` does not come to exist; what a killed process left behind is
    removed by the next one.

    Raises:
        CheckpointError: `path` exists, or the disk does not take it.
    """
    refuse_existing(path)
    with _disk_errors_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL_PREFIX, dir=path.parent))
        try:
            with _locked(partial):
                yield partial
                _write_checksums(partial)
                partial.chmod(0o755)  # mkdtemp's 0700 would keep a bot under another user out
                for file in partial.iterdir():
                    _sync(file)
                _sync(partial)
                refuse_existing(path)
                partial.rename(path)
                _sync(path.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def dated_path(dataset: str, root: Path = CHECKPOINTS) -> Path:
    """A free place for a new checkpoint, named for the time and the data set."""
    stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{re.sub('[^A-Za-z0-9]+', '-', dataset).strip('-')}"
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(root / name for name in names if not (root / name).exists())


def write_report(folder: Path, training: dict[str, Any], card: str) -> None:
    """Writes `training.json` and the model card into a checkpoint in the making."""
    text = json.dumps(training, indent=2, ensure_ascii=False)
    (folder / _TRAINING_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / _CARD_FILE).write_text(card, encoding="utf-8")


def refuse_existing(path: Path) -> None:
    """Raises CheckpointError where something is at `path` already: nothing is overwritten."""
    if path.exists() or path.is_symlink():
        raise CheckpointError(
            f"{path} exists already and is left as it is. Choose another --output, or leave "
            f"--output out for a dated folder in {CHECKPOINTS}/."
        )


def verify(path: Path) -> None:
    """Checks every file of a checkpoint against its SHA-256.

    Raises:
        CheckpointError: it is missing or incomplete, or a file is not as it was written.
    """
    if not path.is_dir():
        raise CheckpointError(
            f"There is no checkpoint at {path}. Train one with: python -m trainer fit"
        )
    try:
        lines = (path / _CHECKSUMS_FILE).read_text(encoding="utf-8").splitlines()
        # The format of sha256sum(1): digest, two spaces, file name.
        digests = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except FileNotFoundError as error:
        raise CheckpointError(_foreign(path)) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(_damaged(path / _CHECKSUMS_FILE)) from error
    names = list(dict.fromkeys((_WEIGHTS_FILE, *digests)))
    # Each file once, the weights first, for they take longest: hashing lets go of the GIL, and the
    # others are done meanwhile.
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda name: _digest_or_none(path / name), names)
        for name, digest in zip(names, found, strict=True):
            if digest is None or digests.get(name) != digest:
                raise CheckpointError(_damaged(path / name))


def read_training(path: Path) -> dict[str, Any]:
    """What `training.json` of the checkpoint at `path` says.

    Raises:
        CheckpointError: it is missing or not what was written.
    """
    try:
        training = json.loads((path / _TRAINING_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(_damaged(path / _TRAINING_FILE)) from error
    if not isinstance(training, dict):
        raise CheckpointError(_damaged(path / _TRAINING_FILE))
    return training


def read_tokenizer(path: Path) -> "Tokenizer":
    """The tokenizer of the checkpoint at `path`."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(path / _TOKENIZER_FILE))


def graph_file(path: Path) -> Path:
    """Where the checkpoint at `path` has its exported graph, or would have it."""
    return path / _GRAPH_FILE


def head_file(path: Path) -> Path:
    """Where the checkpoint at `path` keeps the weights of the head for kinds."""
    return path / _HEAD_FILE


def read_size(path: Path) -> tuple[int, int]:
    """How large the weights of the checkpoint at `path` are: bytes on disk, and parameters."""
    from safetensors import safe_open

    file = path / _WEIGHTS_FILE
    with safe_open(file, framework="numpy") as weights:
        names = weights.keys()  # no dict: it cannot be iterated itself
        shapes = [weights.get_slice(name).get_shape() for name in names]
    return file.stat().st_size, sum(math.prod(shape) for shape in shapes)


def trained_on(training: dict[str, Any]) -> list[dict[str, Any]]:
    """The sets that a checkpoint was trained on, the main one first, each with its name and
    fingerprint; `training` is what `read_training` gave."""
    sets: list[dict[str, Any]] = training.get("datasets") or [training["dataset"]]
    return sets


def list_checkpoints(root: Path = CHECKPOINTS) -> list[Listed]:
    """All complete checkpoints, oldest first; weights are not read."""
    serving = _read_pointer(root)[-1:]
    listed = []
    for path in _folders(root):
        with suppress(CheckpointError):
            listed.append(Listed(path.name, path.name in serving, read_training(path)))
    return sorted(listed, key=lambda row: (str(row.training.get("created", "")), row.name))


def serving_checkpoint(root: Path = CHECKPOINTS) -> Path | None:
    """The checkpoint that answers; None if none was promoted yet.

    Raises:
        CheckpointError: the pointer cannot be read, or what it names is gone.
    """
    history = _read_pointer(root)
    if not history:
        return None
    path = root / history[-1]
    if not path.is_dir():
        raise CheckpointError(
            f"{root / _POINTER_FILE} names {history[-1]}, which is gone. Promote another: "
            f"python -m trainer checkpoints promote NAME"
        )
    return path


def promote(name: str, root: Path = CHECKPOINTS) -> Path:
    """Makes a checkpoint, once verified, the serving one; the one before is remembered.

    Raises:
        CheckpointError: there is none of that name, or it fails its checks; nothing changes.
    """
    path = root / name
    if path not in _folders(root):  # so that no name leads out of the folder
        known = ", ".join(row.name for row in list_checkpoints(root)) or "none yet"
        raise CheckpointError(f"There is no checkpoint called {name}. There are: {known}.")
    with _locked(root):
        verify(path)  # what was verified cannot be discarded before it serves
        history = _read_pointer(root)
        if history[-1:] != [name]:
            _write_pointer(root, [*history, name])
    return path


def promote_if_first(path: Path, root: Path = CHECKPOINTS) -> bool:
    """Promotes a new checkpoint where nothing serves yet; says whether it did."""
    if path.parent.resolve() != root.resolve() or _read_pointer(root):
        return False
    promote(path.name, root)
    return True


def rollback(root: Path = CHECKPOINTS) -> Path:
    """Makes the checkpoint that served before the present one the serving one again.

    Checkpoints that were deleted meanwhile are passed over.

    Raises:
        CheckpointError: there is none to go back to, or it fails its checks; nothing changes.
    """
    with _locked(root):
        earlier = _read_pointer(root)[:-1]
        while earlier and not (root / earlier[-1]).is_dir():
            earlier.pop()
        if not earlier:
            raise CheckpointError("There is no earlier checkpoint to go back to.")
        path = root / earlier[-1]
        verify(path)
        _write_pointer(root, earlier)
    return path


def discard(name: str, root: Path = CHECKPOINTS) -> None:
    """Deletes a checkpoint, complete or damaged: the whole of it goes in one rename.

    What a process that is killed meanwhile leaves behind, the next new checkpoint removes.

    Raises:
        CheckpointError: there is none of that name, it is the serving one, or the disk does not
            let go of it; nothing changes.
    """
    path = root / name
    if path.parent != root or path.name.startswith("."):  # so that no name leads out of the folder
        raise CheckpointError("That is not the name of a checkpoint.")
    try:
        with _locked(root):
            if _read_pointer(root)[-1:] == [path.name]:
                raise CheckpointError(f"{path.name} is the one that answers, so it stays.")
            if not (path / _CHECKSUMS_FILE).exists() and path.exists():
                raise CheckpointError(_foreign(path))
            # Over a folder that is empty, a rename is still one step.
            partial = Path(tempfile.mkdtemp(prefix=_PARTIAL_PREFIX, dir=root))
            try:
                path.rename(partial)
                _sync(root)  # else a machine that fails now could bring half of it back
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} is gone already.") from None
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be deleted: {error.strerror}.") from error


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in root.iterdir() if path.is_dir() and path.name[0] != "."]


def _read_pointer(root: Path) -> list[str]:
    """Names of the checkpoints that were promoted, the serving one last."""
    pointer = root / _POINTER_FILE
    try:
        content = json.loads(pointer.read_text(encoding="utf-8"))
        return [str(name) for name in (*content["earlier"], content["serving"])]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{pointer} cannot be understood. Delete it and promote a checkpoint: "
            f"python -m trainer checkpoints promote NAME"
        ) from error


def _write_pointer(root: Path, history: list[str]) -> None:
    content = {"serving": history[-1], "earlier": history[:-1]}
    with _disk_errors_named(root / _POINTER_FILE):
        temporary = root / f"{_PARTIAL_PREFIX}{_POINTER_FILE}"
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        _sync(temporary)
        temporary.replace(root / _POINTER_FILE)
        _sync(root)


def _write_checksums(folder: Path) -> None:
    names = sorted(file.name for file in folder.iterdir() if file.name not in _NOT_CHECKED)
    lines = [f"{_digest(folder / name)}  {name}\n" for name in names]
    (folder / _CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_or_none(file: Path) -> str | None:
    try:
        return _digest(file)
    except OSError:
        return None


def _foreign(path: Path) -> str:
    return f"{path} is not a checkpoint of this trainer: it has no {_CHECKSUMS_FILE}."


def _damaged(file: Path) -> str:
    return (
        f"{file} is missing, truncated or was changed since training. Restore it from a copy, or "
        f"serve another checkpoint: python -m trainer checkpoints"
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the folder's lock, which the kernel lets go of when the process ends, however."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no folder {folder}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_leftovers(root: Path) -> None:
    for leftover in root.glob(f"{_PARTIAL_PREFIX}*"):
        if not leftover.is_dir():
            continue
        descriptor = os.open(leftover, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(leftover, ignore_errors=True)
        except BlockingIOError:
            pass  # another process is writing it right now
        finally:
            os.close(descriptor)


@contextmanager
def _disk_errors_named(path: Path) -> Iterator[None]:
    # safetensors reports a full disk as an error of its own; only its text says what it was.
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or _reason(str(error))
        raise CheckpointError(
            f"{path} cannot be written: {reason}. Nothing was kept of it and everything else is "
            f"as it was. Make room, or choose another --output."
        ) from error


def _reason(message: str) -> str:
    found = re.search(r"(No space left on device|File too large|[Qq]uota exceeded)", message)
    return found[1] if found else "the weights could not be saved"
