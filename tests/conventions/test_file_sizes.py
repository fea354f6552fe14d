"""One noun per module: files of at most 300 lines, functions of at most 50 without their docstring."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MOST_LINES = 300
MOST_FUNCTION_LINES = 50
FOLDERS = ("src", "tools", "benchmarks", "examples")


def too_long(name: str, source: str) -> list[str]:
    """Returns a sentence for the file if it is too long and for every function that is."""
    lines = source.count("\n")
    problems = [f"{name} has {lines} lines; at most {MOST_LINES}."] if lines > MOST_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _length(node)
            if length > MOST_FUNCTION_LINES:
                problems.append(f"{name}: {node.name} has {length} lines; at most {MOST_FUNCTION_LINES}.")
    return problems


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    length = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        length -= (docstring.end_lineno or 0) - docstring.lineno + 1
    return length


def test_every_file_and_function_is_short(root: Path) -> None:
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    problems = [
        problem
        for path in paths
        for problem in too_long(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
    ]

    assert len(paths) > 10
    assert problems == []


def test_a_file_of_301_lines_is_too_long() -> None:
    assert too_long("full.py", "x = 1\n" * 300) == []
    assert too_long("long.py", "x = 1\n" * 301) == ["long.py has 301 lines; at most 300."]


@pytest.mark.parametrize("head", ["def f():", "async def f():"])
def test_a_function_of_51_lines_is_too_long_and_its_docstring_does_not_count(head: str) -> None:
    documented = f'{head}\n    """One.\n\n    Two.\n    """\n'

    assert too_long("m.py", documented + "    x = 1\n" * 49) == []
    assert too_long("m.py", documented + "    x = 1\n" * 50) == ["m.py: f has 51 lines; at most 50."]
