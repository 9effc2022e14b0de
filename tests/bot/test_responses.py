"""responses.yaml: what it must hold, and what is said when it does not."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from bot.errors import ResponsesError
from bot.responses import Kind, Responses, default_responses_file

SHIPPED = default_responses_file().read_text("utf-8")
VALID = "".join(f"{kind}:\n  - One.\n  - Two.\n" for kind in Kind)


def _write(folder: Path, content: str | bytes) -> Path:
    file = folder / "responses.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_the_original_sentences_are_among_them() -> None:
    sentences = yaml.safe_load(SHIPPED)
    original = "Thank you for your positive review! We're glad you enjoyed the movie."
    assert original in sentences["positive"]
    original = "We're sorry to hear you didn't enjoy the movie. We appreciate your feedback."
    assert original in sentences["negative"]


def test_where_the_bot_has_not_understood_it_neither_thanks_nor_consoles() -> None:
    shipped = yaml.safe_load(SHIPPED)
    for kind in (Kind.UNSURE, Kind.OFF_TOPIC, Kind.FOREIGN):
        said = " ".join(shipped[kind]).lower()
        assert not any(word in said for word in ("thank", "sorry", "apolog", "glad"))
    assert all("?" in sentence for sentence in shipped[Kind.UNSURE])


@pytest.mark.parametrize("kind", Kind)
def test_no_sentence_is_said_twice_in_a_row_and_all_are_said(kind: Kind) -> None:
    responses = Responses.load(default_responses_file())
    said = [responses.say(kind) for _ in range(300)]
    sentences = yaml.safe_load(SHIPPED)[kind]
    assert len(sentences) == 1 or all(one != other for one, other in pairwise(said))
    assert sorted(set(said)) == sorted(sentences)


def test_all_sentences_are_counted() -> None:
    shipped = sum(len(sentences) for sentences in yaml.safe_load(SHIPPED).values())
    assert Responses.load(default_responses_file()).count == shipped


def test_a_single_sentence_may_be_repeated(tmp_path: Path) -> None:
    responses = Responses.load(_write(tmp_path, VALID.replace("  - Two.\n", "")))
    assert responses.say(Kind.EMPTY) == responses.say(Kind.EMPTY) == "One."


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode()
    assert Responses.load(_write(tmp_path, content)).say(Kind.BUSY) in ("One.", "Two.")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("negative:\n  - One.\n  - Two.\n", "", 1, "'negative' is missing"),
        ("negative:", "negativ:", 1, "'negative' is missing; add it"),
        (VALID, "positive: [a]", 1, "'negative', 'unsure', 'off_topic', 'foreign', 'empty', "),
        (VALID, "positive: [a]", 1, "'privacy' are missing; add each, with at least one sentence"),
        ("busy:", "funny: [a]\nbusy:", 25, "'funny' is not a kind of sentence"),
        ("busy:", "positive: [a]\nbusy:", 25, "stands here again (first in line 1)"),
        ("positive:\n  - One.\n  - Two.", "positive:", 1, "must be a list"),
        ("positive:\n  - One.\n  - Two.", "positive: []", 1, "has no sentence"),
        ("positive:\n  - One.\n  - Two.", "positive: One.", 1, "must be a list"),
        ("negative:\n  - One.\n  - Two.", "negative:\n  - 5", 5, "quotation marks"),
        ("negative:\n  - One.", "negative:\n  - '  '", 5, "blank"),
        ("negative:\n  - One.", "negative:\n  - 2024-01-01", 5, "quotation marks"),
        ("negative:\n  - One.", "negative:\n  - 2024-99-99", 5, "quotation marks"),
        ("negative:\n  - One.", "negative:\n  - Sorry: really", 5, "quotation marks"),
        ("negative:\n  - One.", "negative:\n  - " + "x" * 2001, 5, "2,001 characters"),
        ("negative:\n  - One.", 'negative:\n  - "One.', 5, "not valid YAML"),
        ("negative:\n  - One.", 'negative:\n  - "One."s', 5, "not valid YAML"),
        ("negative:\n  - One.", "negative:\n  - [One.]", 5, "quotation marks"),
        ("negative:\n  - One.", "negative:\n  - *one", 5, "not valid YAML"),
        ("negative:\n  - One.", "negative:\n\t- One.", 5, "not valid YAML"),
        ("negative:\n  - One.", "negative:\n  - One.\x07", 5, "control character"),
        ("negative:\n  - One.", "negative:\n  - !python/name:os.system x", 5, "quotation marks"),
        (VALID, "", 1, "expected the lists positive, negative"),
        (VALID, "- One.", 1, "expected the lists"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in VALID
    file = _write(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(ResponsesError) as caught:
        Responses.load(file)
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert problem in str(caught.value)


def test_other_encodings_are_refused_with_their_line(tmp_path: Path) -> None:
    file = _write(tmp_path, VALID.encode() + "# caf\xe9".encode("latin-1"))
    with pytest.raises(ResponsesError, match=rf"line {3 * len(Kind) + 1}: this is not UTF-8"):
        Responses.load(file)


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResponsesError, match=r"is missing.*RESPONSES_FILE"):
        Responses.load(tmp_path / "responses.yaml")
    with pytest.raises(ResponsesError, match="cannot be read: Is a directory"):
        Responses.load(tmp_path)


def test_the_working_directory_s_file_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_responses_file().read_text("utf-8") == SHIPPED
    _write(tmp_path, VALID)
    assert default_responses_file().read_text("utf-8") == VALID
