"""Where reviews come from, what is refused, and how they are split and sampled."""

import json
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.conftest import separable_reviews, write_csv
from trainer.data.review_files import Review
from trainer.data.reviews import (
    imbalance_warning,
    load_reviews,
    sample_balanced,
    sample_first,
    split_reviews,
    take,
)
from trainer.errors import ReviewsError

Row = tuple[str, str]


def _distinct(count: int, words: str = "review") -> list[Review]:
    return [Review(f"{words} {number}", number % 2) for number in range(count)]


class TestFormats:
    @pytest.fixture
    def rows(self) -> list[Row]:
        return separable_reviews()

    def _check(self, path: Path, rows: list[Row]) -> None:
        reviews = load_reviews(str(path))
        everything = [*reviews.train, *reviews.validation, *reviews.test]
        found = {(review.text, ("negative", "positive")[review.label]) for review in everything}
        assert found == set(rows)

    def test_csv(self, tmp_path: Path, rows: list[Row]) -> None:
        self._check(write_csv(tmp_path / "reviews.csv", rows), rows)

    def test_csv_with_line_breaks_and_quotes_inside(self, tmp_path: Path) -> None:
        rows = [(f'a "quoted"\nline, {n}', "positive" if n % 2 else "negative") for n in range(20)]
        self._check(write_csv(tmp_path / "reviews.csv", rows), rows)

    def test_tsv(self, tmp_path: Path, rows: list[Row]) -> None:
        path = tmp_path / "reviews.tsv"
        path.write_text("".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *rows]))
        self._check(path, rows)

    def test_json_lines(self, tmp_path: Path, rows: list[Row]) -> None:
        path = tmp_path / "reviews.jsonl"
        lines = [json.dumps({"text": text, "label": label, "stars": 3}) for text, label in rows]
        path.write_text("\n".join(lines) + "\n\n")
        self._check(path, rows)

    def test_parquet(self, tmp_path: Path, rows: list[Row]) -> None:
        texts, labels = zip(*rows, strict=True)
        table = pyarrow.table({"text": texts, "label": [int(x == "positive") for x in labels]})
        pyarrow.parquet.write_table(table, tmp_path / "reviews.parquet")
        self._check(tmp_path / "reviews.parquet", rows)

    def test_acl_imdb_folder(self, tmp_path: Path, rows: list[Row]) -> None:
        for number, (text, label) in enumerate(rows):
            folder = tmp_path / ("test" if number % 4 == 0 else "train") / label[:3]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}_7.txt").write_text(text)
        reviews = load_reviews(str(tmp_path))
        assert reviews.has_own_test
        assert len(reviews.test) == len(rows) / 4
        assert len(reviews.train) + len(reviews.validation) == len(rows) * 3 / 4

    def test_folder_with_train_and_test_files(self, tmp_path: Path, rows: list[Row]) -> None:
        write_csv(tmp_path / "train-00000.csv", rows[::2])
        write_csv(tmp_path / "test.csv", rows[1::2])
        reviews = load_reviews(str(tmp_path))
        assert [review.text for review in reviews.test] == [text for text, _ in rows[1::2]]

    @pytest.mark.parametrize("label", ["pos", "POS", "Positive", "1", " positive "])
    def test_spellings_of_a_label(self, tmp_path: Path, label: str) -> None:
        rows = [(f"good {n}", label) for n in range(9)] + [(f"bad {n}", "neg") for n in range(9)]
        reviews = load_reviews(str(write_csv(tmp_path / "reviews.csv", rows)))
        assert reviews.class_sizes[1] > 0


