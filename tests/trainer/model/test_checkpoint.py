"""Checkpoints are whole or absent, verified before they serve, and can be rolled back."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from tests.conftest import run_trainer
from trainer.errors import CheckpointError
from trainer.model.checkpoint import (
    discard,
    list_checkpoints,
    new_checkpoint,
    promote,
    rollback,
    serving_checkpoint,
    verify,
)


@pytest.fixture
def root(tmp_path: Path, checkpoint: Path) -> Path:
    """A folder with three checkpoints a, b and c, none of them promoted."""
    for name in "abc":
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / name)
    return tmp_path / "checkpoints"


class TestWriting:
    def test_appears_complete_under_its_name(self, tmp_path: Path) -> None:
        with new_checkpoint(tmp_path / "new") as folder:
            (folder / "model.safetensors").write_text("weights")
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
        (tmp_path / ".partial-dead").mkdir()
        (tmp_path / ".partial-alive").mkdir()
        alive = os.open(tmp_path / ".partial-alive", os.O_RDONLY)
        fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            with new_checkpoint(tmp_path / "new") as folder:
                (folder / "model.safetensors").write_text("weights")
        finally:
            os.close(alive)
        assert {path.name for path in tmp_path.iterdir()} == {".partial-alive", "new"}

    def test_never_overwrites(self, tmp_path: Path) -> None:
        (tmp_path / "new").mkdir()
        with (
            pytest.raises(CheckpointError, match="exists already and is left as it is"),
            new_checkpoint(tmp_path / "new"),
        ):
            pass

    def test_a_full_disk_is_told_and_leaves_nothing(self, tmp_path: Path) -> None:
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
        assert "Nothing was kept of it" in result.stderr
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

    def test_weights_that_no_checksum_covers(self, root: Path) -> None:
        checksums = root / "a" / "checksums.sha256"
        lines = checksums.read_text().splitlines(keepends=True)
        checksums.write_text("".join(line for line in lines if "safetensors" not in line))
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            verify(root / "a")

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

    def test_a_pointer_to_what_is_gone(self, root: Path) -> None:
        promote("a", root)
        shutil.rmtree(root / "a")
        with pytest.raises(CheckpointError, match="names a, which is gone"):
            serving_checkpoint(root)

    def test_a_broken_pointer(self, root: Path) -> None:
        (root / "serving.json").write_text("{")
        with pytest.raises(CheckpointError, match="cannot be understood"):
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
            with pytest.raises(CheckpointError, match="a is the one that answers, so it stays"):
                discard(name, root)
        verify(root / "a")

    @pytest.mark.parametrize("name", ["", ".", "..", "../outside", "a/../b", ".partial-x"])
    def test_refuses_what_leads_elsewhere(self, root: Path, name: str) -> None:
        (root.parent / "outside").mkdir()
        (root / ".partial-x").mkdir()
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
        with pytest.raises(CheckpointError, match="x is gone already"):
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
            (folder / "model.safetensors").write_text("weights")
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
            with pytest.raises(CheckpointError, match="b is the one that answers"):
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
