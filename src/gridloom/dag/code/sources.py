"""Source files by definition: which piece of source a living function or class was made from.

A file is read and parsed once; a definition's digest and what it reads are found when first asked for.
"""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

from gridloom.dag.code.definitions import FUNCTIONS, Definition, assigned_in, lies_in
from gridloom.dag.code.loaded import compiled_codes, known_unchanged

__all__ = ["SourceFile", "cells", "source_of"]

_FILES: dict[str, tuple[object, SourceFile | None]] = {}


class SourceFile:
    """The definitions of one source file by qualified name.

    Attributes:
        name: The file's name without its folder.
        whole: The file as one definition.
        functions: Functions and methods.
        classes: Classes.
        assigned: Names that are given a value at the top level.
        imported: Names imported at the top level: module (a dot for each level up) and attribute.
        trusted: Whether running code surely comes from this text.
    """

    def __init__(self, filename: str, text: bytes, *, trusted: bool) -> None:
        self.name = os.path.basename(filename)  # noqa: PTH119 - may be no path
        self.trusted = trusted
        self.functions: dict[str, list[Definition]] = {}
        self.classes: dict[str, list[Definition]] = {}
        self.assigned: dict[str, list[Definition]] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self._filename = filename
        self._text = text
        self._tree = ast.parse(text)
        self._lambdas: dict[int, Definition] = {}
        self._codes: dict[tuple[str, int], list[CodeType]] | None = None
        self.whole = Definition("", self._tree, self.name)
        self._index(self._tree.body, "")

    def has(self, name: str) -> bool:
        """Whether the file itself gives a name a meaning at its top level."""
        return any(name in names for names in (self.functions, self.classes, self.assigned, self.imported))

    def describes(self, code: CodeType) -> bool:
        """Whether a running code object is what this text compiles to; not if the file was edited since."""
        if self.trusted:
            return True
        if self._codes is None:
            self._codes = compiled_codes(self._filename, self._text)
        return code in self._codes.get((code.co_qualname, code.co_firstlineno), [])

    def function(self, code: CodeType) -> Definition | None:
        """Returns the outermost definition that a code object was made from; None if it is not here."""
        outer = code.co_qualname.partition(".<locals>")[0]
        if "<lambda>" in outer:
            return self._lambda(code, outer)
        nested = outer != code.co_qualname
        line = code.co_firstlineno
        for found in self.functions.get(outer, []):
            if found.first == line or (nested and found.first < line <= found.last):
                return found
        return None

    def class_named(self, qualname: str, lines: Iterable[int]) -> Definition | None:
        """Returns a class's definition; of several of one name, that with a method on one of the lines."""
        found = self.classes.get(qualname, [])
        wanted = list(lines) if len(found) > 1 else []
        holding = (one for one in found if any(one.first <= line <= one.last for line in wanted))
        return next(holding, found[-1] if found else None)

    def _lambda(self, code: CodeType, outer: str) -> Definition | None:
        for statement in self._tree.body:
            whole = Definition("", statement, self.name)
            if whole.first <= code.co_firstlineno <= whole.last:
                for part in ast.walk(statement):
                    if isinstance(part, ast.Lambda) and lies_in(code, part):
                        return self._lambdas.setdefault(id(part), Definition(outer, part, self.name))
        return None

    def _index(self, body: Iterable[ast.stmt], prefix: str) -> list[Definition]:
        """Indexes statements and those in their blocks; returns the definitions directly among them."""
        direct: list[Definition] = []
        for statement in body:
            if isinstance(statement, FUNCTIONS):
                name = prefix + statement.name
                direct.append(Definition(name, statement, self.name))
                self.functions.setdefault(name, []).append(direct[-1])
            elif isinstance(statement, ast.ClassDef):
                name = prefix + statement.name
                inner = self._index(statement.body, f"{name}.")
                direct.append(Definition(name, statement, self.name, inner))
                self.classes.setdefault(name, []).append(direct[-1])
            else:
                self._index(_blocks(statement), prefix)
                if not prefix:
                    self._names(statement)
        return direct

    def _names(self, statement: ast.stmt) -> None:
        for name, _ in assigned_in(statement):
            self.assigned.setdefault(name, []).append(Definition(name, statement, self.name))
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            self.imported.update(
                {alias.asname or alias.name: (module, alias.name) for alias in statement.names}
            )


def source_of(filename: str, variables: Mapping[str, Any]) -> SourceFile | None:
    """Returns the definitions of the file that code says it is from; None if there is no source.

    Args:
        filename: ``co_filename`` of a code object, or ``__file__`` of a module.
        variables: Globals of its module, whose loader may have the source.
    """
    try:
        stat = os.stat(filename)  # noqa: PTH116 - may be no path
        state: object = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)
    except (OSError, ValueError):
        stat, state = None, len(linecache.cache.get(filename, ()))
    known = _FILES.get(filename)
    if known is None or known[0] != state:
        known = (state, _parsed(filename, variables, stat))
        _FILES[filename] = known
    return known[1]


def cells() -> Iterator[SourceFile]:
    """Yields the sources that are in no file, such as the cells of a notebook, newest first."""
    for filename in reversed(list(linecache.cache)):
        if not os.path.exists(filename):  # noqa: PTH110 - may be no path
            source = source_of(filename, {})
            if source is not None:
                yield source


def _parsed(filename: str, variables: Mapping[str, Any], stat: os.stat_result | None) -> SourceFile | None:
    trusted = stat is None or known_unchanged(stat, variables)
    try:
        if stat is None:
            text = "".join(linecache.getlines(filename, dict(variables))).encode()
        else:
            with open(filename, "rb") as stream:  # noqa: PTH123 - the name is one of Python's own
                text = stream.read()
        return SourceFile(filename, text, trusted=trusted) if text else None
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _blocks(statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yields the statements in the blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        yield from getattr(statement, name, [])
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, []):
            yield from part.body
