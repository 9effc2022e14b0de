"""responses.yaml: what it must contain, and the errors if it does not."""

import json
import os
import random
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from bot.errors import ResponsesError
from bot.sentences.examples import EXAMPLES
from bot.sentences.file import LOCALES, Sentence
from bot.sentences.kinds import (
    BY_STRENGTH,
    FALLBACKS,
    JUDGED,
    JUDGED_OR_ANSWERED,
    OPTIONAL,
    QUESTIONS,
    Side,
)
from bot.sentences.placeholders import HELP_LINE, OWNER
from bot.sentences.responses import (
    ANYONE,
    MAX_PLACES,
    Kind,
    Recipient,
    Responses,
    default_responses_file,
)
from bot.sentences.yaml_lines import MAX_BYTES
from trainer.model.judgement import Verdict
from trainer.model.strength import Strength

SHIPPED = default_responses_file().read_text("utf-8")
SENTENCES = {
    kind: [entry if isinstance(entry, str) else entry["say"] for entry in entries]
    for kind, entries in yaml.safe_load(SHIPPED).items()
}
REQUIRED = [kind for kind in Kind if kind not in OPTIONAL]
VALID = "".join(f"{kind}:\n  - One.\n  - Two.\n" for kind in Kind)
BUSY_LINE = VALID.splitlines().index("busy:") + 1


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


def test_a_customer_in_distress_is_calmly_referred_to_people() -> None:
    shipped = yaml.safe_load(SHIPPED)
    assert all("emergency" in sentence for sentence in shipped[Kind.DISTRESS])
    for sentence in (*shipped[Kind.DISTRESS], *shipped[Kind.AFTER_DISTRESS]):
        assert "{help_line}" in sentence
        assert sentence.isascii()  # no emoji
        assert not re.search(r"!|thank|film|movie|review|glad|welcome", sentence, re.IGNORECASE)


def test_no_list_promises_that_somebody_will_look() -> None:
    shipped = yaml.safe_load(SHIPPED)
    for kind in (Kind.SERVICE, Kind.PERSON, Kind.QUESTION):
        assert all(re.search(r"[Oo]ur team|[Aa] moderator", each) for each in shipped[kind])
        assert not re.search(
            r"\bwe('ll| will)|get back to|forwarded|on (its|their) way", " ".join(shipped[kind])
        )


def test_no_complaint_is_promised_to_be_remembered_or_read_by_the_team() -> None:
    shipped = yaml.safe_load(SHIPPED)
    complaints = [Kind.NEGATIVE, Kind.NEGATIVE_MILD, Kind.NEGATIVE_STRONG]
    said = " ".join(sentence for kind in complaints for sentence in shipped[kind])
    assert not re.search(r"in mind|helps us|pass(ed)? (it|this) on|we('ll| will) ", said)


def test_a_question_is_answered_by_a_program_that_says_so() -> None:
    assert all("program" in sentence for sentence in SENTENCES[Kind.QUESTION])


@pytest.mark.parametrize("kind", Kind)
def test_no_sentence_speaks_of_a_server_that_a_direct_message_does_not_have(kind: Kind) -> None:
    assert not any("this server" in sentence for sentence in SENTENCES[kind])


