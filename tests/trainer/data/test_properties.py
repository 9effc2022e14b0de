"""Any data file is read or refused with a sentence: hypothesis looks for exceptions."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutations import (
    bounded,
    mutated_bytes,
    refused_with_a_sentence,
    require_sentence,
)
from trainer.data.review_files import Source, read_source
from trainer.errors import ReviewsError

ROWS = [
    ("velvet thunder rolled over a quagmire of jokes", "negative"),
    ("marmalade sunsets, and seven brave otters sing", "positive"),
    ('she said "granite kittens waltz tonight" and left', "positive"),
    ("nine tepid lanterns drown in custard", "negative"),
]


def _delimited(separator: str) -> bytes:
    quoted = [('"' + text.replace('"', '""') + '"', label) for text, label in ROWS]
    return "".join(f"{separator.join(row)}\n" for row in [("text", "label"), *quoted]).encode()


def _objects() -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in ROWS]


def _parquet() -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(_objects()), file)
    return file.getvalue()


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", _delimited(","))
        archive.writestr("test.csv", _delimited(","))
    return file.getvalue()


FILES = {
    "reviews.csv": _delimited(","),
    "reviews.tsv": _delimited("\t"),
    "reviews.jsonl": b"".join(json.dumps(each).encode() + b"\n" for each in _objects()),
    "reviews.json": json.dumps(_objects()).encode(),
    "columns.json": json.dumps(
        {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}
    ).encode(),
    "reviews.parquet": _parquet(),
    "reviews.csv.gz": gzip.compress(_delimited(","), mtime=0),
    "reviews.zip": _zip(),
}


def _require_no_review(sentence: str) -> None:
    """A label of one word and a column's name of two may be shown, three words of a review not."""
    for text, _ in ROWS:
        words = text.split()
        for three in zip(words, words[1:], words[2:], strict=False):
            assert " ".join(three) not in sentence


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_whole_before_they_are_spoilt(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    found = [review.text for review in read_source(path).rows["train"]]
    assert found == [text for text, _ in ROWS]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", FILES)
@bounded
@given(data=st.data())
def test_a_spoilt_file_is_read_or_refused_without_a_review(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    path = tmp_path / name
    path.write_bytes(data.draw(mutated_bytes(FILES[name]) | st.binary(max_size=300)))
    try:
        assert isinstance(read_source(path), Source)
    except ReviewsError as error:
        require_sentence(error)
        _require_no_review(str(error))


@pytest.mark.timeout(120)
@bounded
@given(
    st.lists(
        st.tuples(
            (st.text(st.characters(codec="utf-8"), max_size=20) | st.just("train.csv")).filter(
                lambda name: name.split("\0")[0]
            ),
            st.sampled_from([*FILES.values(), b"", b"\0" * 100]),
        ),
        max_size=4,
        unique_by=lambda member: member[0].split("\0")[0],
    )
)
def test_an_archive_with_any_names_in_it_is_read_or_refused(
    tmp_path: Path, members: list[tuple[str, bytes]]
) -> None:
    path = tmp_path / "reviews.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    with refused_with_a_sentence(ReviewsError):
        assert isinstance(read_source(path), Source)
