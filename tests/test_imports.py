"""Imports point downwards only, as docs/architecture.md says."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {f"trainer.{name}" for name in ("config", "errors", "events", "extras")}
"""The modules of `trainer` outside its packages, which do not load torch."""

BELOW = {
    "trainer.model": set(),
    "trainer.data": {"trainer.model"},
    "trainer.training": {"trainer.model", "trainer.data"},
    "trainer.comparing": {"trainer.model", "trainer.data", "trainer.training"},
}
"""The rooms of `trainer` that each may enter."""


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(file): file for room in ("bot", "trainer") for file in (ROOT / room).rglob("*.py")}


def _imports(tree: ast.AST) -> Iterator[str]:
    """What is imported anywhere in it, but for the eyes of mypy only."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                # `from bot import logs` means a module, `from bot.logs import log` does not.
                names = [f"{module}.{alias.name}" for alias in node.names]
                yield from (name if name in FILES else module for name in names)
            case _:
                yield from _imports(node)


IMPORTS = {
    name: set(_imports(ast.parse(file.read_text(encoding="utf-8")))) for name, file in FILES.items()
}


def _is_in(name: str, *packages: str) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def _crossing(inside: str, *outside: str, besides: tuple[str, ...] = ()) -> list[str]:
    """The imports of `outside` in the package `inside`, without its parts `besides`."""
    return [
        f"{name} imports {imported}"
        for name, imported_names in IMPORTS.items()
        if _is_in(name, inside) and not _is_in(name, *besides)
        for imported in sorted(imported_names)
        if _is_in(imported, *outside)
    ]


def test_imports_are_found() -> None:
    """The checks below are worth something only if they are."""
    assert "discord" in IMPORTS["bot.frontends.discord.client"]
    assert "bot.frontends.console" in IMPORTS["bot.__main__"]  # within a function
    assert "bot.logs" in IMPORTS["bot.__main__"]
    assert _crossing("bot", "discord")


def test_no_two_files_import_each_other() -> None:
    graph = {name: imported & FILES.keys() for name, imported in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_bot_enters_one_room_of_trainer() -> None:
    allowed = ("trainer.model", *GROUND)
    entered = {
        imported
        for name, imported_names in IMPORTS.items()
        if _is_in(name, "bot")
        for imported in imported_names
        if _is_in(imported, "trainer") and not _is_in(imported, *allowed)
    }
    assert entered <= {"trainer"}  # its version


def test_what_stands_beside_the_rooms_of_trainer_enters_none() -> None:
    for module in GROUND:
        assert not [
            name for name in IMPORTS[module] if _is_in(name, "trainer") and name not in GROUND
        ]


@pytest.mark.parametrize("room", BELOW)
def test_rooms_of_trainer_enter_those_below(room: str) -> None:
    assert _crossing(room, *(BELOW.keys() - BELOW[room] - {room})) == []


def test_only_front_ends_know_a_platform() -> None:
    platforms = ("discord", "prompt_toolkit")
    assert _crossing("bot", *platforms, besides=("bot.frontends",)) == []
    # The command line puts all together.
    besides = ("bot.frontends", "bot.__main__")
    assert _crossing("bot", "bot.frontends", besides=besides) == []


def test_the_conversation_knows_nothing_of_operations() -> None:
    besides = ("bot.frontends", "bot.operations", "bot.__main__")
    assert _crossing("bot", "bot.operations", besides=besides) == []


def test_only_the_command_line_knows_ray_serve() -> None:
    assert "ray" in IMPORTS["bot.serving.cluster"]
    assert _crossing("bot", "ray", besides=("bot.serving",)) == []
    assert _crossing("bot", "bot.serving", besides=("bot.serving", "bot.__main__")) == []
    rooms = ("bot.conversation", "bot.desk", "bot.frontends", "bot.operations", "bot.sentences")
    assert _crossing("bot.serving", *rooms) == []


@pytest.mark.parametrize("room", ["sentences", "desk", "engine", "settings", "logs", "files"])
def test_the_conversation_stands_above(room: str) -> None:
    assert _crossing(f"bot.{room}", "bot.conversation") == []