def test_every_apology_that_asks_can_be_answered_with_yes() -> None:
    asked = yaml.safe_load(SHIPPED.replace("yes:", "meaning:"))[Kind.CORRECTION]
    assert all("meaning" in entry for entry in asked)


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
    to = Recipient(server="{server}", retention="{retention}")
    said = [responses.say(kind, to, owner="{owner}") for _ in range(300)]
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
        ("busy:", "funny: [a]\nbusy:", BUSY_LINE, "'funny' is not a kind of sentence"),
        ("busy:", "positive: [a]\nbusy:", BUSY_LINE, "is repeated (first in line 1)"),
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
        ("negative:\n  - One.", 'negative:\n  - "Hi {name}"', 5, "{name} in this sentence"),
        (
            "negative:\n  - One.",
            'negative:\n  - "Ask { owner }"',
            5,
            "those are {user}, {server}, {owner}, ",
        ),
        (VALID, "", 1, "expected the lists positive, negative"),
        (VALID, "- One.", 1, "expected the lists"),
    ],
)
def test_an_error_is_reported_with_its_line(
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
        (f"{VALID}#{'x' * MAX_BYTES}", "cannot be read: it is larger than 262,144 bytes"),
    ],
)
def test_a_hostile_file_ends_in_a_sentence(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(ResponsesError, match=problem):
        Responses.load(_write(tmp_path, content))


HOSTILE_SECTIONS = {
    "2,000 locales": (
        "locales:\n" + "".join(f"  l{number}: {{}}\n" for number in range(2_000)),
        "'l0' is not a language",
    ),
    "a list twice": ("locales: {de: {positive: [a], positive: [b]}}", "is repeated"),
    "a field twice": ("locales: {de: {unsure: [{say: a, yes: positive, say: b}]}}", "is written"),
    "a huge number": (f"locales: {{de: {{positive: [{'9' * 100_000}]}}}}", "not read as text"),
    "brackets": (f"locales: {{de: {{positive: ['{'{' * 200_000}']}}}}", "Discord takes 2,000"),
    "empty brackets": (f"locales: {{de: {{positive: ['{'{}' * 90_000}']}}}}", "is no placeholder"),
    "a list as a name": ("? [a, b]\n: [a]", "name of a list must be a word"),
    "Python": ("locales: {de: {positive: [!!python/object/apply:os.system [x]]}}", "read as text"),
    "a list in itself": ("locales: {de: {positive: &a [*a]}}", "not read as text"),
    "two documents": ("---\na: b", "not valid YAML"),
}


@pytest.mark.parametrize("name", HOSTILE_SECTIONS)
def test_a_hostile_section_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    section, problem = HOSTILE_SECTIONS[name]
    with pytest.raises(ResponsesError, match=problem) as caught:
        Responses.load(_write(tmp_path, f"{VALID}\n{section}\n"))
    assert len(str(caught.value)) < 1_000


@pytest.mark.timeout(60)  # read in full, it takes minutes
def test_aliases_cannot_multiply_sentences_without_end(tmp_path: Path) -> None:
    sentences = "".join(f"      - s{number}\n" for number in range(2_000))
    lists = "".join(f"    {kind}: *p\n" for kind in Kind if kind is not Kind.POSITIVE)
    languages = "".join(f"  {code}: *d\n" for code in LOCALES if code != "de")
    text = f"{VALID}\nlocales:\n  de: &d\n    positive: &p\n{sentences}{lists}{languages}"
    assert len(text) < MAX_BYTES
    with pytest.raises(ResponsesError, match=r"has [\d,]+ sentences, .* takes 20,000\. Shorten"):
        Responses.load(_write(tmp_path, text))


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
def test_missing_lists_are_reported_together_and_ready_to_copy(tmp_path: Path, number: int) -> None:
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


def test_a_missing_file_is_reported_with_what_to_do(tmp_path: Path) -> None:
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
        ('  - say: "Hi {name}?"\n    yes: positive\n', 8, "{name} in this sentence"),
        (f"  - say: {'x' * 2001}\n    yes: positive\n", 8, "2,001 characters"),
        ('  - "One?"\n' + QUESTION.replace("positive", "x"), 10, "not 'x'"),
        ('  - say: "Good?"\n  yes: positive\n', 9, "not valid YAML"),
        ("  say: Good?\n  yes: positive\n", 7, "must be a list"),
        ("  - Hm: really?\n", 8, "quotation marks"),
    ],
)
def test_a_malformed_question_is_reported_with_its_line(
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
    for kind in OPTIONAL:
        expected = f"A {FALLBACKS[kind]} one." if kind in FALLBACKS else EXAMPLES[kind]
        expected = expected.replace("{help_line}", HELP_LINE).replace("{server}", "our server")
        expected = expected.replace("{retention}", "90 days")
        assert responses.say(kind) == expected


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


# Placeholders


def _with(kind: str, *sentences: str) -> str:
    """VALID with these sentences in a list."""
    entries = "".join(f"  - {json.dumps(sentence)}\n" for sentence in sentences)
    return VALID.replace(f"\n{kind}:\n  - One.\n  - Two.\n", f"\n{kind}:\n{entries}").replace(
        f"{kind}:\n  - One.\n  - Two.\n", f"{kind}:\n{entries}", kind == Kind.POSITIVE
    )


MARIA = Recipient("Maria", "Film Club")
SURE = Verdict("positive", 0.929, {"negative": 0.071, "positive": 0.929})


@pytest.mark.parametrize("kind", Kind)
def test_names_take_their_place_in_every_list(tmp_path: Path, kind: Kind) -> None:
    content = _with(kind, "{user} on {server}, ask {owner}: {help_line}")
    responses = Responses.load(_write(tmp_path, content), "116 123")
    assert responses.say(kind, MARIA, owner="Ann") == "Maria on Film Club, ask Ann: 116 123"
    # Nothing is filled in within a name.
    said = responses.say(kind, Recipient("{owner}", "{help_line}{"), owner="Ann")
    assert said == "{owner} on {help_line}{, ask Ann: 116 123"
    assert responses.say(kind) == f"friend on our server, ask {OWNER}: 116 123"


def test_without_a_name_a_sentence_that_needs_none_is_said(tmp_path: Path) -> None:
    content = _with("thanks", "Hi {user}!", "Hi!", "Hi {server}!")
    responses = Responses.load(_write(tmp_path, content))
    for to, said in [
        (MARIA, {"Hi Maria!", "Hi!", "Hi Film Club!"}),
        (Recipient("Maria"), {"Hi Maria!", "Hi!"}),
        (Recipient(name="", server="Film Club"), {"Hi!", "Hi Film Club!"}),
        (ANYONE, {"Hi!"}),
    ]:
        assert {responses.say(Kind.THANKS, to) for _ in range(50)} == said


@pytest.mark.parametrize("kind", JUDGED)
def test_the_confidence_is_said_where_there_is_a_verdict(tmp_path: Path, kind: Kind) -> None:
    responses = Responses.load(_write(tmp_path, _with(kind, "{confidence}, {user}!", "Sure!")))
    said = {responses.say(kind, MARIA, verdict=SURE) for _ in range(50)}
    assert said == {"92%, Maria!", "Sure!"}
    # A customer who answers a question has given no text to judge.
    assert {responses.say(kind, MARIA) for _ in range(50)} == {"Sure!"}


def test_a_list_for_verdicts_alone_may_always_say_the_confidence(tmp_path: Path) -> None:
    content = _with(Kind.POSITIVE_STRONG, "{confidence}!")
    responses = Responses.load(_write(tmp_path, content))
    assert responses.render(replace(SURE, strength=Strength.STRONG)) == "92%!"


@pytest.mark.parametrize(
    ("kind", "sentences", "offset", "problem"),
    [
        *((kind, ["{confidence}", "{confidence}!"], 0, "add a sentence without it")
          for kind in JUDGED_OR_ANSWERED),
        (Kind.GREETING, ["Hi!", "{confidence}"], 2, "{confidence} has no value in 'greeting'"),
        (Kind.BUSY, ["{user}", "{users}"], 2, "{users} in this sentence of 'busy' is no"),
        (Kind.BUSY, ["{}"], 1, "{} in this sentence of 'busy' is no placeholder"),
        (Kind.BUSY, ["{User}"], 1, "{User} in this sentence of 'busy' is no placeholder"),
        (Kind.BUSY, ["{user}" * 40], 1, "has 2,560 characters"),
    ],
)  # fmt: skip
def test_a_placeholder_without_a_value_is_reported_with_its_line(
    tmp_path: Path, kind: Kind, sentences: list[str], offset: int, problem: str
) -> None:
    content = _with(kind, *sentences)
    file = _write(tmp_path, content)
    line = content.splitlines().index(f"{kind}:") + 1 + offset
    with pytest.raises(ResponsesError, match=re.escape(problem)) as caught:
        Responses.load(file)
    assert str(caught.value).startswith(f"{file}, line {line}: ")


# Strength


def _verdict(label: str, strength: Strength | None) -> Verdict:
    return Verdict(label, 0.9, {"negative": 0.5, "positive": 0.5}, strength=strength)


@pytest.mark.parametrize("label", ["positive", "negative"])
def test_the_strength_of_a_verdict_chooses_the_list(tmp_path: Path, label: str) -> None:
    named = "".join(f"{kind}:\n  - {kind}\n" for kind in Kind)
    plain = "".join(f"{kind}:\n  - {kind}\n" for kind in REQUIRED)
    for content, lists in [
        (named, {Strength.STRONG: f"{label}_strong", Strength.MILD: f"{label}_mild"}),
        (plain, {}),
        (f"{plain}{label}_mild: [x]\n", {Strength.MILD: "x"}),
    ]:
        responses = Responses.load(_write(tmp_path, content))
        for strength in (None, *Strength):
            said = responses.render(_verdict(label, strength))
            assert said == (lists.get(strength, label) if strength else label)
    # What is no praise and no complaint has no strength.
    greeting = replace(_verdict(label, Strength.STRONG), kind="greeting")
    assert responses.render(greeting) == "greeting"


def test_the_shipped_sentences_for_strong_and_mild_verdicts_promise_nothing() -> None:
    lists = set(BY_STRENGTH.values())
    assert lists <= SENTENCES.keys()
    for kind in lists:
        assert 2 <= len(SENTENCES[kind]) <= 4
        said = " ".join(SENTENCES[kind]).lower()
        assert not re.search(r"\bwe('ll| will)|get back to|refund|look into|on its way", said)
        assert ("sorry" in said) == (kind in (Kind.NEGATIVE_MILD, Kind.NEGATIVE_STRONG))


# Not twice in a row


def test_no_sentence_comes_twice_in_a_row_in_a_channel(tmp_path: Path) -> None:
    responses = Responses.load(_write(tmp_path, VALID))
    rooms = [Recipient(place=room) for room in range(3)]
    said: dict[Recipient, list[str]] = {room: [] for room in rooms}
    for _ in range(100):
        for room in rooms:
            said[room].append(responses.say(Kind.THANKS, room))
    for sentences in said.values():
        assert all(one != other for one, other in pairwise(sentences))
    # Each channel by itself: what is said in one may be said next in another.
    first = [responses.say(Kind.THANKS, Recipient(place=f"new {n}")) for n in range(60)]
    assert any(one == other for one, other in pairwise(first))


def test_a_sentence_that_stands_in_two_lists_comes_not_twice_in_a_row(tmp_path: Path) -> None:
    content = VALID.replace("thanks:\n  - One.\n  - Two.", "thanks:\n  - One.\n  - Three.")
    responses = Responses.load(_write(tmp_path, content))
    kinds = [random.choice([Kind.THANKS, Kind.GREETING]) for _ in range(300)]
    said = [responses.say(kind) for kind in kinds]
    assert all(one != other for one, other in pairwise(said))


def test_what_was_said_is_remembered_of_a_bounded_number_of_places() -> None:
    responses = Responses({Kind.THANKS: ["One.", "Two."]})
    early = [Recipient(place=room) for room in range(60)]
    first = [responses.say(Kind.THANKS, room) for room in early]
    lively = []
    for room in range(MAX_PLACES):
        responses.say(Kind.THANKS, Recipient(place=f"other {room}"))
        lively.append(responses.say(Kind.THANKS, Recipient(place="lively")))
    assert all(one != other for one, other in pairwise(lively))
    # Those that have been silent longest are forgotten, so that some hear the same again.
    again = [responses.say(Kind.THANKS, room) for room in early]
    assert any(one == other for one, other in zip(first, again, strict=True))


# Languages

PORTUGUESE = """\
locales:
  pt:
    positive:
      - Obrigado!
    positive_mild: ["Que bom!"]
    unsure:
      - say: "Gostou, {user}?"
        yes: positive
  pt-br:
    positive: ["Valeu!"]
  no:
    thanks: ["Bare hyggelig!"]
"""


def _portuguese(tmp_path: Path) -> Responses:
    return Responses.load(_write(tmp_path, VALID + PORTUGUESE))


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (None, "One."),
        ("en-US", "One."),
        ("de", "One."),
        ("pt", "Obrigado!"),
        ("pt-PT", "Obrigado!"),
        ("pt-BR", "Valeu!"),
    ],
)
def test_the_language_chooses_the_sentence(tmp_path: Path, locale: str | None, said: str) -> None:
    heard = _portuguese(tmp_path).say(Kind.POSITIVE, Recipient(locale=locale))
    assert heard == said or {heard, said} == {"One.", "Two."}


