"""The normal form of Python source: what is left of a syntax tree when layout and remarks are gone.

Written here because `ast.dump`, `ast.unparse` and bytecode differ between versions of Python.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterable

__all__ = ["digest_of_node", "is_remark", "short"]

_SHORT = 16
_BODIES = frozenset({"body", "orelse", "finalbody"})
_NOT_MEANT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def digest_of_node(node: ast.AST, *, without: Iterable[ast.AST] = ()) -> str:
    """Returns the digest of a node's normal form: the same for every layout, docstring and comment.

    Args:
        node: Any node; statements that only hold a constant (docstrings), and `pass`, do not count.
        without: Nodes below it that do not count.
    """
    pieces: list[str] = []
    _write(node, pieces.append, frozenset(map(id, without)))
    return short("".join(pieces).encode("utf-8", "surrogatepass"))


def short(data: bytes) -> str:
    """Returns a digest of 64 bits as 16 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()[:_SHORT]


def is_remark(node: ast.AST) -> bool:
    """Whether a statement does nothing: a docstring or another constant alone, or `pass`."""
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _write(node: ast.AST, put: Callable[[str], None], without: frozenset[int]) -> None:
    kind = type(node)
    if kind is ast.Constant:
        put(_constant(node.value))  # type: ignore[attr-defined]  # it is a Constant, exactly
        return
    put(kind.__name__)
    put("(")
    for name in _FIELDS.get(kind) or _fields(kind):
        value = getattr(node, name, None)
        if value is None or value == []:
            continue
        put(name)
        put("=")
        if isinstance(value, list):
            _write_list(kind, name, value, put, without)
        elif isinstance(value, ast.AST):
            _write(value, put, without)
        else:
            put(_constant(value))
    put(")")


def _write_list(
    kind: type[ast.AST], name: str, items: list[object], put: Callable[[str], None], without: frozenset[int]
) -> None:
    if kind is ast.JoinedStr:
        items = list(_joined(items))
    put("[")
    for item in items:
        if isinstance(item, ast.AST):
            if (name in _BODIES and is_remark(item)) or id(item) in without:
                continue
            _write(item, put, without)
        else:
            put(_constant(item))  # a name, or the None that stands for ** in a dict
        put(",")
    put("]")


def _joined(items: list[object]) -> Iterable[object]:
    """Yields the pieces of an f-string with neighbouring texts as one, however it was cut into literals."""
    text = ""
    for item in items:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            text += item.value
            continue
        if text:
            yield ast.Constant(text)
        text = ""
        yield item
    if text:
        yield ast.Constant(text)


def _constant(value: object) -> str:
    return f"{type(value).__name__}:{value!r};"


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return _FIELDS.setdefault(kind, tuple(name for name in kind._fields if name not in _NOT_MEANT))
