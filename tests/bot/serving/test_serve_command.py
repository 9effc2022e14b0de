"""What `python -m bot serve` refuses, before Ray is started."""

import socket
import sys
from pathlib import Path

import pytest

from bot.__main__ import main


def test_the_packages_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trainer.extras.find_spec", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["bot", "serve"])
    assert main() == 2
    said = capsys.readouterr().err
    assert "Ray Serve needs the packages ray, starlette" in said
    assert 'pip install "review-concierge[scale]"' in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--replicas", "3", "--max-replicas", "2"), "must be at least --replicas 3"),
        (("--host", "localhost"), "--host is 'localhost', but must be an IP address"),
        (("--replicas", "0"), "'--replicas'"),
        (("--cluster", "6379"), "--cluster is '6379', but must be like 10.0.0.5:6379"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bot.__main__.missing", lambda *_, **__: "")
    monkeypatch.setattr(sys, "argv", ["bot", "serve", *options])
    assert main() == 2
    assert sentence in capsys.readouterr().err


def test_an_address_that_is_taken_and_a_cluster_that_is_not_there_are_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(checkpoint.parents[1])
    monkeypatch.setattr("bot.__main__.missing", lambda *_, **__: "")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["bot", "serve", "--port", port])
        assert main() == 14
    assert f"--port {port} (Address already in use)" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["bot", "serve", "--cluster", f"127.0.0.1:{port}"])
    assert main() == 14
    assert f"ray start --head --port={port}" in capsys.readouterr().err
