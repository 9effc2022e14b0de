"""Data files on disk as bytes: regular files only, decompressed if necessary.

Reading another kind of path may never end (a pipe, /dev/zero), so it is refused unopened.
"""

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from trainer.data.quoting import quote
from trainer.errors import ReviewsError, printable
from trainer.model.files import NotRegularError, open_regular

SUFFIXES = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".json")
"""Of data files; each may be followed by .gz."""
_TEXT_TABLE = ".txt"
"""A table if it is named itself. In a folder it may well be a note."""
_ZIP = ".zip"

MAX_BYTES = 4 * 1024**3
"""The maximum size of a file's content; all of IMDb has 0.1 GB."""
MAX_RATIO = 100
"""The maximum ratio of a compressed file's content to its size. Text compresses to a third or a
tenth; a ratio of a thousand is meant to fill the memory."""
FREE_BYTES = 64 * 1024**2
"""Allowed whatever the ratio."""
_CHUNK = 1024**2
_DAMAGED = (
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file's content."""

    name: str
    """For errors."""
    suffix: str
    """One of `SUFFIXES`, or .txt."""
    content: bytes

    def text(self) -> str:
        """The content as text.

        Raises:
            ReviewsError: it is not UTF-8; the sentence names the line.
        """
        is_utf_16 = self.content.startswith((b"\xff\xfe", b"\xfe\xff"))  # Excel's "Unicode text"
        try:
            return self.content.decode("utf-16" if is_utf_16 else "utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.content.count(b"\n", 0, error.start) + 1
            raise ReviewsError(
                f"{self.name}, line {line}: byte 0x{self.content[error.start]:02x} is not UTF-8. "
                f"Save the file as UTF-8 and try again."
            ) from error


def suffix_of(name: str) -> str | None:
    """The type of data file by its name; None for other files."""
    path = PurePosixPath(name.lower())
    suffix = PurePosixPath(path.stem).suffix if path.suffix == ".gz" else path.suffix
    return suffix if suffix in (*SUFFIXES, _TEXT_TABLE, _ZIP) else None


def read_file(path: Path) -> dict[str, list[DataFile]]:
    """The content of a data file, or of those in a zip archive, by split.

    Raises:
        ReviewsError: not a regular file, an unsupported type, or damaged.
    """
    require_regular(path)
    suffix = suffix_of(path.name)
    if suffix is None:
        raise ReviewsError(
            f"{printable(path)}: unsupported file type. Use parquet, CSV, TSV or JSON "
            f"Lines ({', '.join(SUFFIXES)}, also compressed as .gz or .zip). Export a spreadsheet "
            f"as CSV, and unpack other archives first."
        )
    if suffix == _ZIP:
        return _read_zip(path)
    return {"train": [DataFile(printable(path), suffix, read_bytes(path))]}


def read_folder(path: Path) -> dict[str, list[DataFile]] | None:
    """The data files of a folder by split; None if none of them is for training."""
    files = {file.name: file for file in path.iterdir() if _is_data_file(file.name)}
    splits = _by_split(files)
    if splits is None:
        return None
    return {
        split: [
            DataFile(printable(files[name]), suffix_of(name) or "", read_bytes(files[name]))
            for name in names
        ]
        for split, names in splits.items()
    }


def read_bytes(path: Path) -> bytes:
    """A regular file's content, decompressed.

    Raises:
        ReviewsError: it is something else, too large, or damaged.
    """
    with _open_regular(path) as file:
        if path.suffix.lower() != ".gz":
            return _read_bounded(file, printable(path), MAX_BYTES)
        try:
            with gzip.open(file) as unpacked:
                most = unpacked_limit(path.stat().st_size)
                return _read_bounded(unpacked, printable(path), most)
        except _DAMAGED as error:
            raise ReviewsError(
                f"{printable(path)} is not a gzip file, or is damaged. Download it again."
            ) from error


def _read_zip(path: Path) -> dict[str, list[DataFile]]:
    shown = printable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            splits = _by_split(name for name in archive.namelist() if _is_data_file(name))
            if splits is None:
                raise ReviewsError(
                    f"{shown} must hold one data file ({', '.join(SUFFIXES)}), or files whose "
                    f"names begin with train and test. Unpack it and pass the path of the file."
                )
            left = unpacked_limit(path.stat().st_size)
            found: dict[str, list[DataFile]] = {split: [] for split in splits}
            for split, names in splits.items():
                for name in names:
                    member = _read_member(archive, name, shown, left)
                    left -= len(member.content)
                    found[split].append(member)
            return found
    except _DAMAGED as error:
        raise ReviewsError(
            f"{shown} is not a readable zip archive, or is damaged. Unpack it and pass "
            f"the path of the file."
        ) from error
    except RuntimeError as error:  # zipfile's error for it
        raise ReviewsError(
            f"{shown} is protected by a password. Unpack it and pass the path of the file."
        ) from error


def unpacked_limit(size: int) -> int:
    """The maximum content, in bytes, of a compressed file of `size` bytes."""
    return min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * size))


def _read_member(archive: zipfile.ZipFile, name: str, shown: str, most: int) -> DataFile:
    shown = f"{shown}, {quote(PurePosixPath(name).name)}"
    with archive.open(name) as file:
        if not name.lower().endswith(".gz"):
            content = _read_bounded(file, shown, most)
        else:
            with gzip.open(file) as unpacked:
                content = _read_bounded(unpacked, shown, most)
    return DataFile(shown, suffix_of(name) or "", content)


def _read_bounded(file: IO[bytes] | gzip.GzipFile, shown: str, most: int) -> bytes:
    content = bytearray()
    while chunk := file.read(_CHUNK):
        content += chunk
        if len(content) > most:
            raise too_large(shown)
    return bytes(content)


def too_large(shown: str) -> ReviewsError:
    """The error for a file with too much content."""
    return ReviewsError(
        f"{shown} holds more than {MAX_BYTES / 1024**3:.0f} GB, or more than {MAX_RATIO} times its "
        f"own size, unlike any compressed file of reviews. Use a part of it, or unpack it first."
    )


def require_regular(path: Path) -> None:
    """Refuses files whose content may never end.

    Raises:
        ReviewsError: it is a pipe, a device or a folder.
    """
    _open_regular(path).close()


def _open_regular(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except NotRegularError as error:
        raise ReviewsError(
            f"{printable(path)} is not a regular file. Pass a file or a folder with reviews."
        ) from error


def _is_data_file(name: str) -> bool:
    path = PurePosixPath(name)
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return suffix_of(path.name) in SUFFIXES and not is_hidden


def _by_split(names: Iterable[str]) -> dict[str, list[str]] | None:
    """The files for training and for testing: by their names, or the only file."""
    files = sorted(names)
    splits = {
        split: [n for n in files if PurePosixPath(n).name.lower().startswith(split)]
        for split in ("train", "test")
    }
    if not splits["train"] and len(files) == 1:
        splits = {"train": files, "test": []}
    if not splits["train"]:
        return None
    return {split: members for split, members in splits.items() if members}
