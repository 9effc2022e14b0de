"""Checkpoints on disk: whole or not there at all, verified, promoted, rolled back, listed.

    checkpoints/
      serving.json                which checkpoint answers, and which did before (newest last)
      2026-11-23-181500-starter/
        config.json               architecture, labels
        model.safetensors         weights
        pooled_kinds.safetensors  the layers that tell kinds of message apart
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
import logging
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
from trainer.model.files import (
    PARTIAL_PREFIX,
    open_regular,
    read_regular,
    sync,
    sync_rename,
    write_whole,
)
from trainer.model.record import RecordError, TrainingRecord

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

CHECKPOINTS = Path("checkpoints")
"""Where checkpoints live, seen from the working directory."""

PICTURE_FILE = "training.png"
_TRAINING_FILE = "training.json"
_CONFIG_FILE = "config.json"
_CARD_FILE = "README.md"
_TOKENIZER_FILE = "tokenizer.json"
_WEIGHTS_FILE = "model.safetensors"
_HEAD_FILE = "pooled_kinds.safetensors"
_GRAPH_FILE = "model.onnx"
_CHECKSUMS_FILE = "checksums.sha256"
_POINTER_FILE = "serving.json"
_MOST_POINTER_BYTES = 1_048_576
_MOST_TEXT_BYTES = 67_108_864
"""Of a record, which has a loss for each step, or another file of text beside it."""
_MOST_NAME_BYTES = 255
"""As many as a file system takes."""
# What carries this prefix was made here, and is deleted when its process is gone.
_REQUIRED = (_WEIGHTS_FILE, _CONFIG_FILE, _TOKENIZER_FILE, _TRAINING_FILE)
# People may edit the card, and a picture decides nothing.
_NOT_CHECKED = {_CARD_FILE, PICTURE_FILE, _CHECKSUMS_FILE}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the table of checkpoints."""

    name: str
    serving: bool
    training: TrainingRecord


