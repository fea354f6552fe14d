"""Which names a function binds itself, and which of those are only imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

__all__ = ["Scope", "arguments_of", "bound_in"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CLOSED = (*_FUNCTIONS, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BINDING = (
    ast.Name,
    ast.Import,
    ast.ImportFrom,
    ast.Global,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    ast.MatchMapping,
)


class Scope:
    """The names that a function binds, and those of them that are only imports."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = set(names)
        self.outside: set[str] = set()
        self.imports: dict[str, tuple[str, str]] = {}


def bound_in(function: ast.AST, body: list[ast.stmt] | list[ast.expr]) -> Scope:
    """Returns the names that a function binds itself; those of functions inside it are theirs."""
    scope = Scope()
    if isinstance(function, _FUNCTIONS):
        scope.names.update(argument.arg for argument in arguments_of(function.args))
    imports: dict[str, tuple[str, str]] = {}
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, _BINDING):
            _bind(node, scope, imports)
        waiting += _inside(node)
    # A name that is bound otherwise too may be anything.
    scope.imports = {name: found for name, found in imports.items() if name not in scope.names}
    scope.names |= set(imports)
    return scope


def _bind(node: ast.AST, scope: Scope, imports: dict[str, tuple[str, str]]) -> None:
    if isinstance(node, ast.Global):
        scope.outside.update(node.names)
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        scope.names.add(node.id)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            imports[alias.asname or top] = (alias.name if alias.asname else top, "")
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        imports.update({alias.asname or alias.name: (module, alias.name) for alias in node.names})
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
        scope.names.update([node.name] if node.name else [])
    elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.MatchMapping)):
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        scope.names.update([name] if name else [])


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yields the nodes below that are of the same scope; a comprehension binds only what it names by :=."""
    if isinstance(node, _CLOSED):
        return
    if isinstance(node, _COMPREHENSIONS):
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                yield part.target
        return
    yield from ast.iter_child_nodes(node)


def arguments_of(arguments: ast.arguments) -> Iterator[ast.arg]:
    """Yields the parameters of a function."""
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None)
