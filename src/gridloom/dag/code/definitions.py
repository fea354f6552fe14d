"""A definition in a source file: a function, class, assignment or lambda, and which code was made from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from types import CodeType

from gridloom.dag.code.normal import digest_of_node
from gridloom.dag.code.reads import Read, reads_of
from gridloom.dag.deep import deeply

__all__ = ["FUNCTIONS", "Definition", "assigned_in", "is_literal", "is_made_from", "lies_in"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Definition:
    """A function, class, assignment or lambda in a source file.

    Attributes:
        name: Its qualified name in the module.
        node: Its syntax tree.
        file: Name of its file, without the folder.
        inner: The functions and classes directly in a class: they count as definitions of their own.
        first: Its first line, decorators included.
        last: Its last line.
    """

    def __init__(self, name: str, node: ast.AST, file: str, inner: Iterable[Definition] = ()) -> None:
        self.name = name
        self.node = node
        self.file = file
        self.inner = tuple(inner)
        self.first = _first_line(node)
        self.last: int = getattr(node, "end_lineno", None) or self.first

    @property
    def where(self) -> str:
        """Its file and line."""
        return f"{self.file}:{self.first}"

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)

    @cached_property
    def digest(self) -> str:
        """The digest of its normal form."""
        with deeply():
            return digest_of_node(self.node, without=[part.node for part in self.inner])

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """The names that it reads from its module."""
        with deeply():
            return reads_of(self.node, without=[part.node for part in self.inner])

    @cached_property
    def methods(self) -> frozenset[str]:
        """Names of the functions and classes directly in a class."""
        return frozenset(part.name.rpartition(".")[2] for part in self.inner)

    @cached_property
    def literal_defaults(self) -> bool:
        """Whether all default values stand in the source as they are."""
        if not isinstance(self.node, FUNCTIONS):
            return False
        defaults = (*self.node.args.defaults, *self.node.args.kw_defaults)
        return all(default is None or is_literal(default) for default in defaults)

    @cached_property
    def values(self) -> dict[str, ast.expr]:
        """What a class gives to its attributes in its body, by name."""
        body = self.node.body if isinstance(self.node, ast.ClassDef) else []
        return {name: value for part in body for name, value in assigned_in(part) if value is not None}

    def place_of(self, code: CodeType) -> int:
        """Returns which of the functions inside it a code object is, counted from the top; -1 if none."""
        inside = [part for part in ast.walk(self.node) if isinstance(part, (*FUNCTIONS, ast.Lambda))]
        places = [place for place, part in enumerate(inside) if is_made_from(code, part)]
        return places[-1] if places else -1  # of nested lambdas on one line, the innermost


def is_made_from(code: CodeType, node: ast.AST) -> bool:
    """Whether a code object is that of a function's or lambda's node."""
    if isinstance(node, FUNCTIONS):
        return code.co_name == node.name and code.co_firstlineno == _first_line(node)
    return (
        isinstance(node, ast.Lambda)
        and code.co_name == "<lambda>"
        and code.co_firstlineno == node.lineno
        and lies_in(code, node)
    )


def lies_in(code: CodeType, node: ast.expr) -> bool:
    """Whether every instruction of a code object comes from between a node's first and last character."""
    least = (node.lineno, node.col_offset)
    most = (node.end_lineno or node.lineno, node.end_col_offset or 0)
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (line, column) < (end_line, end_column) and not (
            least <= (line, column) and (end_line, end_column) <= most
        ):
            return False
    return True


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a number, text, None, True, False or ``...`` as it stands."""
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    )


def assigned_in(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """Yields the names that a statement gives a value, with the value where it is one expression."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
            else:
                yield from ((part.id, None) for part in ast.walk(target) if isinstance(part, ast.Name))
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.value
    elif type(statement).__name__ == "TypeAlias":  # since Python 3.12
        yield statement.name.id, statement.value  # type: ignore[attr-defined]


def _first_line(node: ast.AST) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min((part.lineno for part in (*decorators, node) if hasattr(part, "lineno")), default=1)
