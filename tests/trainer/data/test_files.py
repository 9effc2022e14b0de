"""The data files that people have: read as they are meant, or refused with a sentence."""

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import call_trainer
from trainer.data import files
from trainer.data.columns import Columns
from trainer.data.review_files import Review, Source, read_source
from trainer.data.reviews import load_reviews
from trainer.errors import ReviewsError

PRAISE = [
    "A warm, clever film and I smiled all evening.",
    "Loved the ending; the cast is superb.",
    "Beautiful pictures and a moving story.",
    'He said "wow" and left.',
]
COMPLAINT = [
    "Dull, far too long, and the jokes fall flat.",
    "I walked out after an hour of this mess.",
    "Lazy writing, cheap effects, no heart.",
    "Nothing works here, least of all the romance.",
]
ROWS = [*((text, 1) for text in PRAISE), *((text, 0) for text in COMPLAINT)]
REVIEWS = [Review(text, label) for text, label in ROWS]

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of the test's folder."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def _table(
    header: tuple[str, str] | None, negative: object, positive: object, separator: str = ","
) -> str:
    """The rows with quotation marks where the separator or a mark is in a text."""
    lines = [separator.join(header)] if header else []
    for text, label in ROWS:
        escaped = text.replace('"', '""')
        field = f'"{escaped}"' if separator in text or '"' in text else text
        lines.append(f"{field}{separator}{positive if label else negative}")
    return "\n".join(lines) + "\n"


def _plain(separator: str, *more: str) -> str:
    """The rows without a header and without quoting."""
    return "".join(f"{text}{separator}{label}\n" for text, label in ROWS) + "".join(more)


def _read(path: Path, **options: Any) -> list[Review]:
    return read_source(path, Columns.of(**options)).rows["train"]


def _refused(path: Path, **options: Any) -> str:
    with pytest.raises(ReviewsError) as caught:
        read_source(path, Columns.of(**options))
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert not any(text in sentence for text, _ in ROWS)
    return sentence.replace(str(path), "FILE")


class TestColumns:
    @pytest.mark.parametrize(
        "header",
        [
            *(("review", "sentiment"), ("Review", "Liked"), ("Text", "Label"), ("text", " label ")),
            *(("Sentence", "Class"), ("CONTENT", "polarity"), ("Review Text", "target")),
        ],
    )
    def test_common_names_are_recognised(self, write: Write, header: tuple[str, str]) -> None:
        assert _read(write("IMDB Dataset.csv", _table(header, "negative", "positive"))) == REVIEWS

    def test_others_are_named_by_options(self, write: Write) -> None:
        path = write("mine.csv", _table(("What they wrote", "stars"), 0, 1))
        assert "'stars'" in _refused(path)
        assert _read(path, text="what they wrote", label="stars") == REVIEWS
        assert "there is no column 'body', which --text-column names" in _refused(path, text="body")
        assert "both the text and the label" in _refused(path, text="stars", label="stars")

    def test_the_documented_names_win(self, write: Write) -> None:
        lines = ["text,label,sentiment,title"] + [f"film {n},{n % 2},7,x" for n in range(8)]
        path = write("mine.csv", "\n".join(lines))
        assert _read(path) == [Review(f"film {n}", n % 2) for n in range(8)]

    @pytest.mark.parametrize("header", ["review,comment,label", "text,Text,label"])
    def test_two_columns_that_may_be_meant_are_refused(self, write: Write, header: str) -> None:
        sentence = _refused(write("mine.csv", f"{header}\none,two,1\n"))
        assert "are both possible" in sentence
        assert "--text-column" in sentence

    @pytest.mark.parametrize("separator", ["\t", ";", ","])
    def test_without_a_header(self, write: Write, separator: str) -> None:
        assert _read(write("labelled.txt", _table(None, 0, 1, separator))) == REVIEWS

    def test_a_header_that_may_be_a_review_is_refused(self, write: Write) -> None:
        path = write("mine.tsv", "what\tpositive\n" + _plain("\t"))
        assert "line 1: this may be a header or a review" in _refused(path)

    def test_a_row_in_the_place_of_a_header_is_not_quoted(self, write: Write) -> None:
        path = write("mine.csv", "17,Loved it,Ann\n18,Hated it,Bob\n")
        assert "starts with a row" in _refused(path)
        assert "Loved" not in _refused(path)


