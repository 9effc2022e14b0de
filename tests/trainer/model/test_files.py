"""Files that are not what they should be end in a sentence, and keep nothing waiting."""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from trainer.errors import CheckpointError
from trainer.model.checkpoint import discard, serving_checkpoint
from trainer.model.classifier import Classifier
from trainer.model.files import read_regular, write_whole
from trainer.model.runtime import RuntimeName


@pytest.mark.timeout(20)
def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    os.mkfifo(tmp_path / "pipe")
    for path, problem in (
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "gone", "No such file"),
    ):
        with pytest.raises(OSError, match=problem):
            read_regular(path, 5)
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_regular(tmp_path / "file", 4)


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    write_whole(file, b"old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]  # what was half written takes no space


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nested"])
def test_a_pointer_that_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    pointer = tmp_path / "serving.json"
    match kind:
        case "pipe":
            os.mkfifo(pointer)
        case "device":
            pointer.symlink_to("/dev/zero")
        case "folder":
            pointer.mkdir()
        case "nested":
            pointer.write_text("[" * 200_000)
    with pytest.raises(CheckpointError, match=r"serving\.json cannot be (parsed|read)"):
        serving_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"[" * 100_000, b"{}", bytes(200)])
def test_a_part_that_no_library_can_read_is_named(
    tmp_path: Path, checkpoint: Path, name: str, content: bytes
) -> None:
    path = tmp_path / "copy"
    shutil.copytree(checkpoint, path)
    (path / name).write_bytes(content)
    sums = path / "checksums.sha256"
    lines = [line.split("  ") for line in sums.read_text().splitlines()]
    digest = hashlib.sha256(content).hexdigest()
    sums.write_text("".join(f"{digest if n == name else d}  {n}\n" for d, n in lines))
    runtime = RuntimeName.ONNX if name == "model.onnx" else RuntimeName.TORCH
    with pytest.raises(CheckpointError, match="is unchanged, but cannot be used"):
        Classifier.load(path, runtime)


def test_a_link_among_the_checkpoints_leads_to_no_deletion(
    tmp_path: Path, checkpoint: Path
) -> None:
    root = tmp_path / "checkpoints"
    root.mkdir()
    shutil.copytree(checkpoint, tmp_path / "elsewhere")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    with suppress(CheckpointError):
        discard("link", root)
    assert (tmp_path / "elsewhere" / "training.json").exists()
