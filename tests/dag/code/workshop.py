"""Modules of a user's, written to a folder, imported afresh, and what is taken of their code."""

from __future__ import annotations

import importlib
import io
import os
import sqlite3
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gridloom.dag.code import CodeRecord, code_of

STEP = """
from gridloom.dag import CacheableStep, StepConfig, StepContext
import helpers

class Peaks(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> int:
        return helpers.work(1)
"""


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def take(folder: Path, step: str = "steps.Peaks") -> CodeRecord:
    """Returns the record of a class of the folder's modules as a new process would take it."""
    with imported_afresh(folder):
        module, _, name = step.rpartition(".")
        return code_of(getattr(importlib.import_module(module), name))


@contextmanager
def imported_afresh(folder: Path) -> Iterator[None]:
    before, unwritten = set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # its times are too coarse for edits that follow each other at once
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = unwritten
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder) + os.sep):
                for value in vars(sys.modules.pop(name)).values():
                    if isinstance(value, io.IOBase | sqlite3.Connection):
                        value.close()
