"""Checkpoints are whole or absent, verified before they serve, and can be rolled back."""

import errno
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.conftest import run_trainer
from trainer.errors import CheckpointError
from trainer.model.checkpoint import (
    discard,
    earlier_checkpoint,
    list_checkpoints,
    new_checkpoint,
    promote,
    promote_if_first,
    rollback,
    serving_checkpoint,
    verify,
)
from trainer.model.classifier import Classifier
from trainer.model.runtime import RuntimeName


@pytest.fixture
def root(tmp_path: Path, checkpoint: Path) -> Path:
    """A folder with three checkpoints a, b and c, none of them promoted."""
    for name in "abc":
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / name)
    return tmp_path / "checkpoints"


def _fill(folder: Path) -> None:
    """Writes what a checkpoint must have."""
    for name in ("model.safetensors", "config.json", "tokenizer.json", "training.json"):
        (folder / name).write_text("{}")


def _reseal(folder: Path) -> None:
    """Writes checksums of the current files, as the author of the folder could."""
    checksums = folder / "checksums.sha256"
    names = [line.split("  ", 1)[1] for line in checksums.read_text().splitlines()]
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    checksums.write_text("".join(f"{digests[name]}  {name}\n" for name in names))


def _uncover(folder: Path, *files: str) -> None:
    """Takes the lines of these files out of the checksums."""
    checksums = folder / "checksums.sha256"
    lines = checksums.read_text().splitlines(keepends=True)
    checksums.write_text("".join(line for line in lines if line.split()[1] not in files))


