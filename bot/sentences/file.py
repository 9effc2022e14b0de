"""Reads and validates responses.yaml, by language and list; an error names the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    create_model,
)
from pydantic_core import PydanticCustomError

from bot.errors import ResponsesError
from bot.sentences.examples import EXAMPLES
from bot.sentences.kinds import JUDGED, JUDGED_OR_ANSWERED, OPTIONAL, QUESTIONS, Kind, Side
from bot.sentences.placeholders import PLACEHOLDERS, fill, placeholders_in
from bot.sentences.yaml_lines import TEXT_TAG, error_at, is_cut_short, parse

MAX_CHARACTERS = 2_000
"""Discord's limit for one message."""

MAX_SENTENCES = 20_000
"""In all languages together: a few lists can stand for any number, by YAML's aliases (*name)."""

ENGLISH = "en"
"""The language of the lists at the top of the file, and of lists that other languages lack."""

LOCALES = (
    *("en-GB", "en-US", "bg", "cs", "da", "de", "el", "es", "es-419", "es-ES", "fi", "fr", "hi"),
    *("hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt", "pt-BR", "ro", "ru", "sv"),
    *("sv-SE", "th", "tr", "uk", "vi", "zh", "zh-CN", "zh-TW"),
)
"""The languages allowed under `locales`: those of Discord, and each without its region."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and what an answer to it means."""

    text: str
    yes: Side | None = None
    """Of a question: what a yes means. None: it offers a choice, or the file does not say."""


Lists = Mapping[Kind, Sequence[Sentence]]
"""The sentences of one language."""


def read_responses(file: Path, help_line: str) -> dict[str, Lists]:
    """Reads and validates `file`; returns the lists of each language, by its code in lower case.

    `help_line` replaces {help_line}: a sentence must have room for it. Raises ResponsesError: the
    file, the line, what is wrong and what to do.
    """
    text, root = parse(file)
    locales = _take_locales(file, root)
    for section in (root, *locales.values()):
        _refuse_cut_sentences(file, text, section)
        _refuse_repeated_lists(file, section)
    _refuse_too_many(file, (root, *locales.values()))
    named = {str(key.value) for key, _ in root.value}
    # All at once: an older file lacks several of them.
    if absent := [kind for kind in Kind if kind not in named and kind not in OPTIONAL]:
        raise _missing(file, root.start_mark.line + 1, absent)
    sections = {ENGLISH: root, **locales}
    return {code: _read_section(file, each, help_line) for code, each in sections.items()}


def _take_locales(file: Path, root: yaml.MappingNode) -> dict[str, yaml.MappingNode]:
    """The lists under `locales` by language, in lower case; removes them from the file's node."""
    entries = [pair for pair in root.value if pair[0].value == "locales"]
    root.value = [pair for pair in root.value if pair[0].value != "locales"]
    found: dict[str, yaml.MappingNode] = {}
    known = {code.lower() for code in LOCALES}
    for number, (key, languages) in enumerate(entries):
        line = key.start_mark.line + 1
        if number > 0:
            raise error_at(file, line, "'locales' is repeated; put all languages below one")
        if not isinstance(languages, yaml.MappingNode):
            raise error_at(file, line, f"'locales' must hold languages; {_LANGUAGE_FORM}")
        for name, lists in languages.value:
            line, code = name.start_mark.line + 1, str(name.value).lower()
            if code == ENGLISH:
                problem = "English is the language of the lists above; write them there"
                raise error_at(file, line, problem)
            if code not in known:
                problem = f"{str(name.value)[:40]!r} is not a language that customers can choose; "
                raise error_at(file, line, f"{problem}those are {', '.join(LOCALES)}")
            if code in found:
                raise error_at(file, line, f"'{code}' is repeated; put its lists together")
            if not isinstance(lists, yaml.MappingNode):
                raise error_at(file, line, f"'{code}' must hold lists; {_LANGUAGE_FORM}")
            found[code] = lists
    return found


_LANGUAGE_FORM = (
    "write the code of a language, such as 'de:', below 'locales:', with two blanks in front, and "
    "below that its lists, with four"
)


