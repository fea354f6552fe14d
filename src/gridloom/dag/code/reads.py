"""Which names of its module a piece of source reads: free names with their attributes, imports, look-ups."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gridloom.dag.code.scopes import Scope, arguments_of, bound_in

__all__ = ["Read", "reads_of"]

_IMPORTERS = frozenset({"import_module", "__import__"})
_OWN = frozenset({"self", "cls"})


class Read(NamedTuple):
    """A name that a piece of source reads from outside of it.

    Attributes:
        name: The free name; empty where a module is imported on the spot.
        chain: The attributes that are read from it, one from the other.
        line: Where, in the file.
        module: The module that is imported on the spot, with a leading dot for each level.
        computed: Whether a look-up function of this name would be called with a name that is only known
            at run time.
        of: The free name whose attribute would be looked up by `getattr`.
    """

    name: str
    chain: tuple[str, ...]
    line: int
    module: str = ""
    computed: bool = True
    of: str = ""


def reads_of(node: ast.AST, *, without: Iterable[ast.AST] = ()) -> tuple[Read, ...]:
    """Returns what a definition, statement or expression reads, each once, in the order of the source.

    Args:
        node: Where to look; names that its functions bind are not free.
        without: Nodes below it that do not count.
    """
    reader = _Reader(frozenset(map(id, without)))
    reader.visit(node)
    return tuple({read._replace(line=0): read for read in reversed(reader.found)}.values())[::-1]


class _Reader:
    def __init__(self, without: frozenset[int]) -> None:
        self.found: list[Read] = []
        self._without = without
        self._scopes: list[Scope] = []

    def visit(self, node: ast.AST) -> None:
        """Reads a node: with the method for its kind, or all nodes below."""
        if id(node) in self._without:
            return
        method = _METHODS.get(type(node))
        if method is not None:
            method(self, node)
        else:
            self._below(node)

    def _below(self, node: ast.AST) -> None:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                self.visit(value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)

    def on_name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._read(node.id, (), node.lineno)

    def on_attribute(self, node: ast.Attribute) -> None:
        self._chain(node)

    def on_subscript(self, node: ast.Subscript) -> None:
        # globals()["name"] is the name.
        value, key = node.value, node.slice
        if _is_call_of(value, "globals") and isinstance(key, ast.Constant) and isinstance(key.value, str):
            self._read(key.value, (), node.lineno)
        else:
            self._below(node)

    def on_call(self, node: ast.Call) -> None:
        if _is_call_of(node, "getattr") and len(node.args) > 1:
            self._getattr(node)
            return
        module = _module_named(node)
        if module:
            self.found.append(Read("", (), node.lineno, module=module))
            self._chain(node.func, computed=False)
        else:
            self.visit(node.func)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def on_import(self, node: ast.Import) -> None:
        # What is read of it is found where it is read, unless its name may stand for something else.
        for alias in node.names if self._scopes else ():
            name = alias.asname or alias.name.partition(".")[0]
            if name not in self._scopes[-1].imports:
                self.found.append(Read("", (), node.lineno, module=alias.name))

    def on_import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self.found.append(
                Read("", () if alias.name == "*" else (alias.name,), node.lineno, module=module)
            )

    def on_function_def(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._signature(node.args)
        if node.returns is not None:
            self._annotation(node.returns)
        self._function(node, node.body)

    def on_lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._function(node, [node.body])

    def on_ann_assign(self, node: ast.AnnAssign) -> None:
        self._annotation(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def on_list_comp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first = node.generators[0].iter
        self.visit(first)  # outside of the comprehension's own scope
        targets = (name for part in node.generators for name in _stored(part.target))
        self._scopes.append(Scope(targets))
        for part in ast.iter_child_nodes(node):
            for child in ast.iter_child_nodes(part) if isinstance(part, ast.comprehension) else (part,):
                if child is not first:
                    self.visit(child)
        self._scopes.pop()

    def _function(self, node: ast.AST, body: list[ast.stmt] | list[ast.expr]) -> None:
        self._scopes.append(bound_in(node, body))
        for statement in body:
            self.visit(statement)
        self._scopes.pop()

    def _signature(self, arguments: ast.arguments) -> None:
        for argument in arguments_of(arguments):
            if argument.annotation is not None:
                self._annotation(argument.annotation)
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def _annotation(self, node: ast.expr) -> None:
        """Visits an annotation; a text in it is source too."""
        self.visit(node)
        for part in ast.walk(node):
            text = _text(part)
            if text is not None:
                try:
                    parsed = ast.parse(text.strip(), mode="eval").body
                except (SyntaxError, ValueError):
                    continue
                self.visit(ast.copy_location(parsed, part))

    def _getattr(self, node: ast.Call) -> None:
        literal = _text(node.args[1])
        if literal is not None:
            self._chain(ast.copy_location(ast.Attribute(node.args[0], literal, ast.Load()), node))
            rest = node.args[2:]
        else:
            root = node.args[0]
            while isinstance(root, ast.Attribute):
                root = root.value
            name = root.id if isinstance(root, ast.Name) else ""
            own = name in _OWN and self._bound(name) is not None
            free = name and self._bound(name) is None
            self.found.append(Read("getattr", (), node.lineno, computed=not own, of=name if free else ""))
            rest = node.args
        for argument in rest:
            self.visit(argument)

    def _chain(self, node: ast.expr, *, computed: bool = True) -> None:
        names: list[str] = []
        root = node
        while isinstance(root, ast.Attribute):
            names.append(root.attr)
            root = root.value
        chain = tuple(reversed(names))
        module = _module_named(root)
        if isinstance(root, ast.Name):
            self._read(root.id, chain, root.lineno, computed=computed)
        elif isinstance(root, ast.Call) and module and chain:
            self.found.append(Read("", chain, root.lineno, module=module))
            self._chain(root.func, computed=False)
        else:
            self.visit(root)

    def _read(self, name: str, chain: tuple[str, ...], line: int, *, computed: bool = True) -> None:
        scope = self._bound(name)
        if scope is None:
            self.found.append(Read(name, chain, line, computed=computed))
        elif name in scope.imports:
            module, attribute = scope.imports[name]
            chain = (attribute, *chain) if attribute else chain
            self.found.append(Read("", chain, line, module=module, computed=computed))

    def _bound(self, name: str) -> Scope | None:
        for scope in reversed(self._scopes):
            if name in scope.outside:
                return None
            if name in scope.names:
                return scope
        return None


_METHODS: dict[type[ast.AST], Callable[[_Reader, Any], None]] = {
    ast.Name: _Reader.on_name,
    ast.Attribute: _Reader.on_attribute,
    ast.Subscript: _Reader.on_subscript,
    ast.Call: _Reader.on_call,
    ast.Import: _Reader.on_import,
    ast.ImportFrom: _Reader.on_import_from,
    ast.FunctionDef: _Reader.on_function_def,
    ast.Lambda: _Reader.on_lambda,
    ast.AnnAssign: _Reader.on_ann_assign,
    ast.ListComp: _Reader.on_list_comp,
    ast.AsyncFunctionDef: _Reader.on_function_def,
    ast.SetComp: _Reader.on_list_comp,
    ast.DictComp: _Reader.on_list_comp,
    ast.GeneratorExp: _Reader.on_list_comp,
}


def _is_call_of(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _module_named(node: ast.AST) -> str:
    """Returns the module that a call imports by a name in the source; empty for all else."""
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return (_text(node.args[0]) or "") if name in _IMPORTERS else ""


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _stored(node: ast.AST) -> Iterator[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
