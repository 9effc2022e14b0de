"""Reads the files that no engine runs here: the Dockerfile and .dockerignore."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import typer.main

from bot.__main__ import app
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = frozenset(name.upper() for name in Settings.model_fields)
SCRIPTS = frozenset(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])

Instruction = tuple[str, str]
"""Its name, and the rest of its line."""


def instructions() -> list[Instruction]:
    """Those of the Dockerfile, without comments, on one line each."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    found = (line.partition(" ") for line in joined if line.strip())
    return [(name, rest.strip()) for name, _, rest in found]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage, which FROM begins."""
    found: list[list[Instruction]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


def of_kind(stage: list[Instruction], kind: str) -> list[str]:
    """The rest of each instruction of that name."""
    return [rest for name, rest in stage if name == kind]


def variables(stage: list[Instruction]) -> dict[str, str]:
    """What ENV sets."""
    pairs = (pair.partition("=") for rest in of_kind(stage, "ENV") for pair in rest.split())
    return {name: value for name, _, value in pairs}


def exec_form(rest: str) -> list[str]:
    """The words of CMD, ENTRYPOINT or HEALTHCHECK in its JSON form."""
    words: list[str] = json.loads(rest[rest.index("[") :])
    return words


def is_in_context(path: str) -> bool:
    """Whether a file is sent to the engine: the last matching line of .dockerignore decides."""
    parents = [path, *map(str, Path(path).parents)]
    sent = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if _matches(parents, pattern.removeprefix("!")):
            sent = pattern.startswith("!")
    return sent


def _matches(paths: list[str], pattern: str) -> bool:
    if pattern.startswith("**/"):
        return any(fnmatch(Path(path).name, pattern[3:]) for path in paths)
    depth = pattern.count("/")
    return any(path.count("/") == depth and fnmatch(path, pattern) for path in paths)


def is_command(words: list[str]) -> bool:
    """Whether `review-concierge WORDS` is a command; without words it is the bot on Discord."""
    group: Any = typer.main.get_command(app)
    return not words or words[0] in group.commands