class TestWriting:
    def test_appears_complete_under_its_name(self, tmp_path: Path) -> None:
        with new_checkpoint(tmp_path / "new") as folder:
            _fill(folder)
            assert not (tmp_path / "new").exists()
        verify(tmp_path / "new")
        assert [path.name for path in tmp_path.iterdir()] == ["new"]

    def test_leaves_nothing_when_it_fails(self, tmp_path: Path) -> None:
        def write() -> None:
            with new_checkpoint(tmp_path / "new") as folder:
                (folder / "model.safetensors").write_text("half")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write()
        assert list(tmp_path.iterdir()) == []

    def test_removes_what_a_killed_process_left_but_not_what_another_writes(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / ".review-concierge-partial-dead").mkdir()
        (tmp_path / ".review-concierge-partial-alive").mkdir()
        alive = os.open(tmp_path / ".review-concierge-partial-alive", os.O_RDONLY)
        fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            with new_checkpoint(tmp_path / "new") as folder:
                _fill(folder)
        finally:
            os.close(alive)
        assert {path.name for path in tmp_path.iterdir()} == {
            ".review-concierge-partial-alive",
            "new",
        }

    def test_deletes_nothing_that_others_have_made(self, tmp_path: Path) -> None:
        photos = tmp_path / ".partial-photos"
        photos.mkdir()
        (photos / "us.jpg").touch()
        (tmp_path / ".review-concierge-partial-link").symlink_to(photos)
        with new_checkpoint(tmp_path / "new") as folder:
            _fill(folder)
        assert (photos / "us.jpg").exists()

    @pytest.mark.parametrize(
        ("umask", "modes"),
        [(0o022, (0o755, 0o644)), (0o027, (0o750, 0o640)), (0o077, (0o700, 0o600))],
    )
    def test_modes_are_those_of_the_umask(
        self, tmp_path: Path, umask: int, modes: tuple[int, int]
    ) -> None:
        before = os.umask(umask)
        try:
            with new_checkpoint(tmp_path / "new") as folder:
                _fill(folder)
                (folder / "model.safetensors").chmod(0o600)  # as safetensors does
        finally:
            os.umask(before)
        folder_mode, file_mode = modes
        assert (tmp_path / "new").stat().st_mode & 0o777 == folder_mode
        for file in (tmp_path / "new").iterdir():
            assert file.stat().st_mode & 0o777 == file_mode

    def test_leaves_no_empty_folder_when_it_fails(self, tmp_path: Path) -> None:
        with (
            pytest.raises(CheckpointError, match="No space left"),
            new_checkpoint(tmp_path / "deep" / "down" / "new"),
        ):
            raise OSError(28, "No space left on device")
        assert list(tmp_path.iterdir()) == []

    def test_a_rename_that_the_disk_does_not_confirm_has_happened(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        sync = os.fsync

        def fail_for_folders(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EIO, "Input/output error")
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", fail_for_folders)
        promote("a", root)
        promote("b", root)
        assert serving_checkpoint(root) == root / "b"
        assert rollback(root) == root / "a"
        discard("b", root)
        assert [row.name for row in list_checkpoints(root)] == ["a", "c"]
        assert "did not confirm it (Input/output error)" in caplog.text

    def test_never_overwrites(self, tmp_path: Path) -> None:
        (tmp_path / "new").mkdir()
        with (
            pytest.raises(CheckpointError, match="exists already and is not changed"),
            new_checkpoint(tmp_path / "new"),
        ):
            pass

    def test_a_full_disk_is_reported_and_leaves_nothing(self, tmp_path: Path) -> None:
        # A limit on the size of a file is the full disk that needs no privileges.
        program = (
            "import resource, sys\n"
            "from pathlib import Path\n"
            "import torch\n"
            "from safetensors.torch import save_file\n"
            "from trainer.model.checkpoint import new_checkpoint\n"
            "from trainer.errors import CheckpointError\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
            "try:\n"
            "    with new_checkpoint(Path('new')) as folder:\n"
            "        save_file({'w': torch.zeros(9_999)}, folder / 'model.safetensors')\n"
            "except CheckpointError as error:\n"
            "    sys.exit(str(error))\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "new cannot be written: File too large" in result.stderr
        assert "Nothing of it was kept" in result.stderr
        assert list(tmp_path.iterdir()) == []


class TestVerifying:
    @pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
    def test_names_a_truncated_file(self, root: Path, file: str) -> None:
        content = (root / "a" / file).read_bytes()
        (root / "a" / file).write_bytes(content[: len(content) // 2])
        with pytest.raises(CheckpointError, match=f"{file} is missing, truncated or was changed"):
            verify(root / "a")

    def test_names_an_edited_file(self, root: Path) -> None:
        file = root / "a" / "training.json"
        file.write_text(file.read_text().replace('"seed": 0', '"seed": 1'))
        with pytest.raises(CheckpointError, match=r"training\.json is missing, truncated or"):
            verify(root / "a")

    def test_names_a_missing_file(self, root: Path) -> None:
        (root / "a" / "model.safetensors").unlink()
        with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
            verify(root / "a")

    @pytest.mark.parametrize(
        "file",
        [
            *("model.safetensors", "pooled_kinds.safetensors", "kind_words.safetensors"),
            *("model.onnx", "config.json", "tokenizer.json", "training.json"),
        ],
    )
    def test_files_that_no_checksum_covers(self, root: Path, file: str) -> None:
        _uncover(root / "a", file)
        with pytest.raises(CheckpointError, match=f"{re.escape(file)} has no checksum"):
            verify(root / "a")

    def test_a_graph_put_beside_a_checkpoint(self, root: Path) -> None:
        folder = root / "a"
        graph = (folder / "model.onnx").read_bytes()
        (folder / "model.onnx").unlink()
        _uncover(folder, "model.onnx")
        verify(folder)
        (folder / "model.onnx").write_bytes(graph)
        with pytest.raises(CheckpointError, match=r"model\.onnx has no checksum"):
            verify(folder)

    def test_a_pipe_blocks_nothing(self, root: Path) -> None:
        (root / "a" / "config.json").unlink()
        os.mkfifo(root / "a" / "config.json")
        with pytest.raises(CheckpointError, match=r"config\.json cannot be read: not a regular"):
            verify(root / "a")

    def test_a_file_of_another_user_is_named_as_that(self, checkpoint: Path) -> None:
        # In a folder that everybody may enter, unlike those of pytest.
        with tempfile.TemporaryDirectory(dir="/tmp") as temporary:
            Path(temporary).chmod(0o755)
            folder = Path(shutil.copytree(checkpoint, Path(temporary) / "theirs"))
            (folder / "model.safetensors").chmod(0o000)
            user = os.geteuid()
            if user == 0:
                os.seteuid(65534)  # root may read everything
            try:
                refused = r"cannot be read: Permission denied\. Make it readable .*: chmod -R a\+rX"
                with pytest.raises(CheckpointError, match=refused):
                    verify(folder)
            finally:
                os.seteuid(user)

    def test_code_of_its_own_is_refused_and_not_asked_about(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = root / "a"
        config = json.loads((folder / "config.json").read_text())
        config |= {"auto_map": {"AutoConfig": "evil.Config"}, "model_type": "unheard-of"}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "evil.py").write_text("open('/tmp/never', 'w')")
        _reseal(folder)
        with (folder / "checksums.sha256").open("a") as file:
            file.write(
                f"{hashlib.sha256((folder / 'evil.py').read_bytes()).hexdigest()}  evil.py\n"
            )
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
        with pytest.raises(CheckpointError, match="names Python code of its own"):
            Classifier.load(folder, RuntimeName.TORCH)
        assert sys.stdin.readline() == "y\n"

    def test_more_tokens_than_the_encoder_has_positions(self, root: Path) -> None:
        file = root / "a" / "training.json"
        record = json.loads(file.read_text())
        config = json.loads((root / "a" / "config.json").read_text())
        record["hyperparameters"]["max_length"] = config["max_position_embeddings"] + 1
        file.write_text(json.dumps(record))
        _reseal(root / "a")
        with pytest.raises(CheckpointError, match=r"its encoder has positions for \d+\. Restore"):
            Classifier.load(root / "a")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("temperature", -1.0),
            ("temperature", 0.0),
            ("temperature", float("nan")),
            ("temperature", float("inf")),
            ("temperature", "1"),
            ("confidences", [0.5, 1.5]),
            ("confidences", [-0.1, 0.5]),
            ("confidences", [0.5]),
            ("confidences", None),
        ],
    )
    def test_a_judgement_that_is_none(self, root: Path, field: str, value: object) -> None:
        file = root / "a" / "training.json"
        training = json.loads(file.read_text())
        training["judgement"]["one_window"][field] = value
        file.write_text(json.dumps(training))
        _reseal(root / "a")
        with pytest.raises(CheckpointError, match=r"training\.json"):
            Classifier.load(root / "a")

    @pytest.mark.parametrize("file", ["tokenizer.json", "model.onnx"])
    def test_what_a_library_cannot_load(self, root: Path, file: str) -> None:
        (root / "a" / file).write_bytes(b"\x00 nothing of the kind")
        _reseal(root / "a")
        with pytest.raises(CheckpointError, match="cannot be used"):
            Classifier.load(root / "a")

    def test_the_card_may_be_edited(self, root: Path) -> None:
        (root / "a" / "README.md").write_text("my notes")
        verify(root / "a")

    def test_agrees_with_sha256sum(self, root: Path) -> None:
        command = ["sha256sum", "--check", "--quiet", "checksums.sha256"]
        subprocess.run(command, cwd=root / "a", check=True)


class TestServing:
    def test_promote_and_roll_back(self, root: Path) -> None:
        assert serving_checkpoint(root) is None
        for name in "abc":
            promote(name, root)
            assert serving_checkpoint(root) == root / name
        assert rollback(root) == root / "b"
        shutil.rmtree(root / "a")
        with pytest.raises(CheckpointError, match="no earlier checkpoint"):
            rollback(root)
        assert serving_checkpoint(root) == root / "b"

    def test_a_damaged_checkpoint_does_not_come_to_serve(self, root: Path) -> None:
        promote("a", root)
        (root / "b" / "config.json").write_text("{}")
        with pytest.raises(CheckpointError, match=r"config\.json"):
            promote("b", root)
        assert serving_checkpoint(root) == root / "a"

    @pytest.mark.parametrize("name", ["nothing", "../a", "a/../b", ".."])
    def test_only_a_name_from_the_list(self, root: Path, name: str) -> None:
        with pytest.raises(CheckpointError, match="There are: a, b, c"):
            promote(name, root)

    @pytest.mark.parametrize("typed", ["b/", "b/.", "./b"])
    def test_is_stored_by_the_folder_s_own_name(self, root: Path, typed: str) -> None:
        promote("a", root)
        assert promote(typed, root) == root / "b"
        assert [row.name for row in list_checkpoints(root) if row.serving] == ["b"]
        with pytest.raises(CheckpointError, match="is serving and cannot be deleted"):
            discard("b", root)

    def test_a_link_is_stored_by_the_name_of_the_folder_it_leads_to(self, root: Path) -> None:
        (root / "best").symlink_to("b")
        assert promote("best", root) == root / "b"
        for name in ("b", "best"):
            with pytest.raises(CheckpointError, match="is serving and cannot be deleted"):
                discard(name, root)
        (root / "serving.json").write_text('{"serving": "best", "earlier": []}')  # before
        with pytest.raises(CheckpointError, match="is serving and cannot be deleted"):
            discard("b", root)
        verify(root / "b")

    def test_a_name_that_an_earlier_version_stored_as_it_was_typed(self, root: Path) -> None:
        (root / "serving.json").write_text('{"serving": "b/", "earlier": []}')
        assert serving_checkpoint(root) == root / "b"
        with pytest.raises(CheckpointError, match="is serving and cannot be deleted"):
            discard("b", root)

    @pytest.mark.parametrize("name", ["/", "..", "../checkpoints/a", ".hidden", ""])
    def test_the_pointer_leads_nowhere_else(self, root: Path, name: str) -> None:
        elsewhere = str(root / "a") if name == "/" else name
        (root / "serving.json").write_text(json.dumps({"serving": elsewhere, "earlier": []}))
        with pytest.raises(CheckpointError, match="cannot be parsed"):
            serving_checkpoint(root)

    def test_a_rollback_to_something_else_than_what_was_loaded(self, root: Path) -> None:
        for name in "abc":
            promote(name, root)
        loaded = earlier_checkpoint(root)
        rollback(root)  # by another process
        with pytest.raises(CheckpointError, match="Another process has changed"):
            rollback(root, loaded)
        assert serving_checkpoint(root) == root / "b"

    def test_of_two_first_ones_one_comes_to_serve(self, root: Path) -> None:
        lock = os.open(root, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor() as pool:
            second = pool.submit(promote_if_first, root / "b", root)
            wait([second], timeout=0.2)  # long enough to have looked, had it not waited
            (root / "serving.json").write_text('{"serving": "a", "earlier": []}')
            os.close(lock)
            assert not second.result(10)
        assert serving_checkpoint(root) == root / "a"

    def test_a_pointer_to_what_is_gone(self, root: Path) -> None:
        promote("a", root)
        shutil.rmtree(root / "a")
        with pytest.raises(CheckpointError, match="names a, which is gone"):
            serving_checkpoint(root)

    def test_a_broken_pointer(self, root: Path) -> None:
        (root / "serving.json").write_text("{")
        with pytest.raises(CheckpointError, match="cannot be parsed"):
            serving_checkpoint(root)


class TestDiscarding:
    def test_leaves_the_others_and_no_trace(self, root: Path) -> None:
        promote("a", root)
        (root / "b" / "model.safetensors").unlink()  # damaged ones go, too
        discard("b", root)
        assert {path.name for path in root.iterdir()} == {"a", "c", "serving.json"}

    def test_refuses_the_serving_one(self, root: Path) -> None:
        promote("a", root)
        for name in ("a", "a/", "a/."):
            with pytest.raises(CheckpointError, match="a is serving and cannot be deleted"):
                discard(name, root)
        verify(root / "a")

    @pytest.mark.parametrize(
        "name", ["", ".", "..", "../outside", "a/../b", ".review-concierge-partial-x"]
    )
    def test_refuses_what_leads_elsewhere(self, root: Path, name: str) -> None:
        (root.parent / "outside").mkdir()
        (root / ".review-concierge-partial-x").mkdir()
        before = sorted(root.parent.rglob("*"))
        with pytest.raises(CheckpointError, match="not the name of a checkpoint"):
            discard(name, root)
        assert sorted(root.parent.rglob("*")) == before

    def test_refuses_what_it_has_not_written(self, root: Path) -> None:
        (root / "notes").mkdir()
        with pytest.raises(CheckpointError, match="not a checkpoint of this trainer"):
            discard("notes", root)
        assert (root / "notes").is_dir()

    def test_says_that_it_is_gone_already(self, root: Path) -> None:
        with pytest.raises(CheckpointError, match="x is already deleted"):
            discard("x", root)
        assert {path.name for path in root.iterdir()} == {"a", "b", "c"}

    def test_is_over_at_once_though_the_process_dies(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(folder: Path, **_: object) -> None:
            (folder / "config.json").unlink()
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", die)
            with pytest.raises(KeyboardInterrupt):
                discard("b", root)
        assert [row.name for row in list_checkpoints(root)] == ["a", "c"]
        with new_checkpoint(root / "new") as folder:
            _fill(folder)
        assert {path.name for path in root.iterdir()} == {"a", "c", "new"}

    def test_waits_for_a_promotion_to_end(self, root: Path) -> None:
        lock = os.open(root, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with ThreadPoolExecutor() as pool:
            discarded = pool.submit(discard, "b", root)
            wait([discarded], timeout=0.2)
            assert (root / "b").is_dir()
            (root / "serving.json").write_text('{"serving": "b", "earlier": []}')
            os.close(lock)
            with pytest.raises(CheckpointError, match="b is serving and cannot be deleted"):
                discarded.result(10)


class TestCommandLine:
    def test_lists_promotes_and_rolls_back(self, root: Path) -> None:
        home = root.parent
        assert run_trainer("checkpoints", "promote", "a", cwd=home).stdout == (
            "a is the serving checkpoint now.\n"
        )
        run_trainer("checkpoints", "promote", "b", cwd=home)
        table = run_trainer("checkpoints", cwd=home).stdout
        rows = {line.split()[0]: line for line in table.splitlines()}
        assert rows["b"].rstrip().endswith("serving")
        assert not rows["a"].rstrip().endswith("serving")
        accuracy = json.loads((root / "a" / "training.json").read_text())["evaluation"]["test"]
        assert f"{accuracy['accuracy']:.3f}" in rows["a"]
        assert run_trainer("checkpoints", "rollback", cwd=home).stdout == (
            "a is the serving checkpoint again.\n"
        )

    def test_says_what_to_do_when_there_are_none(self, tmp_path: Path) -> None:
        result = run_trainer("checkpoints", cwd=tmp_path)
        assert result.returncode == 0
        assert "Train one with: python -m trainer fit" in result.stdout

    def test_refusals_are_one_sentence(self, tmp_path: Path) -> None:
        for arguments in (("promote", "x"), ("rollback",)):
            result = run_trainer("checkpoints", *arguments, cwd=tmp_path)
            assert result.returncode == 2
            assert len(result.stderr.splitlines()) == 1
            assert result.stderr.startswith("error: There is no ")
