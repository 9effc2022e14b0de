"""checks.yaml: sentences that staff keep under test, each with the kind that they want for it.

    - text: "What a wonderful film!"
      kind: positive

Results name a sentence by its number and line. They never hold its text.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trainer.config import LABELS
from trainer.errors import YamlError
from trainer.events import BrokenCheck
from trainer.model.judgement import UNSURE, Verdict
from trainer.model.kinds import KINDS, REVIEW
from trainer.model.yaml_lines import TEXT_TAG, compose, error_at, is_cut_short

FILE = "checks.yaml"
"""Its name, beside responses.yaml."""

MAX_BYTES = 262_144
MAX_CHECKS = 1_000
"""They are judged twice after each training, in seconds."""
MAX_CHARACTERS = 4_000
"""Of a sentence: the limit of a message on Discord."""

OUTCOMES = (*LABELS, UNSURE, *(kind for kind in KINDS if kind != REVIEW))
"""What may be wanted."""

_FORM = '- text: "What a film!", and on the next line, below the t, kind: positive'


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence, and what it should be taken for."""

    number: int
    """From 1."""
    line: int
    text: str = field(repr=False)
    wanted: str
    """One of `OUTCOMES`."""


def run_checks(
    classify: Callable[[Sequence[str]], Sequence[Verdict]], checks: Sequence[Check]
) -> list[BrokenCheck]:
    """The checks that a classifier breaks, in order."""
    verdicts = classify([check.text for check in checks])
    return [
        BrokenCheck(check.number, check.line, check.wanted, verdict.outcome)
        for check, verdict in zip(checks, verdicts, strict=True)
        if verdict.outcome != check.wanted
    ]


def compare_checks(
    broken: Sequence[BrokenCheck], by_serving: Sequence[BrokenCheck] | None = None
) -> dict[str, Any]:
    """What a checkpoint breaks, and what of it the serving one keeps, as JSON types."""
    compared = {"broken": [asdict(each) for each in broken]}
    if by_serving is not None:
        serving_breaks = {each.number for each in by_serving}
        compared["lost"] = [asdict(each) for each in broken if each.number not in serving_breaks]
    return compared


def read_checks(file: Path) -> list[Check]:
    """Reads and validates `file`.

    Raises:
        YamlError: the file, the line, what is wrong and what to do, without the sentence.
    """
    try:
        text, root = compose(file, MAX_BYTES)
    except FileNotFoundError:
        raise YamlError(f"There is no file {file}. Check the path to {FILE}.") from None
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        line = root.start_mark.line + 1 if root is not None else 1
        raise error_at(file, line, f"expected a list; write each entry as {_FORM}")
    if len(root.value) > MAX_CHECKS:
        raise YamlError(
            f"{file} has {len(root.value):,} entries; {MAX_CHECKS:,} are allowed. Remove some"
        )
    checks: dict[str, Check] = {}
    for number, entry in enumerate(root.value, start=1):
        check = _read_check(file, text, number, entry)
        if (earlier := checks.get(check.text)) is not None:
            problem = f"this repeats the text of line {earlier.line}; delete one of the two"
            raise error_at(file, check.line, problem)
        checks[check.text] = check
    return list(checks.values())


def _read_check(file: Path, text: str, number: int, entry: yaml.Node) -> Check:
    line = entry.start_mark.line + 1
    if not isinstance(entry, yaml.MappingNode):
        raise error_at(file, line, f"an entry is written {_FORM}")
    fields: dict[str, yaml.Node] = {}
    for key, value in entry.value:
        place = key.start_mark.line + 1
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if name not in ("text", "kind"):
            raise error_at(file, place, f"an entry has text and kind only; it is written {_FORM}")
        if name in fields:
            raise error_at(file, place, f"'{name}' is repeated; begin each entry with '- '")
        fields[name] = value
    for name in ("text", "kind"):
        if name not in fields:
            raise error_at(file, line, f"this entry has no '{name}'; it is written {_FORM}")
    sentence = _read_text(file, text, fields["text"])
    return Check(number, line, sentence, _read_kind(file, fields["kind"]))


def _read_text(file: Path, text: str, node: yaml.Node) -> str:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode) or node.tag != TEXT_TAG:
        raise error_at(file, line, "this is not read as text; put quotation marks around it")
    if is_cut_short(text, node):
        problem = "the text after ' #' would be taken for a comment; put quotation marks around it"
        raise error_at(file, node.end_mark.line + 1, problem)
    sentence = str(node.value).strip()
    if not sentence:
        raise error_at(file, line, "this text is blank; write it or delete the entry")
    if len(sentence) > MAX_CHARACTERS:
        problem = f"this text has {len(sentence):,} characters; {MAX_CHARACTERS:,} are allowed"
        raise error_at(file, line, problem)
    return sentence


def _read_kind(file: Path, node: yaml.Node) -> str:
    wanted = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if wanted not in OUTCOMES:
        problem = f"'kind' must be one of {', '.join(OUTCOMES)}"
        raise error_at(file, node.start_mark.line + 1, problem)
    return wanted
