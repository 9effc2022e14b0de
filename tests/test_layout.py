"""The shape of the code: what CONTRIBUTING.md asks of every function."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_LINES = 60


def test_no_function_is_longer_than_a_screen() -> None:
    too_long = []
    for package in ("trainer", "bot", "benchmarks"):
        for file in sorted((ROOT / package).rglob("*.py")):
            if "migrations" in file.parts:  # one lists the columns of every table
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    # The decorators stand in front of the line that a definition begins at.
                    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                    lines = (node.end_lineno or first) - first + 1
                    if lines > MAX_LINES:
                        too_long.append(f"{file.relative_to(ROOT)}: {node.name}, {lines} lines")
    assert too_long == []
