"""YAML files that people write, as nodes that remember their lines.

Errors are for people who have never seen YAML. They quote a key or a short word, never a sentence.
"""

from pathlib import Path

import yaml

from trainer.errors import YamlError
from trainer.model.files import read_regular

TEXT_TAG = "tag:yaml.org,2002:str"


def error_at(file: Path, line: int, problem: str) -> YamlError:
    """An error in a line."""
    return YamlError(f"{file}, line {line}: {problem}")


def compose(file: Path, max_bytes: int) -> tuple[str, yaml.Node | None]:
    """The text of a file, and the file as YAML nodes; None if it is empty.

    Raises:
        FileNotFoundError: there is no such file.
        YamlError: the file, the line, what is wrong and what to do.
    """
    try:
        content = read_regular(file, max_bytes)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise YamlError(f"{file} cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise error_at(file, line, "this is not UTF-8 text; save the file as UTF-8") from None
    try:
        return text, yaml.compose(text, Loader=yaml.SafeLoader)
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
        raise YamlError(f"{file}: {problem}; write one sentence per line") from None


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