def _refuse_cut_sentences(file: Path, text: str, section: yaml.MappingNode) -> None:
    """Raises ResponsesError if YAML would take the end of a sentence for a comment."""
    for _, entries in section.value:
        for entry in entries.value if isinstance(entries, yaml.SequenceNode) else ():
            # In an entry written as "say: ..." and "yes: ...", the former.
            pairs = entry.value if isinstance(entry, yaml.MappingNode) else ()
            said = [value for key, value in pairs if key.value == "say"] or [entry]
            for sentence in said:
                if is_cut_short(text, sentence):
                    line = sentence.end_mark.line + 1
                    problem = f"{_COMMENT}; put quotation marks around the sentence"
                    raise error_at(file, line, problem)


_COMMENT = "the text after ' #' would be taken for a comment, and not be said"


def _refuse_too_many(file: Path, sections: Sequence[yaml.MappingNode]) -> None:
    lists = [entries for section in sections for _, entries in section.value]
    number = sum(len(each.value) for each in lists if isinstance(each, yaml.SequenceNode))
    if number > MAX_SENTENCES:
        raise ResponsesError(
            f"{file} has {number:,} sentences, those that an alias (*name) repeats included; "
            f"the bot takes {MAX_SENTENCES:,}. Shorten or remove some lists"
        )


def _refuse_repeated_lists(file: Path, section: yaml.MappingNode) -> None:
    lines: dict[str, int] = {}
    for key, _ in section.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise error_at(file, line, "the name of a list must be a word, such as 'positive:'")
        name = str(key.value)
        if name in lines:
            problem = f"{name[:40]!r} is repeated (first in line {lines[name]}); "
            raise error_at(file, line, problem + "put all its sentences into one list")
        lines[name] = line


def _check(kind: Kind, sentence: str, info: ValidationInfo) -> str:
    """Refuses placeholders without a value, and sentences too long once these are filled in."""
    for name in placeholders_in(sentence):
        if name not in PLACEHOLDERS:
            raise PydanticCustomError("placeholder", "{name}", {"name": name})
        if name == "confidence" and kind not in JUDGED:
            raise PydanticCustomError("no_verdict", "no verdict")
    values = {name: "x" * placeholder.max_length for name, placeholder in PLACEHOLDERS.items()}
    length = len(fill(sentence, {**values, "help_line": info.context}))
    if length > MAX_CHARACTERS:
        raise PydanticCustomError("too_long", "{length}", {"length": length})
    return sentence


