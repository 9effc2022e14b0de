"""responses.yaml: what it must hold, and what is said when it does not."""

import json
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from bot.answers import Side
from bot.errors import ResponsesError
from bot.examples import EXAMPLES
from bot.responses import (
    HELP_LINE,
    MOST_BYTES,
    OPTIONAL,
    OWNER,
    QUESTIONS,
    Kind,
    Responses,
    default_responses_file,
)

SHIPPED = default_responses_file().read_text("utf-8")
SENTENCES = {
    kind: [entry if isinstance(entry, str) else entry["say"] for entry in entries]
    for kind, entries in yaml.safe_load(SHIPPED).items()
}
REQUIRED = [kind for kind in Kind if kind not in OPTIONAL]
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
    asked = [kind for kind in QUESTIONS if kind is not Kind.CORRECTION]  # which does apologise
    for kind in (*asked, Kind.QUESTION, Kind.OFF_TOPIC, Kind.FOREIGN):
        said = " ".join(SENTENCES[kind]).lower()
        assert not any(word in said for word in ("thank", "sorry", "apolog", "glad"))
    assert all("?" in sentence for kind in QUESTIONS for sentence in SENTENCES[kind])


def test_who_is_in_distress_is_pointed_to_people_calmly() -> None:
    for sentence in yaml.safe_load(SHIPPED)[Kind.DISTRESS]:
        assert "{help_line}" in sentence
        assert "emergency" in sentence
        assert sentence.isascii()  # no emoji
        assert not re.search(r"!|thank|film|movie|review|glad|welcome", sentence, re.IGNORECASE)


def test_no_list_promises_that_somebody_will_look() -> None:
    shipped = yaml.safe_load(SHIPPED)
    for kind in (Kind.SERVICE, Kind.PERSON, Kind.QUESTION):
        assert all("this server" in sentence for sentence in shipped[kind])
        assert not re.search(
            r"\bwe('ll| will)|get back to|forwarded|on (its|their) way", " ".join(shipped[kind])
        )


def test_the_help_line_takes_its_place(tmp_path: Path) -> None:
    file = _write(tmp_path, VALID.replace("One.", "Ask {help_line}.").replace("  - Two.\n", ""))
    for responses, words in [
        (Responses.load(file), HELP_LINE),
        (Responses.load(file, "Samaritans, 116 123"), "Samaritans, 116 123"),
    ]:
        assert responses.say(Kind.DISTRESS) == f"Ask {words}."
        assert responses.say(Kind.NEGATIVE) == f"Ask {words}."
    with pytest.raises(ResponsesError, match=r"'positive' has 2,005 characters"):
        Responses.load(file, "x" * 2_000)


def test_the_owner_takes_their_place_in_every_list(tmp_path: Path) -> None:
    file = _write(tmp_path, VALID.replace("One.", "Ask {owner}.").replace("  - Two.\n", ""))
    responses = Responses.load(file, "{owner}")
    for kind in Kind:
        assert responses.say(kind, owner="<@1>") == "Ask <@1>."
        assert responses.say(kind) == f"Ask {OWNER}."
    # There is room for a name.
    _write(tmp_path, VALID.replace("One.", "Ask {owner}" + "x" * 1_990, 1))
    with pytest.raises(ResponsesError, match=r"'positive' has 2,034 characters"):
        Responses.load(file)


def test_a_comment_after_quotation_marks_or_in_a_block_cuts_nothing(tmp_path: Path) -> None:
    entry = '  - "Our #1." # a note\n  - |- # a note\n    Our #2 #3\n'
    responses = Responses.load(_write(tmp_path, VALID.replace("  - One.\n  - Two.\n", entry, 1)))
    assert {responses.say(Kind.POSITIVE) for _ in range(50)} == {"Our #1.", "Our #2 #3"}


@pytest.mark.parametrize("kind", Kind)
def test_no_sentence_is_said_twice_in_a_row_and_all_are_said(kind: Kind) -> None:
    responses = Responses.load(default_responses_file(), help_line="{help_line}")
    said = [responses.say(kind, owner="{owner}") for _ in range(300)]
    sentences = SENTENCES[kind]
    assert len(sentences) == 1 or all(one != other for one, other in pairwise(said))
    assert sorted(set(said)) == sorted(sentences)