class TestLabels:
    @pytest.mark.parametrize(
        ("negative", "positive"),
        [(0, 1), (0.0, 1.0), ("False", "True"), ("neg", "pos"), ("NEGATIVE", " Positive")],
    )
    def test_are_read_alike_in_every_format(
        self, write: Write, negative: object, positive: object
    ) -> None:
        header = ("text", "label")
        table = _table(header, negative, positive)
        assert _read(write("reviews.csv", table)) == REVIEWS
        records = [{"text": text, "label": positive if label else negative} for text, label in ROWS]
        assert _read(write("reviews.json", json.dumps(records))) == REVIEWS
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(records), buffer)
        assert _read(write("reviews.parquet", buffer.getvalue())) == REVIEWS

    @pytest.mark.parametrize("blank", ["", "  ", "nan", "NULL", '""'])
    def test_a_row_without_one_is_left_out_and_counted(self, write: Write, blank: str) -> None:
        path = write(
            "r.csv", _table(("text", "label"), 0, 1) + f"No verdict here at all.,{blank}\n"
        )
        source = read_source(path)
        assert (source.rows["train"], source.unlabelled) == (REVIEWS, 1)
        dropped = load_reviews(str(path)).dropped
        assert str(dropped) == "1 without a label"

    def test_missing_ones_in_json_and_parquet(self, write: Write) -> None:
        records = [{"text": text, "label": float(label)} for text, label in ROWS]
        lines = [*map(json.dumps, records), '{"text": "x", "label": NaN}']
        lines += ['{"text": "y", "label": null}', '{"text": "z"}']
        assert read_source(write("r.jsonl", "\n".join(lines))).unlabelled == 3
        buffer = io.BytesIO()
        table = pyarrow.Table.from_pylist([*records, {"text": "x", "label": None}])
        pyarrow.parquet.write_table(table, buffer)
        assert read_source(write("r.parquet", buffer.getvalue())).unlabelled == 1

    def test_the_label_map_says_what_others_mean(self, write: Write) -> None:
        table = _table(("text", "label"), 1, 5) + "So so.,3\n"
        path = write("stars.csv", table)
        sentence = _refused(path)
        assert "line 2: the label is '5'" in sentence
        assert "--label-map 1=negative,5=positive,3=skip" in sentence
        source = read_source(path, Columns.of(label_map=["1=negative", "5=positive", "3=skip"]))
        assert (source.rows["train"], source.unlabelled) == (REVIEWS, 1)
        sentence = _refused(path, label_map=["1=neg", "5=pos"])
        assert "line 10: the label is '3', which is not in --label-map" in sentence

    def test_among_stars_a_zero_has_no_meaning_of_its_own(self, write: Write) -> None:
        path = write("stars.csv", _table(("text", "label"), 0, 5))
        assert "the label is '0'" in _refused(path, label_map=["1=negative", "5=positive"])
        assert _read(path, label_map=["5=positive", "0=negative"]) == REVIEWS

    @pytest.mark.parametrize("entry", ["5", "5=good", "=positive", "1=positive"])
    def test_a_malformed_map_is_refused(self, entry: str) -> None:
        with pytest.raises(ReviewsError, match="--label-map"):
            Columns.of(label_map=["1=negative", entry])

    def test_in_swapped_columns_are_named_and_no_review_is_quoted(self, write: Write) -> None:
        sentence = _refused(write("r.csv", _table(("label", "text"), 0, 1)))
        assert "line 2: the label is where the text should be" in sentence

    @pytest.mark.parametrize("label", ["[" * 75_000, "Loved it", "Loved the ending", "Fine."])
    def test_what_may_be_a_review_is_described_only(self, write: Write, label: str) -> None:
        sentence = _refused(write("r.csv", f"text,label\nhm,{label}\n"))
        assert f"the label is a text of {len(label):,} characters" in sentence
        assert len(sentence) < 1000


