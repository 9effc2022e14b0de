"""What `python -m bot serve` refuses, before Ray is started."""

import sys

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