@contextmanager
def new_checkpoint(path: Path) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path`, complete, when the block ends well.

    The folder stands beside `path`, so that the last move is one rename, and a disk that takes no
    files shows before the block runs. If the block raises, or the process is killed, `path` does
    not come to exist; what a killed process left behind is removed by the next one.

    Raises:
        CheckpointError: `path` exists, or the disk does not take it.
    """
    refuse_existing(path)
    with _disk_errors_named(path), _made(path.parent):
        _remove_leftovers(path.parent)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=path.parent))
        try:
            with _locked(partial):
                yield partial
                _write_checksums(partial)
                _set_modes(partial)
                for file in partial.iterdir():
                    sync(file)
                sync(partial)
                refuse_existing(path)
                partial.rename(path)
                sync_rename(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def require_space(folder: Path, size: int) -> None:
    """Raises CheckpointError where the disk of `folder` has under `size` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise CheckpointError(
            f"The disk of {folder.parent} has {free / 1e6:,.0f} MB left, and a checkpoint of this "
            f"base model may take {size / 1e6:,.0f} MB. Make room, or choose another --output."
        )


def dated_path(dataset: str, root: Path = CHECKPOINTS) -> Path:
    """A free place for a new checkpoint, named for the time and the data set."""
    stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{re.sub('[^A-Za-z0-9]+', '-', dataset).strip('-')}"
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(root / name for name in names if not (root / name).exists())


def write_report(folder: Path, training: TrainingRecord, card: str) -> None:
    """Writes `training.json` and the model card into a checkpoint in the making."""
    (folder / _TRAINING_FILE).write_text(training.to_json(), encoding="utf-8")
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

    A file without a checksum is refused as well, for it would be read: another model's graph, say.

    Raises:
        CheckpointError: it is missing or incomplete, a file is not as it was written, or it names
            Python code of its own.
    """
    try:
        _verify(path)
    except OSError as error:
        raise CheckpointError(_unreadable(path, error)) from error


def _verify(path: Path) -> None:
    if not path.is_dir():
        raise CheckpointError(
            f"There is no checkpoint at {path}. Train one with: python -m trainer fit"
        )
    digests = _read_checksums(path)
    names = list(dict.fromkeys((*_REQUIRED, *digests)))
    # Each file once, the weights first, for they take longest: hashing lets go of the GIL, and the
    # others are done meanwhile.
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda name: _digest_or_error(path / name), names)
        for name, digest in zip(names, found, strict=True):
            if isinstance(digest, OSError):
                raise CheckpointError(_unreadable(path / name, digest)) from digest
            if name not in digests:
                raise CheckpointError(_unlisted(path / name))
            if digests[name] != digest:
                raise CheckpointError(_damaged(path / name))
    for name in _loadable(path):
        if name not in digests:
            raise CheckpointError(_unlisted(path / name))
    _refuse_code(path)


def read_training(path: Path) -> TrainingRecord:
    """What `training.json` of the checkpoint at `path` says.

    Raises:
        CheckpointError: it is missing, is not what was written, or is of another version.
    """
    file = path / _TRAINING_FILE
    try:
        return TrainingRecord.from_json(_read_text(file))
    except OSError as error:
        raise CheckpointError(_unreadable(file, error)) from error
    except UnicodeDecodeError as error:
        raise CheckpointError(_damaged(file)) from error
    except RecordError as error:
        raise CheckpointError(f"{path.name}: its {_TRAINING_FILE} {error}") from error


def require_positions(path: Path, length: int) -> None:
    """Raises CheckpointError where the encoder at `path` reads fewer than `length` tokens at once.

    A record that was changed would else fail at the first long review.
    """
    config = _read_object(path / _CONFIG_FILE)
    most = config.get("max_position_embeddings", config.get("n_positions"))
    if isinstance(most, int) and length > most:
        raise CheckpointError(
            f"{path.name}: its {_TRAINING_FILE} asks for {length:,} tokens at once, but "
            f"its encoder has positions for {most:,}. Restore {_TRAINING_FILE} from a copy, or "
            f"serve another checkpoint: python -m trainer checkpoints"
        )


def read_tokenizer(path: Path) -> "Tokenizer":
    """The tokenizer of the checkpoint at `path`.

    Raises:
        CheckpointError: its file is not one of a tokenizer.
    """
    from tokenizers import Tokenizer

    with unusable_named(path / _TOKENIZER_FILE):
        return Tokenizer.from_file(str(path / _TOKENIZER_FILE))


@contextmanager
def unusable_named(file: Path) -> Iterator[None]:
    """Raises CheckpointError for whatever a library raises that cannot use this file."""
    try:
        yield
    except CheckpointError:
        raise
    except BaseException as error:
        # A panic of Rust, in tokenizers or safetensors, is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(
            f"{file} is as it was written, but cannot be used ({type(error).__name__}). Serve "
            f"another checkpoint: python -m trainer checkpoints"
        ) from error


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


def list_checkpoints(root: Path = CHECKPOINTS) -> list[Listed]:
    """All checkpoints whose record can be read, oldest first; weights are not read."""
    serving = _read_pointer(root)[-1:]
    listed = []
    for path in _folders(root):
        with suppress(CheckpointError):
            listed.append(Listed(path.name, path.name in serving, read_training(path)))
    return sorted(listed, key=lambda row: (row.training.created, row.name))


def unreadable_checkpoints(root: Path = CHECKPOINTS) -> list[str]:
    """A sentence on each checkpoint that `list_checkpoints` leaves out."""
    problems = []
    for path in sorted(_folders(root)):
        if (path / _CHECKSUMS_FILE).exists():
            try:
                read_training(path)
            except CheckpointError as error:
                problems.append(str(error))
    return problems


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
    path = _by_own_name(path)
    with _locked(root):
        _promote(path)
    return path


def promote_if_first(path: Path, root: Path = CHECKPOINTS) -> bool:
    """Promotes a new checkpoint where nothing serves yet; says whether it did."""
    if path.parent.resolve() != root.resolve():
        return False
    with _locked(root):
        if _read_pointer(root):
            return False
        _promote(root / path.name)
    return True


def _promote(path: Path) -> None:
    """Call it under the lock: what was verified cannot be discarded before it serves."""
    verify(path)
    history = _read_pointer(path.parent)
    if history[-1:] != [path.name]:  # the folder's own name, however it was typed
        _write_pointer(path.parent, [*history, path.name])


def earlier_checkpoint(root: Path = CHECKPOINTS) -> Path:
    """The checkpoint that a rollback goes back to; those deleted meanwhile are passed over.

    Raises:
        CheckpointError: there is none.
    """
    return root / _earlier(root)[-1]


def rollback(root: Path = CHECKPOINTS, expected: Path | None = None) -> Path:
    """Makes the checkpoint that served before the present one the serving one again.

    `expected` is the one that the caller has loaded and means to go back to.

    Raises:
        CheckpointError: there is none to go back to, it fails its checks, or it is not the
            `expected` one any more; nothing changes.
    """
    with _locked(root):
        earlier = _earlier(root)
        path = root / earlier[-1]
        if expected is not None and path != expected:
            raise CheckpointError(
                f"Another process has changed the serving checkpoint meanwhile: a rollback goes "
                f"to {path.name} now, no longer to {expected.name}. Try again."
            )
        verify(path)
        _write_pointer(root, earlier)
    return path


def _earlier(root: Path) -> list[str]:
    """The history without the present checkpoint; the one to go back to is the last."""
    earlier = _read_pointer(root)[:-1]
    while earlier and not (root / earlier[-1]).is_dir():
        earlier.pop()
    if not earlier:
        raise CheckpointError("There is no earlier checkpoint to go back to.")
    return earlier


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
            # A link to it counts as well, and so does what a link that serves leads to.
            serving = [_by_own_name(root / name) for name in _read_pointer(root)[-1:]]
            if _by_own_name(path) in serving:
                raise CheckpointError(f"{path.name} is the one that answers, so it stays.")
            if not (path / _CHECKSUMS_FILE).exists() and path.exists():
                raise CheckpointError(_foreign(path))
            # Over a folder that is empty, a rename is still one step.
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=root))
            try:
                path.rename(partial)
                # Else a machine that fails now could bring half of it back.
                sync_rename(path)
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


def _by_own_name(path: Path) -> Path:
    """The path without a link that stands for another checkpoint of the same folder."""
    root, real = os.path.realpath(path.parent), Path(os.path.realpath(path))
    return path.parent / real.name if str(real.parent) == root else path


def _read_pointer(root: Path) -> list[str]:
    """Names of the checkpoints that were promoted, the serving one last."""
    pointer = root / _POINTER_FILE
    try:
        content = json.loads(read_regular(pointer, _MOST_POINTER_BYTES))
        return [_name(name) for name in (*content["earlier"], content["serving"])]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(_unreadable(pointer, error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{pointer} cannot be understood. Delete it and promote a checkpoint: "
            f"python -m trainer checkpoints promote NAME"
        ) from error


def _name(written: object) -> str:
    """The name of a checkpoint or of a file in one, as it was written down.

    Raises ValueError where it leads out of the folder, or cannot be a name.
    """
    path = Path(str(written))
    is_file_name = path.name.isprintable() and len(os.fsencode(path.name)) <= _MOST_NAME_BYTES
    if len(path.parts) != 1 or path.is_absolute() or path.name.startswith(".") or not is_file_name:
        raise ValueError("not the name of a checkpoint")
    return path.name


def _write_pointer(root: Path, history: list[str]) -> None:
    content = {"serving": history[-1], "earlier": history[:-1]}
    try:
        write_whole(root / _POINTER_FILE, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise CheckpointError(
            f"{root / _POINTER_FILE} cannot be written: {error.strerror}. The checkpoint that "
            f"served before goes on serving."
        ) from error


def _write_checksums(folder: Path) -> None:
    lines = [f"{_digest(folder / name)}  {name}\n" for name in _loadable(folder)]
    (folder / _CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8")


def _loadable(folder: Path) -> list[str]:
    """The files that something may read when the checkpoint is loaded, sorted by name."""
    return sorted(
        file.name
        for file in folder.iterdir()
        if file.name not in _NOT_CHECKED and not file.name.startswith(".") and not file.is_dir()
    )


def _read_checksums(path: Path) -> dict[str, str]:
    """The SHA-256 of each file that is listed, by its name."""
    file = path / _CHECKSUMS_FILE
    try:
        # The format of sha256sum(1): digest, two spaces, file name.
        pairs = [line.split("  ", 1) for line in _read_text(file).splitlines()]
        return {_name(name): digest for digest, name in pairs}
    except FileNotFoundError as error:
        raise CheckpointError(_foreign(path)) from error
    except OSError as error:
        raise CheckpointError(_unreadable(file, error)) from error
    except ValueError as error:
        raise CheckpointError(_damaged(file)) from error


def _refuse_code(path: Path) -> None:
    """No checkpoint of this trainer has Python code of its own, which transformers would run."""
    if "auto_map" in _read_object(path / _CONFIG_FILE):
        raise CheckpointError(
            f"{path / _CONFIG_FILE} names Python code of its own (auto_map), which no checkpoint "
            f"of this trainer does and which is never run. Serve another checkpoint: "
            f"python -m trainer checkpoints"
        )


def _read_text(file: Path) -> str:
    return read_regular(file, _MOST_TEXT_BYTES).decode()


def _read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint; raises CheckpointError."""
    try:
        content = json.loads(_read_text(file))
    except OSError as error:
        raise CheckpointError(_unreadable(file, error)) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(_damaged(file)) from error
    if not isinstance(content, dict):
        raise CheckpointError(_damaged(file))
    return content


def _digest(file: Path) -> str:
    with open_regular(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest_or_error(file: Path) -> str | OSError:
    try:
        return _digest(file)
    except OSError as error:
        return error


def _foreign(path: Path) -> str:
    return f"{path} is not a checkpoint of this trainer: it has no {_CHECKSUMS_FILE}."


def _unlisted(file: Path) -> str:
    return (
        f"{file} has no checksum in {_CHECKSUMS_FILE}, so it was not saved with the checkpoint or "
        f"the list was cut. Delete the file if you have put it there, or restore the checkpoint "
        f"from a copy."
    )


def _unreadable(file: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _damaged(file)
    advice = ""
    if isinstance(error, PermissionError):
        advice = f" Let the user who runs this read it: chmod -R a+rX {file.parent}"
    return f"{file} cannot be read: {error.strerror}.{advice}"


def _damaged(file: Path) -> str:
    return (
        f"{file} is missing, truncated or was changed since training. Restore it from a copy, or "
        f"serve another checkpoint: python -m trainer checkpoints"
    )


def _set_modes(folder: Path) -> None:
    """Lets others read the folder as far as the umask does.

    safetensors and `mkdtemp` keep to 0600 and 0700, which would keep a bot under another user out.
    """
    # Written in the plain way, so the umask shows in its mode; to ask for it would change it.
    mode = (folder / _CHECKSUMS_FILE).stat().st_mode & 0o666
    for file in folder.iterdir():
        file.chmod(mode)
    folder.chmod(mode | (mode & 0o444) >> 2)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Makes a folder; removes it again where it is empty in the end."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # it is not empty
            for each in missing:
                each.rmdir()


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
    for leftover in root.glob(f"{PARTIAL_PREFIX}*"):
        if leftover.is_symlink() or not leftover.is_dir():
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
            f"as it was. Make room or allow writing there, or choose another --output."
        ) from error


def _reason(message: str) -> str:
    found = re.search(r"(No space left on device|File too large|[Qq]uota exceeded)", message)
    return found[1] if found else "the weights could not be saved"