class TestClassLabels:
    """Numbers that the file itself names."""

    FEATURES = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=["positive", "negative"])
    )

    @pytest.fixture
    def swapped(self) -> datasets.Dataset:
        texts, labels = zip(*ROWS, strict=True)
        columns = {"text": texts, "label": [1 - label for label in labels]}
        return datasets.Dataset.from_dict(columns, features=self.FEATURES)

    def test_of_a_parquet_file(self, tmp_path: Path, swapped: datasets.Dataset) -> None:
        swapped.to_parquet(tmp_path / "r.parquet")
        assert _read(tmp_path / "r.parquet") == REVIEWS

    def test_of_a_folder_that_save_to_disk_wrote(
        self, tmp_path: Path, swapped: datasets.Dataset
    ) -> None:
        swapped.save_to_disk(tmp_path / "one")
        assert _read(tmp_path / "one") == REVIEWS
        splits = datasets.DatasetDict(train=swapped, test=swapped.select([0]))
        splits.save_to_disk(tmp_path / "several")
        source = read_source(tmp_path / "several")
        assert source.rows == {"train": REVIEWS, "test": REVIEWS[:1]}

    def test_a_damaged_folder_is_refused(self, tmp_path: Path, swapped: datasets.Dataset) -> None:
        swapped.save_to_disk(tmp_path / "one")
        next((tmp_path / "one").glob("*.arrow")).write_bytes(b"nothing")
        assert "was not written by `save_to_disk`, or is damaged" in _refused(tmp_path / "one")
        os.mkfifo(tmp_path / "one" / "more.arrow")
        assert "more.arrow is not a regular file" in _refused(tmp_path / "one")

    def test_names_that_say_nothing_need_a_map(self, tmp_path: Path) -> None:
        features = datasets.Features(
            text=datasets.Value("string"), label=datasets.ClassLabel(names=["thumb", "nose"])
        )
        texts, labels = zip(*ROWS, strict=True)
        rows = datasets.Dataset.from_dict({"text": texts, "label": labels}, features=features)
        rows.to_parquet(path := tmp_path / "r.parquet")
        assert "row 1: the label is 'nose'" in _refused(path)
        assert _read(path, label_map=["nose=positive", "thumb=negative"]) == REVIEWS

    def test_a_number_without_a_name_and_a_missing_label(self, tmp_path: Path) -> None:
        rows = datasets.Dataset.from_dict(
            {"text": ["hm", *PRAISE], "label": [-1, 0, 0, 0, 0]}, features=self.FEATURES
        )
        rows.to_parquet(path := tmp_path / "r.parquet")
        assert read_source(path).unlabelled == 1
        table = pyarrow.parquet.read_table(path)
        table = table.set_column(
            1, "label", pyarrow.array([0, 1, 2, 0, 0])
        ).replace_schema_metadata(table.schema.metadata)
        pyarrow.parquet.write_table(table, path)
        assert "row 3: the label is 2, but the file names only 2" in _refused(path)


class TestSeparators:
    @pytest.mark.parametrize("separator", [";", "\t", "|"])
    def test_are_found_by_the_header(self, write: Write, separator: str) -> None:
        assert _read(write("r.csv", _table(("text", "label"), 0, 1, separator))) == REVIEWS

    @pytest.mark.parametrize("before", ["\n", " \n\n", "sep=,\n", "\ufeffsep=,\r\n", ",,\n"])
    def test_lines_before_the_header_are_passed_over(self, write: Write, before: str) -> None:
        table = _table(("text", "label"), 0, 1)
        assert _read(write("r.csv", before + table)) == REVIEWS
        line = before.count("\n") + 2
        wrong = before + table.replace(",1\n", ",7\n", 1)
        assert f"line {line}: the label is '7'" in _refused(write("wrong.csv", wrong))

    def test_a_header_that_can_be_read_in_two_ways_is_refused(self, write: Write) -> None:
        sentence = _refused(write("r.csv", "text,label,a;text;label\n"))
        assert "a comma or a semicolon" in sentence
        assert "sep=;" in sentence

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (
                "text,label\nA film, I thought, that never ends,0\n",
                "line 2 has 4 fields, the header 2",
            ),
            ("label,text\n1,A warm, clever film\n", "line 2 has 3 fields, the header 2"),
            ("id,label,text\n7,1,Good, clever\n", "line 2 has 4 fields, the header 3"),
            ("text,label\nGood.,1\nBad.\n", "line 3 has 1 field, the header 2"),
            ("Good,1\nBad, really,0\n", "line 2 has 3 fields, the first row 2"),
        ],
    )
    def test_a_row_of_another_length_is_refused(
        self, write: Write, content: str, sentence: str
    ) -> None:
        assert sentence in _refused(write("r.csv", content))


