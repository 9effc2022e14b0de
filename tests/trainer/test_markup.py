"""Names are printed as they are, whatever they would mean to Rich."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import call_trainer
from trainer.events import Judging, Note
from trainer.progress import Style, listener

NAMES = ("a[b]", "[link=https://a.example]x", "v1[", "e[bold]", ":smile:")


def test_the_table_shows_every_name(tmp_path: Path, checkpoint: Path) -> None:
    for name in NAMES:
        folder = name.replace("/", "-")
        shutil.copytree(checkpoint, tmp_path / "checkpoints" / folder)
    file = tmp_path / "checkpoints" / NAMES[0] / "training.json"
    training = json.loads(file.read_text())
    for each in training["datasets"]:
        each["name"] = "[/v2]"
    file.write_text(json.dumps(training))
    result = call_trainer("checkpoints", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for name in NAMES:
        assert name.replace("/", "-") in result.stdout
    assert "[/v2]" in result.stdout


def test_a_note_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with listener(Style.BAR) as on_event:
        on_event(Note("It leaves [/v2] and [red]x[/red] and :smile: out."))
        on_event(Judging("[/test]", 1, 2))
    assert "It leaves [/v2] and [red]x[/red] and :smile: out." in capsys.readouterr().err
