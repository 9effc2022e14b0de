"""Reviews from files and pipes: bounded, in order, and never waiting for more input."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bot.conversation.concierge import Concierge
from bot.engine import Engine
from bot.errors import InputError
from bot.frontends import lines
from bot.sentences.responses import Responses
from tests.bot.stub import OTHER_KINDS, KeywordClassifier
from tests.marker import marked, write_input


async def _read(file: Path, into: list[str] | None = None) -> list[str]:
    read = [] if into is None else into
    async for batch in lines.read_lines(file):
        read += batch
    return read


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        (b"\xef\xbb\xbfone\r\ntwo\r\n", ["one", "two"]),
        ("größer\n😍".encode(), ["größer", "😍"]),
    ],
)
async def test_lines_are_read_as_they_stand(
    tmp_path: Path, content: bytes, expected: list[str]
) -> None:
    (tmp_path / "reviews").write_bytes(content)
    assert await _read(tmp_path / "reviews") == expected


async def test_a_large_file_comes_in_bounded_batches(tmp_path: Path) -> None:
    expected = [f"review {number} ü" for number in range(20_000)]
    (tmp_path / "reviews").write_text("\n".join(expected), "utf-8")
    batches = [batch async for batch in lines.read_lines(tmp_path / "reviews")]
    assert [line for batch in batches for line in batch] == expected
    assert max(map(len, batches)) <= lines.BATCH_LINES


async def test_what_is_there_is_not_kept_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    opened = asyncio.to_thread(os.open, tmp_path / "pipe", os.O_RDWR)
    writer = await asyncio.wait_for(opened, 10)
    os.write(writer, b"first\nsec")
    batches = lines.read_lines(tmp_path / "pipe")
    assert await asyncio.wait_for(anext(batches), 10) == ["first"]
    os.write(writer, b"ond\n")
    assert await asyncio.wait_for(anext(batches), 10) == ["second"]
    await batches.aclose()  # type: ignore[attr-defined]
    os.close(writer)


async def test_other_encodings_are_refused_with_their_line_after_the_lines_before(
    tmp_path: Path,
) -> None:
    (tmp_path / "reviews").write_bytes(b"one\ntwo\nna\xefve\nfour\n")
    read: list[str] = []
    with pytest.raises(InputError, match=r"reviews, line 3: not UTF-8"):
        await _read(tmp_path / "reviews", into=read)
    assert read == ["one", "two"]


async def test_what_is_no_file_of_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        await _read(tmp_path / "missing")
    with pytest.raises(InputError, match="Is a directory"):
        await _read(tmp_path)
    (tmp_path / "endless").write_bytes(b"x" * (lines.MAX_LINE_BYTES + lines.CHUNK_BYTES + 1))
    with pytest.raises(InputError, match="line 1: longer than 1 MiB"):
        await _read(tmp_path / "endless")


async def test_every_line_gets_an_object_in_order(
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    dull_ones = [f"dull {number}" for number in range(1000)]
    others = ["?!", "half great, half dull", "👎", "https://example.com", "отличный фильм"]
    # Beside the marker, which is English words, the others would be something else.
    written = ["a great film", "", "poison", *OTHER_KINDS.values(), *dull_ones]
    reviews = [*map(marked, written), *others]
    write_input(tmp_path / "reviews", "\n".join(reviews))
    async with Engine(classifier) as engine:
        await lines.classify(Concierge(engine, responses), tmp_path / "reviews")
    objects = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert len(objects) == len(reviews)
    names = ["label", "confidence", "probabilities", "kind", "reply"]
    assert all(list(o) == names for o in objects)
    assert all(o["reply"] == f"a {o['kind']} sentence" for o in objects)
    great, empty, poison, *dull, wordless, mixed, thumb, link, foreign = objects
    other_kinds, dull = dull[: len(OTHER_KINDS)], dull[len(OTHER_KINDS) :]
    assert great["label"] == great["kind"] == "positive"
    assert great["confidence"] == great["probabilities"]["positive"]
    assert all(o["label"] == o["kind"] == "negative" for o in [*dull, thumb])
    assert mixed["label"] == mixed["kind"] == "unsure"
    assert mixed["confidence"] == mixed["probabilities"]["positive"] < great["confidence"]
    for unjudged, kind in [
        (empty, "empty"),
        (poison, "failure"),
        (wordless, "wordless"),
        *zip(other_kinds, OTHER_KINDS, strict=True),
        (link, "off_topic"),
        (foreign, "foreign"),
    ]:
        assert unjudged["label"] is unjudged["confidence"] is unjudged["probabilities"] is None
        assert unjudged["kind"] == kind


async def test_an_object_holds_nothing_that_would_steer_a_terminal(
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    words = ["\x1b[31mgreat", "\x9b2J", "\u202egnp", "\u2066a", "tag\U000e0041", "ünï", "👍"]
    write_input(tmp_path / "reviews", " ".join(words))
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses)
        await lines.classify(concierge, tmp_path / "reviews", explain=True)
    (line,) = capsysbinary.readouterr().out.decode().splitlines()
    assert line.isprintable()
    assert "ünï" in line
    assert [part["text"] for part in json.loads(line)["explanation"]] == words


async def test_each_verdict_is_explained_on_request(
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    classifier: KeywordClassifier,
    responses: Responses,
) -> None:
    distress = OTHER_KINDS["distress"]
    write_input(tmp_path / "reviews", f"such a great\tfilm\n\npoison\n{distress}\n")
    async with Engine(classifier) as engine:
        concierge = Concierge(engine, responses)
        await lines.classify(concierge, tmp_path / "reviews", explain=True)
    objects = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert [o["reply"] for o in objects] == [
        f"a {k} sentence" for k in ("positive", "empty", "failure", "distress")
    ]
    assert [o["explanation"] for o in objects] == [
        [
            {"text": "such", "weight": 0.0},
            {"text": "a", "weight": 0.0},
            {"text": "great", "weight": 4.3944},
            {"text": "film", "weight": 0.0},
        ],
        *[None] * 3,
    ]