class TestQuotationMarks:
    HEADER = ("text", "label")

    @pytest.mark.parametrize(
        "line",
        [
            '"You will love it, my aunt said,1',
            r'"He said \"wow\" and left",1',
            '"Go see it" they said,1',
        ],
    )
    def test_one_left_open_is_refused_by_the_line_that_opens_it(
        self, write: Write, line: str
    ) -> None:
        table = _table(self.HEADER, 0, 1).splitlines()
        sentence = _refused(write("r.csv", "\n".join([*table[:4], line, *table[4:]])))
        assert "line 5: a quotation mark opens a field that is not closed" in sentence
        assert "expected" not in sentence

    def test_one_that_swallows_rows_is_refused(self, write: Write) -> None:
        for header, rows in (
            ("text,label", ['"Open,1', "Fine,1", 'He called it "",0', '5",0']),
            ("label,text", ['1,"Open', "1,Fine", '0,5"']),
        ):
            sentence = _refused(write("r.csv", "\n".join([header, *rows])))
            assert "line 2: a quotation mark opens here and closes on line" in sentence

    def test_text_over_several_lines_is_read(self, write: Write) -> None:
        text = "One, two.\n\nThree, 4."
        assert _read(write("r.csv", f'text,label\n"{text}",1\n')) == [Review(text, 1)]
        assert _read(write("r.csv", f'label,text\n1,"{text}"\n')) == [Review(text, 1)]
        path = write("r.csv", f'text,label\n"{text}",1\n"{text}",x\n')
        assert "line 5: the label is 'x'" in _refused(path)

    def test_after_a_blank(self, write: Write) -> None:
        path = write("r.csv", 'text, label\n"Warm, clever", "positive"\nDull, "negative"\n')
        assert _read(path) == [Review("Warm, clever", 1), Review("Dull", 0)]

    @pytest.mark.parametrize(
        "marked",
        [
            ['"You will love it, my aunt said, and I did.'],
            ['"You will love it, my aunt said.', '"Go see it" they said.'],
            ['"You will love it.', 'It was "fine"'],  # quoting would join these to one row
        ],
    )
    def test_that_mean_nothing_in_a_tab_separated_file(
        self, write: Write, marked: list[str]
    ) -> None:
        path = write("r.tsv", "text\tlabel\n" + _plain("\t", *(f"{text}\t1\n" for text in marked)))
        assert _read(path) == [*REVIEWS, *(Review(text, 1) for text in marked)]

    def test_that_quote_in_a_tab_separated_file(self, write: Write) -> None:
        path = write("r.tsv", 'text\tlabel\n"It is ""fine"""\t1\n"Two\nlines"\t0\n')
        assert _read(path) == [Review('It is "fine"', 1), Review("Two\nlines", 0)]

    def test_a_field_that_is_too_long(self, write: Write) -> None:
        sentence = _refused(write("r.csv", f"text,label\n{'x' * 200_000},1\n"))
        assert "line 2: a field has over 131,072 characters" in sentence


RECORDS = [{"review": text, "sentiment": label} for text, label in ROWS]
COLUMNS = {
    name: {str(number): row[name] for number, row in enumerate(RECORDS)}
    for name in ("review", "sentiment")
}