def test_all_sentences_are_counted() -> None:
    shipped = sum(map(len, SENTENCES.values()))
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
        ("negative:", "negativ:", 1, "'negative' is missing; copy this to the end of the file"),
        (VALID, "positive: [a]", 1, "'negative', 'unsure', 'greeting', 'thanks', 'service', "),
        (VALID, "positive: [a]", 1, "'privacy' are missing; copy this to the end of the file"),
        ("busy:", "funny: [a]\nbusy:", 70, "'funny' is not a kind of sentence"),
        ("busy:", "positive: [a]\nbusy:", 70, "stands here again (first in line 1)"),
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
        ("negative:\n  - One.", "negative:\n  - We're #1", 5, "taken for a comment"),
        ("negative:\n  - One.", "negative:\n  - We're\n    here #1", 6, "taken for a comment"),
        ("negative:\n  - One.", "negative:\n  - **One.**", 5, "cannot begin with *"),
        ("negative:\n  - One.", "negative:\n  - 'We're one.'", 5, "an apostrophe ends"),
        ("negative:\n  - One.", 'negative:\n  - "Hi {user}"', 5, "{user} in this sentence"),
        ("negative:\n  - One.", 'negative:\n  - "Ask { owner }"', 5, "those are {owner} and"),
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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[" * 2_000, "not valid YAML"),
        ("{a: " * 2_000, "not valid YAML"),
        ("- " * 2_000, "not valid YAML"),
        ('positive: ["\\UFFFFFFFF"]', "not valid YAML"),
        (f"{VALID}#{'x' * MOST_BYTES}", "cannot be read: it is larger than 262,144 bytes"),
    ],
)
def test_a_hostile_file_ends_in_a_sentence(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(ResponsesError, match=problem):
        Responses.load(_write(tmp_path, content))


def test_what_is_quoted_of_a_file_is_cut(tmp_path: Path) -> None:
    name = "x\x1b" * 20_000
    placeholder = VALID.replace("One.", json.dumps(f"{{{name}}}"), 1)
    for content in (f"{VALID}{json.dumps(name)}: [a]\n", f"{VALID}*{'a' * 90_000}\n", placeholder):
        with pytest.raises(ResponsesError) as caught:
            Responses.load(_write(tmp_path, content))
        assert len(str(caught.value)) < 1_000
        assert "\x1b" not in str(caught.value)


@pytest.mark.timeout(20)
def test_a_pipe_or_a_device_in_its_place_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "responses.yaml")
    for file in (tmp_path / "responses.yaml", Path("/dev/zero")):
        with pytest.raises(ResponsesError, match="not a regular file"):
            Responses.load(file)


@pytest.mark.parametrize("number", [1, 7, len(REQUIRED) - 1])
def test_lists_that_are_missing_are_told_at_once_and_ready_to_copy(
    tmp_path: Path, number: int
) -> None:
    lists = [f"{kind}:\n  - One.\n" for kind in REQUIRED]
    file = _write(tmp_path, "".join(lists[:-number]))
    with pytest.raises(ResponsesError) as caught:
        Responses.load(file)
    names = list(yaml.safe_load(caught.value.sample))
    assert names == REQUIRED[-number:]
    assert all(f"'{name}'" in caught.value.problem for name in names)
    assert str(caught.value) == f"{caught.value.problem}\n\n{caught.value.sample}"
    _write(tmp_path, "".join(lists[:-number]) + caught.value.sample)
    assert Responses.load(file).count == len(REQUIRED)


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


# Questions that say what a yes means

QUESTION = '  - say: "Good?"\n    yes: positive\n'


def _asking(entries: str, kind: str = "unsure") -> str:
    """VALID with these entries in the list of a kind."""
    return VALID.replace(f"{kind}:\n  - One.\n  - Two.\n", f"{kind}:\n{entries}")


def test_a_question_says_what_a_yes_means(tmp_path: Path) -> None:
    for entry, yes in [
        (QUESTION, Side.POSITIVE),
        ("  - say: Good?\n    yes: negative\n", Side.NEGATIVE),
        ("  - yes: positive # a note\n    say: ' Good? '\n", Side.POSITIVE),
        ('  - {"say": "Good?", "yes": "negative"}\n', Side.NEGATIVE),
        ("  - Good?\n", None),
    ]:
        sentence = Responses.load(_write(tmp_path, _asking(entry))).ask(Kind.UNSURE)
        assert (sentence.text, sentence.yes) == ("Good?", yes)