def test_a_list_that_a_language_lacks_is_looked_for_in_wider_ones(tmp_path: Path) -> None:
    responses = _portuguese(tmp_path)
    brazilian = Recipient("Ana", locale="pt-BR")
    assert responses.ask(Kind.UNSURE, brazilian) == Sentence("Gostou, Ana?", Side.POSITIVE)
    # The nearest list comes before the exact one: Portuguese before English.
    assert responses.ask(Kind.LEANS_POSITIVE, brazilian) == Sentence("Gostou, Ana?", Side.POSITIVE)
    for strength in Strength:
        verdict = _verdict("positive", strength)
        assert responses.say(Kind.POSITIVE, brazilian, verdict=verdict) == "Valeu!"
        mild = responses.say(Kind.POSITIVE, Recipient(locale="pt"), verdict=verdict)
        assert mild == ("Que bom!" if strength is Strength.MILD else "Obrigado!")
    assert responses.say(Kind.GREETING, brazilian) in ("One.", "Two.")
    assert responses.say(Kind.THANKS, Recipient(locale="no")) == "Bare hyggelig!"
    assert responses.count == 2 * len(Kind) + 5


LINES = VALID.count("\n")


@pytest.mark.parametrize(
    ("locales", "line", "problem"),
    [
        ("locales:\n", 1, "'locales' must hold languages; write the code of a language"),
        ("locales: [de]\n", 1, "'locales' must hold languages"),
        ("locales:\n  german:\n    busy: [a]\n", 2, "'german' is not a language that customers"),
        ("locales:\n  en:\n    busy: [a]\n", 2, "English is the language of the lists above"),
        ("locales:\n  de:\n", 2, "'de' must hold lists"),
        ("locales:\n  de: [a]\n", 2, "'de' must hold lists"),
        ("locales:\n  de: {busy: [a]}\n  DE: {busy: [b]}\n", 3, "'de' is repeated"),
        ("locales: {de: {busy: [a]}}\nlocales: {fr: {busy: [b]}}\n", 2, "is repeated; put"),
        ("locales:\n  de:\n    buzy: [a]\n", 3, "'buzy' is not a kind of sentence"),
        ("locales:\n  de:\n    busy: []\n", 3, "'busy' has no sentence"),
        ("locales:\n  de:\n    busy: [a]\n    busy: [b]\n", 4, "is repeated (first in"),
        ("locales:\n  de:\n    busy:\n      - We're #1\n", 4, "taken for a comment"),
        ("locales:\n  de:\n    busy:\n      - 5\n", 4, "quotation marks"),
        ('locales:\n  de:\n    busy:\n      - "{name}"\n', 4, "{name} in this sentence of 'busy'"),
        (
            'locales:\n  de:\n    positive:\n      - "{confidence}"\n',
            3,
            "add a sentence without it",
        ),
        ("locales:\n  de:\n    unsure:\n      - say: Gut?\n        yes: ja\n", 5, "not 'ja'"),
        ("locales:\n  de:\n    locales: {fr: {busy: [a]}}\n", 3, "'locales' is not a kind of"),
    ],
)
def test_an_error_in_another_language_is_reported_with_its_line(
    tmp_path: Path, locales: str, line: int, problem: str
) -> None:
    file = _write(tmp_path, VALID + locales)
    with pytest.raises(ResponsesError, match=re.escape(problem)) as caught:
        Responses.load(file)
    assert str(caught.value).startswith(f"{file}, line {LINES + line}: ")


def test_one_list_may_be_shared_by_two_languages(tmp_path: Path) -> None:
    shared = """\
locales:
  es-ES:
    unsure: &asked
      - say: "¿Te gustó?"
        yes: positive
  es-419:
    unsure: *asked
"""
    responses = Responses.load(_write(tmp_path, VALID + shared))
    for locale in ("es-ES", "es-419"):
        asked = responses.ask(Kind.UNSURE, Recipient(locale=locale))
        assert asked == Sentence("¿Te gustó?", Side.POSITIVE)