def _check_list(kind: Kind, sentences: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses a list without a sentence for replies without a verdict, if these can occur."""
    if kind in JUDGED_OR_ANSWERED and all("confidence" in placeholders_in(s) for s in sentences):
        raise PydanticCustomError("always_confident", "always confident")
    return sentences


def _variants(kind: Kind) -> Any:
    """The type of a list."""
    sentence = Annotated[
        str,
        StringConstraints(strict=True, strip_whitespace=True, min_length=1),
        AfterValidator(partial(_check, kind)),
    ]
    variants = Annotated[
        tuple[sentence, ...],
        Field(min_length=1),
        AfterValidator(partial(_check_list, kind)),
    ]
    return (variants | None, None)


_Section = create_model(
    "_Section",
    __config__=ConfigDict(extra="forbid", frozen=True),
    **{kind.value: _variants(kind) for kind in Kind},
)
"""The content of one language: at least one sentence in each list, and nothing else."""


def _read_section(file: Path, section: yaml.MappingNode, help_line: str) -> Lists:
    lists: dict[str, object] = {}
    meanings: dict[tuple[Kind, str], Side] = {}
    for key, entries in section.value:
        asks = key.value in QUESTIONS
        lists[str(key.value)] = _plain(file, entries, meanings, Kind(key.value) if asks else None)
    try:
        checked = _Section.model_validate(lists, context=help_line)
    except ValidationError as error:
        # The first in the file's order: the others may follow from it. An entry that is not a
        # sentence also makes its list too short.
        details = error.errors()
        entries = {d["loc"][0] for d in details if len(d["loc"]) > 1}
        line, problem = min(
            (_line(section, d["loc"]), _problem(d))
            for d in details
            if d["type"] != "too_short" or d["loc"][0] not in entries
        )
        raise error_at(file, line, problem) from None
    return {
        kind: [Sentence(text, meanings.get((kind, text))) for text in getattr(checked, kind) or ()]
        for kind in Kind
    }


def _plain(
    file: Path, node: yaml.Node, meanings: dict[tuple[Kind, str], Side], question: Kind | None
) -> object:
    """The text entries of a list. Anything that is not text stays a node, to be refused.

    An entry of a list of questions may be written as "say: ..." with "yes: positive" below it; the
    meaning of a yes is added to `meanings`.
    """
    if not isinstance(node, yaml.SequenceNode):
        return node
    plain: list[object] = []
    for entry in node.value:
        sentence = entry
        if question is not None and _has_a_meaning(entry):
            sentence, yes = _read_question(file, entry)
            meanings[question, sentence.value.strip()] = yes
        plain.append(sentence.value if sentence.tag == TEXT_TAG else sentence)
    return plain


def _has_a_meaning(entry: yaml.Node) -> bool:
    """Whether it is meant to say what a yes means; "Hm: really?" lacks its quotation marks."""
    return isinstance(entry, yaml.MappingNode) and any(
        key.value in ("say", "yes") for key, _ in entry.value
    )


def _read_question(file: Path, entry: yaml.MappingNode) -> tuple[yaml.ScalarNode, Side]:
    fields = {str(key.value): value for key, value in entry.value}
    line = entry.start_mark.line + 1
    sentence, yes = fields.get("say"), fields.get("yes")
    if (
        not isinstance(sentence, yaml.ScalarNode)
        or sentence.tag != TEXT_TAG
        or not isinstance(yes, yaml.ScalarNode)
        or sorted(str(key.value) for key, _ in entry.value) != ["say", "yes"]
    ):
        form = '- say: "Did you like it?"' + ", and on the next line, below the s,"
        raise error_at(file, line, f"a question with a meaning is written {form} yes: positive")
    if yes.value not in (Side.POSITIVE, Side.NEGATIVE):
        line = yes.start_mark.line + 1
        raise error_at(
            file, line, f"'yes' says what a yes means: positive or negative, not {yes.value[:40]!r}"
        )
    return sentence, Side(yes.value)


def _line(root: yaml.MappingNode, path: Sequence[int | str]) -> int:
    """The line of the value at `path`; if that is missing, of the nearest one around it."""
    node: yaml.Node = root
    mark = root.start_mark
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == step]
            if not found:
                break
            mark, node = found[0][0].start_mark, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            mark = node.start_mark
    return int(mark.line) + 1


def _problem(detail: Any) -> str:
    """What is wrong and what to do, for one of pydantic's error details."""
    kind = detail["loc"][0]
    match detail["type"]:
        case "extra_forbidden":
            return f"{str(kind)[:40]!r} is not a kind of sentence; those are {', '.join(Kind)}"
        case "too_short":
            return f"'{kind}' has no sentence; add at least one"
        case "tuple_type":
            return f"'{kind}' must be a list; begin each sentence with '- ' on a line of its own"
        case "string_too_short":
            return f"this sentence of '{kind}' is blank; write it or delete the line"
        case "too_long":
            length = f"{detail['ctx']['length']:,} characters"
            return f"this sentence of '{kind}' has {length}; Discord takes {MAX_CHARACTERS:,}"
        case "placeholder":
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            name = repr(detail["ctx"]["name"][:40])[1:-1]
            return (
                f"{{{name}}} in this sentence of '{kind}' is no placeholder; "
                f"those are {known}, and other words in curly brackets cannot be said"
            )
        case "no_verdict":
            return (
                f"{{confidence}} has no value in '{kind}', as there is no verdict; "
                f"it may stand in {', '.join(JUDGED)}"
            )
        case "always_confident":
            return (
                f"every sentence of '{kind}' has {{confidence}}, which has no value when a "
                "customer answers a question; add a sentence without it"
            )
        case _ if isinstance(detail["input"], yaml.Node) and _has_a_meaning(detail["input"]):
            return f"'{kind}' asks nothing; only {', '.join(QUESTIONS)} say what a yes means"
        case _:
            return f"this entry of '{kind}' is not read as text; put quotation marks around it"


def _missing(file: Path, line: int, kinds: Sequence[Kind]) -> ResponsesError:
    names = ", ".join(f"'{kind}'" for kind in kinds)
    are = "is" if len(kinds) == 1 else "are"
    problem = f"{names} {are} missing; copy this to the end of the file, and edit it as you like:"
    sample = "".join(f'{kind}:\n  - "{EXAMPLES[kind]}"\n' for kind in kinds)
    return ResponsesError(f"{file}, line {line}: {problem}", sample)
