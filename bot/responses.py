"""responses.yaml -> validated sentences; a verdict or another occasion -> one of them."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

from bot.answers import Side
from bot.errors import ResponsesError
from bot.examples import EXAMPLES
from trainer.model.files import read_regular

if TYPE_CHECKING:
    from trainer.model.classifier import Verdict

MAX_CHARACTERS = 2_000
"""What Discord takes in one message."""

MOST_BYTES = 262_144
"""Of responses.yaml: five full sentences of each kind, and a fraction of a second to read."""

HELP_LINE = "https://findahelpline.com, which lists help lines by country"
"""What a sentence of `distress` points to where the settings name no local help line."""

OWNER = "the person who runs this bot"
"""What takes the place of {owner} where the front end has no better way to name them."""

OWNER_CHARACTERS = 40
"""The longest that a front end puts in its place."""

PLACEHOLDERS = ("owner", "help_line")

_PLACEHOLDER = re.compile(r"\{([^{}\n]*)\}")

TEXT_TAG = "tag:yaml.org,2002:str"


class Kind(StrEnum):
    """Why something is said; each is a list of sentences in responses.yaml."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNSURE = "unsure"
    """A review that praises and complains, or of which the model cannot tell."""
    LEANS_POSITIVE = "leans_positive"
    """A review that is more likely praise, though not surely."""
    LEANS_NEGATIVE = "leans_negative"
    BOTH = "both"
    """Asked which way it tips, somebody says both, or leaves it open."""
    CORRECTED_POSITIVE = "corrected_positive"
    """Somebody says that they did like the film, though the bot took it otherwise."""
    CORRECTED_NEGATIVE = "corrected_negative"
    WITHDRAWN = "withdrawn"
    """What stands in the place of a reply that was wrong."""
    ABUSE = "abuse"
    """Somebody insults the bot."""
    NOT_YOURS = "not_yours"
    """Somebody presses a button under a question that was put to another person."""
    GREETING = "greeting"
    THANKS = "thanks"
    SERVICE = "service"
    """About a cinema, its staff, a ticket, a stream, an order or money."""
    PERSON = "person"
    """Somebody wants a human being."""
    CORRECTION = "correction"
    """Somebody says that the bot was wrong."""
    QUESTION = "question"
    DISTRESS = "distress"
    """Somebody wants to die, hurts themselves or is in danger."""
    OFF_TOPIC = "off_topic"
    """Other words that are no review, or only a link."""
    FOREIGN = "foreign"
    """Another language than English."""
    EMPTY = "empty"
    """No text at all."""
    ATTACHMENT = "attachment"
    """A file without text."""
    WORDLESS = "wordless"
    """Punctuation, and not one letter, digit, emoji or star."""
    BUSY = "busy"
    """More customers than can be answered just now."""
    FAILURE = "failure"
    """The review could not be judged."""
    HASTE = "haste"
    """Somebody writes faster than a few messages a second."""
    UNREAD = "unread"
    """A reply whose text the platform withheld."""
    ROBOT = "robot"
    """A bot wrote what is to be judged, perhaps this one."""
    UNEXPLAINED = "unexplained"
    """Somebody asks why, and the review is gone or withheld."""
    EXPLAINED_MARK = "explained_mark"
    """Beside the words that carried a verdict: a mark such as 7/10 did, too."""
    EXPLAINED_EMOJI = "explained_emoji"
    EXPLAINED_TOGETHER = "explained_together"
    """A verdict counts two messages together, of which this is the second."""
    EXPLAINED_WORD = "explained_word"
    """There was no verdict: somebody said themselves how they liked it."""
    HELP = "help"
    PRIVACY = "privacy"

    @classmethod
    def of(cls, verdict: "Verdict") -> "Kind":
        """The kind of answer to a text that was judged."""
        return cls(verdict.label if verdict.is_review else verdict.kind)


QUESTIONS = (Kind.UNSURE, Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE, Kind.CORRECTION)
"""These ask how somebody liked a film."""

OPTIONAL = (
    *(Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE, Kind.BOTH, Kind.NOT_YOURS),
    *(Kind.CORRECTED_POSITIVE, Kind.CORRECTED_NEGATIVE, Kind.WITHDRAWN, Kind.ABUSE),
    *(Kind.EXPLAINED_MARK, Kind.EXPLAINED_EMOJI, Kind.EXPLAINED_TOGETHER, Kind.EXPLAINED_WORD),
)
"""A file of before there were these is read as it is: where one is missing, `unsure` asks instead
of the two that lean, and `EXAMPLES` has a sentence for the others."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said, and what an answer to it means."""

    text: str
    yes: Side | None = None
    """Of a question: what a yes means. None: it offers a choice, or the file does not say."""


