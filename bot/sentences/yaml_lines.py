"""responses.yaml as YAML nodes, with errors for people who have never seen YAML."""

from pathlib import Path

import yaml

from bot.errors import ResponsesError
from bot.sentences.kinds import Kind
from trainer.model.files import read_regular

MAX_BYTES = 262_144
"""Of responses.yaml: five long sentences of each kind, and a fraction of a second to read."""


def error_at(file: Path, line: int, problem: str) -> ResponsesError:
    """An error in a line."""
    return ResponsesError(f"{file}, line {line}: {problem}")


def parse(file: Path) -> tuple[str, yaml.MappingNode]:
    """The text of the file, and the file as YAML nodes, which remember their lines.

    Raises ResponsesError: the file, the line, what is wrong and what to do.
    """
    try:
        content = read_regular(file, MAX_BYTES)
    except FileNotFoundError:
        raise ResponsesError(
            f"{file} is missing: it holds every sentence of the bot; restore the packaged one, "
            "or name another file in RESPONSES_FILE"
        ) from None
    except OSError as error:
        raise ResponsesError(f"{file} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise error_at(file, line, "this is not UTF-8 text; save the file as UTF-8") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        # A quotation mark that is never closed: the scanner gives its position as the context.
        began = error.context_mark if isinstance(error, yaml.scanner.ScannerError) else None
        mark = began or error.problem_mark
        line = mark.line + 1 if mark else 1
        raise error_at(file, line, _syntax_problem(text, line)) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise error_at(file, line, "there is an invisible control character; delete it") from None
    except (RecursionError, ValueError, OverflowError):
        # Nested brackets, and an escape such as "\UFFFFFFFF", which PyYAML accepts.
        problem = "this is not valid YAML (brackets without end, or an unknown escape)"
        raise ResponsesError(f"{file}: {problem}; write one sentence per line") from None
    if not isinstance(node, yaml.MappingNode):
        raise error_at(file, 1, f"expected the lists {', '.join(Kind)}, each with its sentences")
    return text, node


def is_cut_short(text: str, entry: yaml.Node) -> bool:
    """Whether a comment follows a sentence that has no quotation marks, on the same line."""
    if not isinstance(entry, yaml.ScalarNode) or entry.style is not None:
        return False
    end = text.find("\n", entry.end_mark.index)
    rest = text[entry.end_mark.index : end if end >= 0 else len(text)]
    return rest.lstrip().startswith("#")


def _syntax_problem(text: str, line: int) -> str:
    """The probable mistake in a line that is not valid YAML, and what to do."""
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