class TestJson:
    @pytest.mark.parametrize(
        "content",
        [
            json.dumps(RECORDS),
            json.dumps(RECORDS, indent=1),
            "\n".join(map(json.dumps, RECORDS)),
            json.dumps(COLUMNS),
            json.dumps({name: list(column.values()) for name, column in COLUMNS.items()}, indent=2),
        ],
    )
    @pytest.mark.parametrize("name", ["r.json", "r.jsonl"])
    def test_in_every_shape(self, write: Write, name: str, content: str) -> None:
        assert _read(write(name, content)) == REVIEWS

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ('[\n{"text": "a", "label": 1},\n{"text" "b"}]', "line 3: not valid JSON"),
            ('{"text": "a", "label": 1}\n{"text": "b" "label"}', "line 2: not valid JSON"),
            ('{"text": "a", "label": 1}\n[1]', "line 2: not an object"),
            ('[{"text": "a", "label": 1}, 7]', "item 2: not an object"),
            ('{"text": "a", "label": 1}\n{"label": 0}', "line 2: the object has no 'text'"),
            ('{"text": {"0": "a"}, "label": {"1": 1}}', "do not have the same rows"),
            ('{"text": 2012, "label": 1}', "the text must be a string"),
            ('{"text": "a", "label": {"b": "a long story"}}', "do not have the same rows"),
            ('[{"text": "a", "label": {"b": "a long story"}}]', "the label is an object"),
            ('[{"text": "a", "label": ' + "9" * 4000 + "}]", "the label is a very large number"),
            ("[" * 100_000, "nested too deeply"),
            ('{"text": "a", "label": 1}\n' + '{"a":' * 100_000, "line 2: the JSON is nested"),
            (" ", "is empty"),
        ],
    )
    def test_what_is_refused(self, write: Write, content: str, sentence: str) -> None:
        found = _refused(write("r.json", content))
        assert sentence in found
        assert "story" not in found