def _check(sentence: str, info: ValidationInfo) -> str:
    """Refuses unknown placeholders, and what is too long for Discord once they are filled in."""
    for name in _PLACEHOLDER.findall(sentence):
        if name not in PLACEHOLDERS:
            raise PydanticCustomError("placeholder", "{name}", {"name": name})
    length = len(_filled(sentence, info.context or HELP_LINE, "x" * OWNER_CHARACTERS))
    if length > MAX_CHARACTERS:
        raise PydanticCustomError("too_long", "{length}", {"length": length})
    return sentence


_Sentence = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1),
    AfterValidator(_check),
]
_Variants = Annotated[tuple[_Sentence, ...], Field(min_length=1)]


_Lists: dict[str, Any] = {
    kind.value: (_Variants | None, None) if kind in OPTIONAL else (_Variants, ...) for kind in Kind
}
_File = create_model("_File", __config__=ConfigDict(extra="forbid", frozen=True), **_Lists)
"""What responses.yaml holds: at least one sentence of each kind, and nothing else."""


class Responses:
    """The sentences of one responses.yaml; it remembers what it said last, to vary."""

    def __init__(
        self,
        variants: Mapping[Kind, Sequence[str]],
        help_line: str = HELP_LINE,
        yes: Mapping[tuple[Kind, str], Side] | None = None,
    ) -> None:
        """`yes` says what a yes means to a question of a kind, where that is known."""
        self.count = sum(map(len, variants.values()))
        """How many sentences there are, of all kinds."""
        asked = {
            kind: [Sentence(each, (yes or {}).get((kind, each))) for each in variants[kind]]
            for kind in variants
        }
        self._variants = {kind: asked.get(kind, []) for kind in Kind}
        for kind in OPTIONAL:
            leans = kind in (Kind.LEANS_POSITIVE, Kind.LEANS_NEGATIVE)
            instead = self._variants[Kind.UNSURE] if leans else [Sentence(EXAMPLES[kind])]
            self._variants[kind] = self._variants[kind] or instead
        self._help_line = help_line
        self._last: dict[Kind, Sentence] = {}

    @classmethod
    def load(cls, file: Path, help_line: str = HELP_LINE) -> "Responses":
        """Reads and validates `file`; `help_line` takes the place of {help_line}.

        Raises ResponsesError: the file, the line, what is wrong there and what to do.
        """
        root = _parse(file)
        yes = _take_meanings(file, root)
        return cls(_validate(file, root, help_line), help_line, yes)

    def render(self, verdict: "Verdict") -> str:
        """A sentence that answers a text that was judged."""
        return self.say(Kind.of(verdict))

    def say(self, kind: Kind, *, owner: str = OWNER) -> str:
        """A sentence of this kind; see `ask`."""
        return self.ask(kind, owner=owner).text

    def ask(self, kind: Kind, *, owner: str = OWNER) -> Sentence:
        """A sentence of this kind, its placeholders filled in, and what a yes to it means.

        Not the one said last, where there is another. `owner` says how to reach the one who runs
        the bot.
        """
        variants = self._variants[kind]
        fresh = [sentence for sentence in variants if sentence != self._last.get(kind)]
        chosen = self._last[kind] = random.choice(fresh or variants)
        return replace(chosen, text=_filled(chosen.text, self._help_line, owner))


def default_responses_file() -> Path:
    """responses.yaml of the working directory; where there is none, the one that came with the bot.

    A wheel holds it inside the package, a checkout at its top.
    """
    package = Path(__file__).parent
    places = (Path(), package, package.parent)
    files = [folder / "responses.yaml" for folder in places]
    return next((file for file in files if file.exists()), files[-1])


def _parse(file: Path) -> yaml.MappingNode:
    """The file as YAML nodes, which remember their lines."""
    try:
        content = read_regular(file, MOST_BYTES)
    except FileNotFoundError:
        raise ResponsesError(
            f"{file} is missing: it holds every sentence that the bot says; put the one that "
            "came with it back, or name another file in RESPONSES_FILE"
        ) from None
    except OSError as error:
        raise ResponsesError(f"{file} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _error(file, line, "this is not UTF-8 text; save the file as UTF-8") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        # A quotation mark that is never closed: the scanner tells where it began as the context.
        began = error.context_mark if isinstance(error, yaml.scanner.ScannerError) else None
        mark = began or error.problem_mark
        line = mark.line + 1 if mark else 1
        raise _error(file, line, _syntax_problem(text, line)) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise _error(file, line, "there is an invisible control character; delete it") from None
    except (RecursionError, ValueError, OverflowError):
        # Brackets within brackets, and an escape such as "\UFFFFFFFF", which PyYAML lets through.
        problem = "this is not valid YAML (brackets without end, or an unknown escape)"
        raise ResponsesError(f"{file}: {problem}; write one sentence a line") from None
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, 1, f"expected the lists {', '.join(Kind)}, each with its sentences")
    for sentence in _written_sentences(node):
        if _is_cut_short(text, sentence):
            line = sentence.end_mark.line + 1
            raise _error(file, line, f"{_COMMENT}; put quotation marks around the sentence")
    return node


