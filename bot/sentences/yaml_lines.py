"""responses.yaml as YAML nodes, with errors for people who have never seen YAML."""

from pathlib import Path

import yaml

from bot.errors import ResponsesError
from bot.sentences.kinds import Kind
from trainer.errors import YamlError
from trainer.model.yaml_lines import TEXT_TAG as TEXT_TAG
from trainer.model.yaml_lines import compose
from trainer.model.yaml_lines import is_cut_short as is_cut_short

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
        text, node = compose(file, MAX_BYTES)
    except FileNotFoundError:
        raise ResponsesError(
            f"{file} is missing: it holds every sentence of the bot; restore the packaged one, "
            "or name another file in RESPONSES_FILE"
        ) from None
    except YamlError as error:
        raise ResponsesError(str(error)) from None
    if not isinstance(node, yaml.MappingNode):
        raise error_at(file, 1, f"expected the lists {', '.join(Kind)}, each with its sentences")
    return text, node