class TestPacked:
    TABLE = _table(("text", "label"), 0, 1)

    def _zip(self, path: Path, **members: str) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "."), content)
        return path

    def test_gzip(self, write: Write) -> None:
        packed = gzip.compress(self.TABLE.encode())
        assert _read(write("r.csv.gz", packed)) == REVIEWS
        for damaged in (packed[:40], packed[:-9] + b"xxxxxxxxx", b"no gzip at all"):
            assert "not a gzip file, or is damaged" in _refused(write("r.csv.gz", damaged))

    def test_zip(self, tmp_path: Path) -> None:
        path = self._zip(tmp_path / "archive.zip", **{"IMDB Dataset__csv": self.TABLE})
        assert _read(path) == REVIEWS
        path = self._zip(tmp_path / "b.zip", train__csv=self.TABLE, test__csv="text,label\nx,1\n")
        assert read_source(path).rows == {"train": REVIEWS, "test": [Review("x", 1)]}

    @pytest.mark.parametrize("members", [(), ("a__csv", "b__csv"), ("readme__txt",)])
    def test_a_zip_that_holds_no_file_or_several(
        self, tmp_path: Path, members: tuple[str, ...]
    ) -> None:
        path = self._zip(tmp_path / "r.zip", **dict.fromkeys(members, self.TABLE))
        assert "must hold one data file" in _refused(path)

    def test_a_damaged_zip(self, tmp_path: Path, write: Write) -> None:
        assert "not a readable zip archive" in _refused(write("r.zip", b"PK and nothing"))
        path = self._zip(tmp_path / "r.zip", r__csv=self.TABLE)
        path.write_bytes(path.read_bytes().replace(b"A warm", b"A cold"))
        assert "not a readable zip archive" in _refused(path)

    def test_what_unpacks_without_end_is_refused(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MAX_BYTES", 2 * 1024**2)
        path = write("r.csv.gz", gzip.compress(b"x" * 8 * 1024**2))
        assert "holds more than" in _refused(path)

    def test_what_grows_a_thousandfold_is_refused_before_it_fills_the_memory(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "FREE_BYTES", 1024**2)
        table = b"text,label\n" + b"a,1\n" * 500_000
        archive, columns = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for number in range(3):  # each within the limit, but not all together
                file.writestr(f"train{number}.csv", table[: 700 * 1024])
        with zipfile.ZipFile(inner := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("train.csv.gz", gzip.compress(table))
        rows = {"text": ["a long text " * 500] * 3_000, "label": [1] * 3_000}
        pyarrow.parquet.write_table(pyarrow.table(rows), columns)
        assert len(columns.getvalue()) < 20_000
        for name, content in (
            ("r.csv.gz", gzip.compress(table)),
            ("r.zip", archive.getvalue()),
            ("inner.zip", inner.getvalue()),
            ("r.parquet", columns.getvalue()),
        ):
            assert "more than 100 times its own size" in _refused(write(name, content))

    def test_a_tar_archive_is_to_be_unpacked(self, write: Write) -> None:
        assert "unpack other archives first" in _refused(write("aclImdb_v1.tar.gz", b""))

    def test_utf_16_as_spreadsheets_write_it(self, write: Write) -> None:
        table = _table(("text", "label"), 0, 1, "\t")
        assert _read(write("r.txt", table.encode("utf-16"))) == REVIEWS


class TestPaths:
    """Each by the command line: nothing hangs, and each ends in one sentence."""

    def _evaluate(self, dataset: str, checkpoint: Path, cwd: Path) -> str:
        result = call_trainer(
            *("evaluate", "--checkpoint", checkpoint, "--dataset", dataset), cwd=cwd
        )
        assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
        return result.stderr

    def test_what_is_no_regular_file(self, tmp_path: Path, checkpoint: Path) -> None:
        os.mkfifo(tmp_path / "pipe.csv")
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "folder" / "train.csv")
        for dataset in ("pipe.csv", "folder", "/dev/zero"):
            assert "is not a regular file" in self._evaluate(dataset, checkpoint, tmp_path)

    @pytest.mark.parametrize(
        "name", ["a" * 300, "./" + "a" * 300, "~nouser/x", "no\nerror: file.csv", "a\0b.csv"]
    )
    def test_names_that_lead_nowhere(self, tmp_path: Path, checkpoint: Path, name: str) -> None:
        assert len(self._evaluate(name, checkpoint, tmp_path)) < 400

    def test_a_header_cannot_forge_lines(
        self, tmp_path: Path, write: Write, checkpoint: Path
    ) -> None:
        write("r.csv", '"a\nerror: b\x1b[31m",stars,"\x1b]0;title\x07"\nnice,5,x\n')
        write("r.json", '[{"a\\nerror: b\\u001b[31m": 1, "stars": 2}]')
        for name in ("r.csv", "r.json"):
            sentence = self._evaluate(name, checkpoint, tmp_path)
            assert sentence.strip().isprintable()

    def test_the_options_reach_fit_and_evaluate(
        self, tmp_path: Path, quick: list[str | Path], reviews: Path
    ) -> None:
        table = reviews.read_text().replace("text,label", "body,stars")
        mine = tmp_path / "mine.csv"
        mine.write_text(table.replace("positive", "5").replace("negative", "1"))
        options = ("--text-column", "body", "--label-column=stars", "--label-map=5=pos,1=neg")
        fitted = call_trainer(*quick, "--dataset", mine, *options, "--output", "x", cwd=tmp_path)
        assert fitted.returncode == 2  # the first set has other columns
        quick = [mine if word == reviews else word for word in quick]
        fitted = call_trainer(*quick, *options, "--output", "x", cwd=tmp_path)
        assert fitted.returncode == 0, fitted.stderr
        hyperparameters = json.loads((tmp_path / "x/training.json").read_text())["hyperparameters"]
        assert hyperparameters["label_map"] == ["5=pos", "1=neg"]
        judged = call_trainer(
            *("evaluate", "--checkpoint", "x", "--dataset", mine, "--json", *options), cwd=tmp_path
        )
        assert json.loads(judged.stdout)["accuracy"] > 0.5


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["r.csv", "r.tsv", "r.json", "r.jsonl", "r.parquet", "r.zip", "r.csv.gz"]),
    content=st.binary(max_size=200)
    | st.text(st.sampled_from('text,label;\t|\n\r"\\01{}[]: sep=\x1b\ufeff\0Ā'), max_size=200).map(
        str.encode
    )
    | st.text(st.sampled_from('01,;\t\n" .'), max_size=100).map(
        lambda t: f"text,label\n{t}".encode()
    ),
)
def test_any_content_is_read_or_refused_with_one_line(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    sentence = ""
    try:
        assert isinstance(read_source(path), Source)
    except ReviewsError as error:
        sentence = str(error)
    assert len(sentence) < 1000
    assert not sentence or sentence.isprintable()