def test_placeholders_and_plain_sentences_stand_beside_a_meaning(tmp_path: Path) -> None:
    entries = '  - say: "Good, {owner}?"\n    yes: positive\n  - Or bad?\n'
    responses = Responses.load(_write(tmp_path, _asking(entries)))
    asked = {(s.text, s.yes) for s in (responses.ask(Kind.UNSURE, owner="Ann") for _ in range(50))}
    assert asked == {("Good, Ann?", Side.POSITIVE), ("Or bad?", None)}
    assert responses.count == 2 * len(Kind)


def test_one_sentence_may_mean_either_in_two_lists(tmp_path: Path) -> None:
    right = '  - say: "Did I get that right?"\n    yes: {}\n'
    content = _asking(right.format("positive"), Kind.LEANS_POSITIVE).replace(
        "leans_negative:\n  - One.\n  - Two.\n", "leans_negative:\n" + right.format("negative")
    )
    responses = Responses.load(_write(tmp_path, content))
    assert responses.ask(Kind.LEANS_POSITIVE).yes is Side.POSITIVE
    assert responses.ask(Kind.LEANS_NEGATIVE).yes is Side.NEGATIVE


FORM = "a question with a meaning is written"


@pytest.mark.parametrize(
    ("entries", "line", "problem"),
    [
        (QUESTION.replace("positive", "maybe"), 9, "positive or negative, not 'maybe'"),
        (QUESTION.replace("positive", "both"), 9, "positive or negative, not 'both'"),
        (QUESTION.replace("positive", "yes"), 9, "positive or negative, not 'yes'"),
        (QUESTION.replace("positive", ""), 9, "positive or negative, not ''"),
        (QUESTION.replace("positive", "[positive]"), 8, FORM),
        ('  - say: "Good?"\n', 8, FORM),
        ("  - yes: positive\n", 8, FORM),
        (QUESTION + "    no: negative\n", 8, FORM),
        (QUESTION + "    yes: negative\n", 8, FORM),
        ("  - say: 5\n    yes: positive\n", 8, FORM),
        ("  - say: [Good]\n    yes: positive\n", 8, FORM),
        ("  - say:\n    yes: positive\n", 8, FORM),
        ("  - say: '  '\n    yes: positive\n", 8, "blank"),
        ("  - say: Are we #1?\n    yes: positive\n", 8, "taken for a comment"),
        ('  - say: "Hi {user}?"\n    yes: positive\n', 8, "{user} in this sentence"),
        (f"  - say: {'x' * 2001}\n    yes: positive\n", 8, "2,001 characters"),
        ('  - "One?"\n' + QUESTION.replace("positive", "x"), 10, "not 'x'"),
        ('  - say: "Good?"\n  yes: positive\n', 9, "not valid YAML"),
        ("  say: Good?\n  yes: positive\n", 7, "must be a list"),
        ("  - Hm: really?\n", 8, "quotation marks"),
    ],
)
def test_a_malformed_question_is_told_with_its_line(
    tmp_path: Path, entries: str, line: int, problem: str
) -> None:
    file = _write(tmp_path, _asking(entries))
    with pytest.raises(ResponsesError) as caught:
        Responses.load(file)
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert problem in str(caught.value)


def test_a_sentence_that_asks_nothing_has_no_meaning(tmp_path: Path) -> None:
    file = _write(tmp_path, _asking(QUESTION, "positive"))
    with pytest.raises(ResponsesError, match="line 2: 'positive' asks nothing; only unsure, "):
        Responses.load(file)


def test_a_file_of_before_there_were_questions_is_read_as_it_is(tmp_path: Path) -> None:
    old = "".join(f"{kind}:\n  - A {kind} one.\n" for kind in REQUIRED)
    responses = Responses.load(_write(tmp_path, old))
    assert responses.count == len(REQUIRED)
    for kind in (Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE):
        asked = responses.ask(kind)
        assert (asked.text, asked.yes) == ("A unsure one.", None)
    for kind in set(OPTIONAL) - {Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE}:
        assert responses.say(kind) == EXAMPLES[kind]


@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_shipped_question_means_what_its_words_say(kind: Kind) -> None:
    responses = Responses.load(default_responses_file())
    asked = {sentence.text: sentence.yes for sentence in (responses.ask(kind) for _ in range(200))}
    assert sorted(asked) == sorted(SENTENCES[kind])
    for text, yes in asked.items():
        offers_a_choice = re.search(r"(up or .* down|good or the bad|tell me)", text)
        # To "Could you tell me how you liked it?" a yes says nothing, either.
        leant = Side.NEGATIVE if kind is Kind.LEANS_NEGATIVE else Side.POSITIVE
        assert yes == (None if offers_a_choice else leant)
