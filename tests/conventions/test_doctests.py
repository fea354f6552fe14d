"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SRC = Path(__file__).resolve().parents[2] / "src"


def modules_with_examples() -> list[str]:
    """Returns the modules of the package that hold an example."""
    return [
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(SRC.rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


def failures(module: ModuleType) -> tuple[int, int]:
    """Returns how many examples of a module fail, and how many there are."""
    result = doctest.testmod(module, verbose=False, optionflags=doctest.ELLIPSIS)
    return result.failed, result.attempted


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_of_the_package(name: str) -> None:
    failed, attempted = failures(importlib.import_module(name))

    assert attempted > 0
    assert failed == 0


@pytest.mark.parametrize("name", ["check_docs", "make_constraints"])
def test_examples_of_the_tools(tool: Callable[[str], ModuleType], name: str) -> None:
    failed, attempted = failures(tool(name))

    assert attempted > 0
    assert failed == 0


def test_a_wrong_example_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")

    assert failures(module) == (1, 1)
    assert "Expected:" in capsys.readouterr().out