def _written_sentences(root: yaml.MappingNode) -> Iterator[yaml.Node]:
    """The entries of all lists; of one that is written as "say: ..." and "yes: ...", the former."""
    for _, entries in root.value:
        for entry in entries.value if isinstance(entries, yaml.SequenceNode) else ():
            if isinstance(entry, yaml.MappingNode):
                yield from (value for key, value in entry.value if key.value == "say")
            else:
                yield entry


_COMMENT = "what follows ' #' would be taken for a comment, and not be said"


def _is_cut_short(text: str, entry: yaml.Node) -> bool:
    """Whether a comment follows a sentence that has no quotation marks, on the same line."""
    if not isinstance(entry, yaml.ScalarNode) or entry.style is not None:
        return False
    end = text.find("\n", entry.end_mark.index)
    rest = text[entry.end_mark.index : end if end >= 0 else len(text)]
    return rest.lstrip().startswith("#")


def _syntax_problem(text: str, line: int) -> str:
    """What is probably wrong in a line that is not valid YAML, and what to do."""
    written = dict(enumerate(text.splitlines(), 1)).get(line, "")
    sentence = written.strip().removeprefix("-").strip()
    problem = "this is not valid YAML"
    if "\t" in written:
        return f"{problem}: there is a tab; use blanks in front of a line"
    if sentence.startswith("'"):
        return (
            f"{problem}: an apostrophe ends a sentence in 'single' quotation marks; use "
            '"double" ones'
        )
    if sentence[:1] in tuple("*&!%@`|>[]{}"):
        return (
            f"{problem}: a sentence cannot begin with {sentence[0]} unless it is in quotation "
            "marks; put them around all of it"
        )
    return f"{problem}: check the quotation marks, and the '- ' in front of each sentence"


def _validate(file: Path, root: yaml.MappingNode, help_line: str) -> dict[Kind, Sequence[str]]:
    lines: dict[str, int] = {}
    for key, _ in root.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            problem = f"{name[:40]!r} stands here again (first in line {lines[name]}); "
            raise _error(file, line, problem + "put all its sentences into one list")
        lines[name] = line
    # All at once: a file from before there were these kinds lacks several.
    if absent := [kind for kind in Kind if kind not in lines and kind not in OPTIONAL]:
        raise _missing(file, root.start_mark.line + 1, absent)
    lists = {str(key.value): _plain(value) for key, value in root.value}
    try:
        checked = _File.model_validate(lists, context=help_line)
        return {kind: getattr(checked, kind) or () for kind in Kind}
    except ValidationError as error:
        # The first in the order of the file: the others may follow from it. That a list is too
        # short does, where it has an entry that is not a sentence.
        details = error.errors()
        entries = {d["loc"][0] for d in details if len(d["loc"]) > 1}
        line, problem = min(
            (_line(root, d["loc"]), _problem(d))
            for d in details
            if d["type"] != "too_short" or d["loc"][0] not in entries
        )
        raise _error(file, line, problem) from None


def _take_meanings(file: Path, root: yaml.MappingNode) -> dict[tuple[Kind, str], Side]:
    """What a yes means to which question; its entry becomes the sentence alone.

    An entry of a list of questions may be written as "say: ..." with "yes: positive" below it.
    """
    meanings = {}
    for key, entries in root.value:
        if key.value not in QUESTIONS or not isinstance(entries, yaml.SequenceNode):
            continue
        for place, entry in enumerate(entries.value):
            if _has_a_meaning(entry):
                sentence, yes = _read_question(file, entry)
                entries.value[place] = sentence
                meanings[Kind(key.value), sentence.value.strip()] = yes
    return meanings


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
        raise _error(file, line, f"a question with a meaning is written {form} yes: positive")
    if yes.value not in (Side.POSITIVE, Side.NEGATIVE):
        line = yes.start_mark.line + 1
        raise _error(
            file, line, f"'yes' says what a yes means: positive or negative, not {yes.value[:40]!r}"
        )
    return sentence, Side(yes.value)


def _plain(node: yaml.Node) -> object:
    """A list of what its text entries say. Whatever is not text stays a node, to be refused."""
    if not isinstance(node, yaml.SequenceNode):
        return node
    return [entry.value if entry.tag == TEXT_TAG else entry for entry in node.value]


def _filled(sentence: str, help_line: str, owner: str) -> str:
    """The sentence with its placeholders filled in, and with nothing filled in within those."""
    words = {"help_line": help_line, "owner": owner}
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), sentence)


def _line(root: yaml.MappingNode, path: Sequence[int | str]) -> int:
    """The line of the value at `path`; of the nearest one around it where that is missing."""
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
            known = " and ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            name = repr(detail["ctx"]["name"][:40])[1:-1]
            return (
                f"{{{name}}} in this sentence of '{kind}' is no placeholder; "
                f"those are {known}, and other words in curly brackets cannot be said"
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


def _error(file: Path, line: int, problem: str) -> ResponsesError:
    return ResponsesError(f"{file}, line {line}: {problem}")
