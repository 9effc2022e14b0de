"""Checkpoints on disk: complete or absent, verified, promoted, rolled back, listed.

    checkpoints/
      serving.json                the serving checkpoint and the earlier ones (newest last)
      2026-11-23-181500-starter/
        config.json               architecture, labels
        model.safetensors         weights
        pooled_kinds.safetensors  the head that recognises kinds of message
        kind_words.safetensors    what words say of the kind
        model.onnx                the same network for ONNX Runtime, if its family is supported
        tokenizer.json, …         tokenizer
        training.json             how it was made and how good it is
        training.png              loss curve and confusion matrix
        README.md                 model card
        checksums.sha256          SHA-256 of the files a prediction depends on, and training.json

This is the only module that knows those names. It imports no torch.
"""

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
    disk_problem,
    open_regular,
    read_regular,
    sync,
    sync_rename,
    write_whole,
)
from trainer.model.record import RecordError, TrainingRecord
from trainer.model.unfinished import (
    Unfinished,
    choose,
    find_unfinished,
    locked,
    refuse_unfinished,
    reopened,
    scratch_folder,
    state_file,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

CHECKPOINTS = Path("checkpoints")
"""The folder of checkpoints, relative to the working directory."""

PICTURE_FILE = "training.png"
_TRAINING_FILE = "training.json"
_CONFIG_FILE = "config.json"
_CARD_FILE = "README.md"
_TOKENIZER_FILE = "tokenizer.json"
_WEIGHTS_FILE = "model.safetensors"
_HEAD_FILE = "pooled_kinds.safetensors"
_WORDS_FILE = "kind_words.safetensors"
_GRAPH_FILE = "model.onnx"
_CHECKSUMS_FILE = "checksums.sha256"
_POINTER_FILE = "serving.json"
_MAX_POINTER_BYTES = 1_048_576
_MAX_TEXT_BYTES = 67_108_864
"""For a record, which has a loss for each step, or another text file of a checkpoint."""
_MAX_NAME_BYTES = 255
"""The limit of common file systems."""
_REQUIRED = (_WEIGHTS_FILE, _CONFIG_FILE, _TOKENIZER_FILE, _TRAINING_FILE)
# People may edit the card, and the picture affects nothing.
_NOT_CHECKED = {_CARD_FILE, PICTURE_FILE, _CHECKSUMS_FILE, state_file(Path()).name}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the list of checkpoints."""

    name: str
    serving: bool
    training: TrainingRecord


@contextmanager
def new_checkpoint(path: Path, unfinished: Unfinished | None = None) -> Iterator[Path]:
    """Yields a temporary folder that becomes `path`, complete, when the block succeeds.

    The folder is next to `path`, so that the last step is one rename, and a disk that cannot be
    written fails before the block runs. If the block raises, or the process is killed, `path` is
    not created; the next process removes what a killed one left behind, except a state from which
    it may continue: then `unfinished` is that run.

    Raises:
        CheckpointError: `path` exists, or cannot be written.
    """
    refuse_existing(path)
    with (
        _translate_disk_errors(path),
        scratch_folder(path.parent) if unfinished is None else reopened(unfinished) as partial,
    ):
        yield partial
        _write_checksums(partial)
        _set_modes(partial)
        for file in partial.iterdir():
            sync(file)
        sync(partial)
        refuse_existing(path)
        state_file(partial).unlink(missing_ok=True)
        partial.rename(path)
        sync_rename(path)


def prepare_output(output: Path | None, resume: bool) -> Unfinished | None:
    """The run to continue, if `resume`; otherwise None.

    Raises:
        CheckpointError: `output` exists or is unfinished, or there is no single run to continue.
    """
    if resume:
        return choose(output, CHECKPOINTS)
    if output is not None:
        refuse_existing(output)
        with _translate_disk_errors(output):
            refuse_unfinished(output)
    return None


def require_space(folder: Path, size: int) -> None:
    """Raises CheckpointError if the disk of `folder` has less than `size` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise CheckpointError(
            f"The disk of {folder.parent} has {free / 1e6:,.0f} MB left, and a checkpoint of this "
            f"base model may take {size / 1e6:,.0f} MB. Free space, or choose another --output."
        )


def dated_path(dataset: str, root: Path = CHECKPOINTS) -> Path:
    """A free path for a new checkpoint, named after the time and the data set."""
    stem = f"{datetime.now():%Y-%m-%d-%H%M%S}-{re.sub('[^A-Za-z0-9]+', '-', dataset).strip('-')}"
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(root / name for name in names if not (root / name).exists())


def write_report(folder: Path, training: TrainingRecord, card: str) -> None:
    """Writes `training.json` and the model card into an unfinished checkpoint."""
    (folder / _TRAINING_FILE).write_text(training.to_json(), encoding="utf-8")
    (folder / _CARD_FILE).write_text(card, encoding="utf-8")


def refuse_existing(path: Path) -> None:
    """Raises CheckpointError if `path` exists: nothing is overwritten."""
    with _translate_disk_errors(path):
        is_there = path.exists() or path.is_symlink()
    if is_there:
        raise CheckpointError(
            f"{path} exists already and is not changed. Choose another --output, or omit "
            f"--output for a dated folder in {CHECKPOINTS}/."
        )


def verify(path: Path) -> None:
    """Checks every file of a checkpoint against its SHA-256.

    A file without a checksum is refused too: it could be another model's graph, for example.

    Raises:
        CheckpointError: it is missing or incomplete, a file was changed, or it names Python code of
        its own.
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
    # Each file once, the weights first because they take longest: hashing releases the GIL, so the
    # others are checked meanwhile.
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
    """Reads `training.json` of the checkpoint at `path`.

    Raises:
        CheckpointError: it is missing, was changed, or is of another version.
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
        CheckpointError: the file does not hold a tokenizer.
    """
    from tokenizers import Tokenizer

    with translate_load_errors(path / _TOKENIZER_FILE):
        return Tokenizer.from_file(str(path / _TOKENIZER_FILE))


@contextmanager
def translate_load_errors(file: Path) -> Iterator[None]:
    """Raises CheckpointError for any error of a library that reads this file."""
    try:
        yield
    except CheckpointError:
        raise
    except BaseException as error:
        # A Rust panic, in tokenizers or safetensors, is not an Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(
            f"{file} is unchanged, but cannot be used ({type(error).__name__}). Serve "
            f"another checkpoint: python -m trainer checkpoints"
        ) from error


def graph_file(path: Path) -> Path:
    """The path of the exported graph of the checkpoint at `path`, whether it exists or not."""
    return path / _GRAPH_FILE


def head_file(path: Path) -> Path:
    """The path of the weights of the head for kinds, of the checkpoint at `path`."""
    return path / _HEAD_FILE


def words_file(path: Path) -> Path:
    """The path of what words say of the kind, which checkpoints of earlier versions lack."""
    return path / _WORDS_FILE


def read_size(path: Path) -> tuple[int, int]:
    """The size of the weights of the checkpoint at `path`: bytes on disk, and parameters."""
    from safetensors import safe_open

    file = path / _WEIGHTS_FILE
    with safe_open(file, framework="numpy") as weights:
        names = weights.keys()  # not a dict: it cannot be iterated directly
        shapes = [weights.get_slice(name).get_shape() for name in names]
    return file.stat().st_size, sum(math.prod(shape) for shape in shapes)


def list_checkpoints(root: Path = CHECKPOINTS) -> list[Listed]:
    """All checkpoints with a readable record, oldest first; weights are not read."""
    serving = _read_pointer(root)[-1:]
    listed = []
    for path in _folders(root):
        with suppress(CheckpointError):
            listed.append(Listed(path.name, path.name in serving, read_training(path)))
    return sorted(listed, key=lambda row: (row.training.created, row.name))


def unreadable_checkpoints(root: Path = CHECKPOINTS) -> list[str]:
    """A sentence for each checkpoint that `list_checkpoints` skips."""
    problems = []
    for path in sorted(_folders(root)):
        if (path / _CHECKSUMS_FILE).exists():
            try:
                read_training(path)
            except CheckpointError as error:
                problems.append(str(error))
    return problems


def serving_checkpoint(root: Path = CHECKPOINTS) -> Path | None:
    """The serving checkpoint; None if none was promoted yet.

    Raises:
        CheckpointError: the pointer cannot be read, or its checkpoint is gone.
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
    """Verifies a checkpoint and makes it the serving one; the previous one is remembered.

    Raises:
        CheckpointError: there is no such checkpoint, or its verification fails; nothing changes.
    """
    path = root / name
    if path not in _folders(root):  # so that no name leads out of the folder
        known = ", ".join(row.name for row in list_checkpoints(root)) or "none yet"
        raise CheckpointError(f"There is no checkpoint called {name}. There are: {known}.")
    path = _by_own_name(path)
    with locked(root):
        _promote(path)
    return path


def promote_if_first(path: Path, root: Path = CHECKPOINTS) -> bool:
    """Promotes a new checkpoint if there is no serving one; returns whether it did."""
    if path.parent.resolve() != root.resolve():
        return False
    with locked(root):
        if _read_pointer(root):
            return False
        _promote(root / path.name)
    return True


def _promote(path: Path) -> None:
    """Must be called under the lock: a verified checkpoint cannot be deleted before it serves."""
    verify(path)
    history = _read_pointer(path.parent)
    if history[-1:] != [path.name]:  # the folder's own name, however it was typed
        _write_pointer(path.parent, [*history, path.name])


def earlier_checkpoint(root: Path = CHECKPOINTS) -> Path:
    """The checkpoint that a rollback returns to; deleted ones are skipped.

    Raises:
        CheckpointError: there is none.
    """
    return root / _earlier(root)[-1]


def rollback(root: Path = CHECKPOINTS, expected: Path | None = None) -> Path:
    """Makes the previous serving checkpoint the serving one again.

    `expected` is the one that the caller has loaded for this.

    Raises:
        CheckpointError: there is no previous one, its verification fails, or it is no longer the
        `expected` one; nothing changes.
    """
    with locked(root):
        earlier = _earlier(root)
        path = root / earlier[-1]
        if expected is not None and path != expected:
            raise CheckpointError(
                f"Another process has changed the serving checkpoint: a rollback now returns "
                f"to {path.name}, not to {expected.name}. Try again."
            )
        verify(path)
        _write_pointer(root, earlier)
    return path


def _earlier(root: Path) -> list[str]:
    """The history without the serving checkpoint; the last one is the one to return to."""
    earlier = _read_pointer(root)[:-1]
    while earlier and not (root / earlier[-1]).is_dir():
        earlier.pop()
    if not earlier:
        raise CheckpointError("There is no earlier checkpoint to go back to.")
    return earlier


def discard(name: str, root: Path = CHECKPOINTS) -> None:
    """Deletes a checkpoint, complete or damaged: all of it disappears in one rename.

    If the process is killed meanwhile, the next new checkpoint removes what is left.

    Raises:
        CheckpointError: there is no such checkpoint, it is the serving one, or the disk refuses;
        nothing changes.
    """
    path = root / name
    if path.parent != root or path.name.startswith("."):  # so that no name leads out of the folder
        raise CheckpointError("That is not the name of a checkpoint.")
    try:
        with locked(root):
            # A link to it counts as well, and so does what a link that serves leads to.
            serving = [_by_own_name(root / name) for name in _read_pointer(root)[-1:]]
            if _by_own_name(path) in serving:
                raise CheckpointError(f"{path.name} is serving and cannot be deleted.")
            if not (path / _CHECKSUMS_FILE).exists() and path.exists():
                raise CheckpointError(_not_a_checkpoint(path))
            # Over an empty folder, a rename is still one step.
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=root))
            try:
                path.rename(partial)
                # Otherwise a power failure now could bring half of it back.
                sync_rename(path)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} is already deleted.") from None
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
    """Names of the promoted checkpoints, the serving one last."""
    pointer = root / _POINTER_FILE
    try:
        content = json.loads(read_regular(pointer, _MAX_POINTER_BYTES))
        return [_name(name) for name in (*content["earlier"], content["serving"])]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(_unreadable(pointer, error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{pointer} cannot be parsed. Delete it and promote a checkpoint: "
            f"python -m trainer checkpoints promote NAME"
        ) from error


def _name(written: object) -> str:
    """Checks the name of a checkpoint, or of a file in one, that was read from a file.

    Raises ValueError if it leads out of the folder, or cannot be a name.
    """
    path = Path(str(written))
    is_file_name = path.name.isprintable() and len(os.fsencode(path.name)) <= _MAX_NAME_BYTES
    if len(path.parts) != 1 or path.is_absolute() or path.name.startswith(".") or not is_file_name:
        raise ValueError("not the name of a checkpoint")
    return path.name


def _write_pointer(root: Path, history: list[str]) -> None:
    content = {"serving": history[-1], "earlier": history[:-1]}
    try:
        write_whole(root / _POINTER_FILE, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise CheckpointError(
            f"{root / _POINTER_FILE} cannot be written: {error.strerror}. The serving checkpoint "
            f"is unchanged."
        ) from error


def _write_checksums(folder: Path) -> None:
    lines = [f"{_digest(folder / name)}  {name}\n" for name in _loadable(folder)]
    (folder / _CHECKSUMS_FILE).write_text("".join(lines), encoding="utf-8")


def _loadable(folder: Path) -> list[str]:
    """The files that may be read when the checkpoint is loaded, sorted by name."""
    return sorted(
        file.name
        for file in folder.iterdir()
        if file.name not in _NOT_CHECKED and not file.name.startswith(".") and not file.is_dir()
    )


def _read_checksums(path: Path) -> dict[str, str]:
    """The SHA-256 of each listed file, by name."""
    file = path / _CHECKSUMS_FILE
    try:
        # The format of sha256sum(1): digest, two spaces, file name.
        pairs = [line.split("  ", 1) for line in _read_text(file).splitlines()]
        return {_name(name): digest for digest, name in pairs}
    except FileNotFoundError as error:
        raise CheckpointError(_not_a_checkpoint(path)) from error
    except OSError as error:
        raise CheckpointError(_unreadable(file, error)) from error
    except ValueError as error:
        raise CheckpointError(_damaged(file)) from error


def _refuse_code(path: Path) -> None:
    """Refuses Python code, which this trainer never writes and transformers would run."""
    if "auto_map" in _read_object(path / _CONFIG_FILE):
        raise CheckpointError(
            f"{path / _CONFIG_FILE} names Python code of its own (auto_map), which this trainer "
            f"never writes and never runs. Serve another checkpoint: python -m trainer checkpoints"
        )


def _read_text(file: Path) -> str:
    return read_regular(file, _MAX_TEXT_BYTES).decode()


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


def _not_a_checkpoint(path: Path) -> str:
    return f"{path} is not a checkpoint of this trainer: it has no {_CHECKSUMS_FILE}."


def _unlisted(file: Path) -> str:
    return (
        f"{file} has no checksum in {_CHECKSUMS_FILE}: it was not saved with the checkpoint, or "
        f"the list was truncated. Delete the file if you have put it there, or restore the "
        f"checkpoint from a backup."
    )


def _unreadable(file: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _damaged(file)
    advice = ""
    if isinstance(error, PermissionError):
        advice = f" Make it readable for the user who runs this: chmod -R a+rX {file.parent}"
    return f"{file} cannot be read: {error.strerror}.{advice}"


def _damaged(file: Path) -> str:
    return (
        f"{file} is missing, truncated or was changed since training. Restore it from a backup, or "
        f"serve another checkpoint: python -m trainer checkpoints"
    )


def _set_modes(folder: Path) -> None:
    """Makes the folder readable for others as far as the umask allows.

    safetensors and `mkdtemp` set 0600 and 0700, so a bot under another user could not read it.
    """
    # Written with the default mode, which shows the umask; querying the umask would change it.
    mode = (folder / _CHECKSUMS_FILE).stat().st_mode & 0o666
    for file in folder.iterdir():
        file.chmod(mode)
    folder.chmod(mode | (mode & 0o444) >> 2)


@contextmanager
def _translate_disk_errors(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        unfinished = find_unfinished(path)
        kept = "Nothing of it was kept, and everything else is unchanged."
        advice = "Free space, allow writing there, or choose another --output."
        if unfinished is not None:
            kept, advice = "Free space, or allow writing there.", str(unfinished)
        raise CheckpointError(
            f"{path} cannot be written: {disk_problem(error)}. {kept} {advice}"
        ) from error
