"""No way leads a customer's text into the store."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.desk.store import Claim, Request, ServerSettings, Store
from bot.desk.store.tables import metadata
from tests.bot.desk.conftest import SERVER, START, MovableClock, opened, sqlite_url
from tests.marker import MARKER, marked

IDS = {"server", "message", "person", "card", "staff", "thread", "link", "channel", "customer"}
NAMES = {"kind", "strength", "checkpoint", "name", "subject"}
OTHERS = {
    "up",
    "replied",
    "seconds",
    "now",
    "since",
    "until",
    "not_for_us",
    "at",
    "settled",
    "change",
    "numbers",
}
RECORDS = {"request", "storm", "settings", "claim"}
TEXT = marked("What a terrible film, and my seat was broken!")


def _methods() -> list[tuple[str, Callable[..., Any]]]:
    methods = inspect.getmembers(Store, inspect.isfunction)
    return [(name, method) for name, method in methods if not name.startswith("_")]


def test_no_method_takes_a_text() -> None:
    allowed = IDS | NAMES | OTHERS | RECORDS
    for name, method in _methods():
        assert set(inspect.signature(method).parameters) - {"self"} <= allowed, name
    assert {field.name for field in fields(Request)} <= allowed


def test_no_column_is_wide_enough_for_a_text_without_a_check() -> None:
    texts = {
        (table.name, column.name): column.type.length
        for table in metadata.tables.values()
        for column in table.columns
        if hasattr(column.type, "length")
    }
    assert {length for length in texts.values() if length is None} == set()
    assert max(texts.values()) == 200


@pytest.mark.parametrize("text", [TEXT, "x" * 201, "", "caf\u00e9"])
async def test_a_text_is_refused_wherever_an_id_or_a_name_goes(
    tmp_path: Path, clock: MovableClock, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = dict.fromkeys(IDS, "discord:1") | dict.fromkeys(NAMES, "positive")
    tried = 0
    async with opened(sqlite_url(tmp_path), clock) as store:
        for name, method in _methods():
            parameters = list(inspect.signature(method).parameters)[1:]
            others: dict[str, Any] = {p: _other(p) for p in parameters if p in OTHERS | RECORDS}
            words = {p: right[p] for p in parameters if p in right}
            for parameter in words:
                if parameter in NAMES and not text:
                    continue  # may be empty
                wrong = words | others | {parameter: text}
                if name == "count":
                    method(store, **wrong)
                elif name != "open_cards":  # which only compares
                    with pytest.raises(ValueError, match="must be") as caught:
                        await getattr(store, name)(**wrong)
                    assert MARKER not in str(caught.value)
                tried += 1
        assert tried >= 20
        assert await store.open_cards() == []
        assert (await store.figures(SERVER, START, START)).replies == ()
    for field in fields(Request):
        values = {"server": "s", "link": "l", "kind": "k"} | {field.name: text}
        if text or field.name not in NAMES:
            with pytest.raises(ValueError, match="must be"):
                Request(**values)
    assert MARKER.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "state").iterdir()
    )
    assert MARKER not in caplog.text


def _other(name: str) -> object:
    values: dict[str, object] = {
        "up": True,
        "seconds": 0.1,
        "not_for_us": False,
        "change": lambda settings: settings,
        "request": Request("s", "l", "k"),
        "storm": None,
        "settings": ServerSettings(),
        "claim": Claim(("shard-0",), "a", 1.0),
        "numbers": [1],
    }
    return values.get(name, datetime.fromisoformat("2026-03-02T12:00+00:00"))