class TestRefused:
    def _refused(self, path: Path) -> str:
        with pytest.raises(ReviewsError) as caught:
            load_reviews(str(path))
        return str(caught.value)

    def test_missing_path(self, tmp_path: Path) -> None:
        assert "There is no file or folder" in self._refused(tmp_path / "none.csv")

    def test_wrong_columns_are_listed(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.csv"
        path.write_text("review,stars\nnice,5\n")
        assert "line 1: no label column was recognised" in self._refused(path)
        assert "Found: 'review', 'stars'." in self._refused(path)
        assert "--label-column" in self._refused(path)

    def test_first_unknown_label_is_named_with_its_line(self, tmp_path: Path) -> None:
        rows = [("fine", "pos"), ("hm", "neutral"), ("well", "meh")]
        sentence = self._refused(write_csv(tmp_path / "reviews.csv", rows))
        assert "line 3: the label is 'neutral'" in sentence
        assert "0 or 1, false or true, neg or pos, negative or positive" in sentence
        assert "--label-map" in sentence

    @pytest.mark.parametrize(("label", "missing"), [("pos", "negative"), ("neg", "positive")])
    def test_one_class_only(self, tmp_path: Path, label: str, missing: str) -> None:
        rows = [(f"review {n}", label) for n in range(20)]
        sentence = self._refused(write_csv(tmp_path / "reviews.csv", rows))
        assert f"holds no {missing} training reviews" in sentence

    def test_non_utf8_byte_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.csv"
        path.write_bytes(b"text,label\nfine,pos\ncaf\xe9,neg\n")
        assert "line 3: byte 0xe9 is not UTF-8" in self._refused(path)

    def test_broken_json_line(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.jsonl"
        path.write_text('{"text": "fine", "label": 1}\n{"text": \n')
        assert "line 2: not valid JSON" in self._refused(path)

    def test_truncated_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.parquet"
        path.write_bytes(b"PAR1 and then nothing")
        assert "not a parquet file, or is damaged" in self._refused(path)

    def test_unknown_kind_of_file(self, tmp_path: Path) -> None:
        path = tmp_path / "reviews.docx"
        path.write_text("text,label\n")
        assert "Use parquet, CSV, TSV or JSON Lines" in self._refused(path)

    def test_folder_without_reviews(self, tmp_path: Path) -> None:
        assert "holds no training reviews" in self._refused(tmp_path)

    def test_name_that_the_silent_hub_cannot_give(self) -> None:
        with pytest.raises(ReviewsError, match="the hub does not answer") as caught:
            load_reviews("nobody/no-such-reviews")
        assert "--dataset starter" in str(caught.value)


class TestCleaning:
    def test_what_is_left_out_is_counted(self) -> None:
        rows = [
            *_distinct(20),
            Review("", 1),
            Review("  \n", 0),
            Review("review 1", 1),  # again
            Review("review 2 ", 1),  # again, with the other label
        ]
        own_test = [Review("review 3", 1), Review("unseen", 0), Review(" ", 0)]
        reviews = split_reviews("mine", rows, own_test)
        dropped = reviews.dropped
        assert (dropped.empty, dropped.duplicate, dropped.contradictory, dropped.in_test) == (
            *(3, 2, 1, 1),
        )
        texts = {review.text for review in (*reviews.train, *reviews.validation)}
        assert texts == {f"review {n}" for n in range(20) if n not in (2, 3)}
        assert [review.text for review in reviews.test] == ["review 3", "unseen"]

    def test_line_break_tags_do_not_make_a_review_another(self) -> None:
        rows = [*_distinct(20), Review("review<br />1", 1)]
        assert split_reviews("mine", rows, None).dropped.duplicate == 1


class TestSplits:
    def test_are_disjoint_stratified_and_complete(self) -> None:
        reviews = split_reviews("mine", _distinct(200), None)
        splits = [reviews.train, reviews.validation, reviews.test]
        texts = [{review.text for review in split} for split in splits]
        assert sum(map(len, texts)) == len(set.union(*texts)) == 200
        for split in splits:
            counts = Counter(review.label for review in split)
            assert counts[0] == counts[1] > 0

    def test_depend_on_the_texts_and_not_on_their_order(self) -> None:
        rows = _distinct(100)
        there, back = split_reviews("a", rows, None), split_reviews("b", rows[::-1], None)
        assert there.validation == back.validation
        assert there.test == back.test
        assert there.fingerprint != back.fingerprint


class TestSample:
    def test_takes_the_fraction_of_each_class_shuffled(self) -> None:
        reviews = split_reviews("mine", _distinct(1000), _distinct(10, "other"))
        sample = sample_balanced(reviews, 0.1, seed=0)
        labels = [review.label for review in sample]
        assert Counter(labels) == {0: 50, 1: 50}
        assert labels != sorted(labels)
        assert len({review.text for review in sample}) == 100

    def test_the_smaller_class_sets_the_number(self) -> None:
        rows = [Review(f"review {n}", int(n < 100)) for n in range(1000)]
        sample = sample_balanced(split_reviews("mine", rows, [Review("x", 0)]), 0.5, seed=0)
        assert Counter(review.label for review in sample) == {0: 50, 1: 50}

    def test_the_seed_draws_it(self) -> None:
        reviews = split_reviews("mine", _distinct(200), None)
        first, again, other = (sample_balanced(reviews, 0.5, seed) for seed in (0, 0, 1))
        assert first == again != other

    def test_under_two_a_class_is_refused(self) -> None:
        reviews = split_reviews("mine", _distinct(100), None)
        with pytest.raises(ReviewsError, match=r"fraction 0\.01 of mine is 0 reviews per class"):
            sample_balanced(reviews, 0.01, seed=0)


class TestWithoutBalance:
    def test_takes_the_first_rows_of_the_file(self) -> None:
        rows = [Review(f"review {n}", int(n >= 500)) for n in range(1000)]
        reviews = split_reviews("sorted", rows, [Review("x", 0)])
        sample = sample_first(reviews, 0.01)
        kept = {review.text for review in reviews.train}
        assert sample == [review for review in rows if review.text in kept][:10]
        assert {review.label for review in sample} == {0}
        assert set(sample_first(reviews, 1.0)) == set(reviews.train)

    def test_under_two_is_refused(self) -> None:
        reviews = split_reviews("mine", _distinct(100), None)
        with pytest.raises(ReviewsError, match=r"fraction 0\.01 of mine is 1 reviews"):
            sample_first(reviews, 0.01)

    def test_one_class_alone_is_warned_of(self) -> None:
        warning = imbalance_warning([Review(str(n), 0) for n in range(1250)])
        assert "Class imbalance: all 1,250 training reviews are negative" in warning
        assert "calls everything negative. Use --balance on." in warning

    def test_uneven_classes_are_warned_of_with_their_counts(self) -> None:
        warning = imbalance_warning([Review(str(n), int(n < 61)) for n in range(100)])
        assert "of 100 training reviews 61 are positive and only 39 (39%) are negative" in warning

    def test_nearly_even_classes_are_not(self) -> None:
        assert imbalance_warning([Review(str(n), int(n < 60)) for n in range(100)]) == ""


def test_limit_takes_the_same_reviews_whatever_their_order() -> None:
    rows = _distinct(50)
    assert take(rows, 10) == take(rows[::-1], 10)
    assert {review.label for review in take(rows, 10)} == {0, 1}
