"""Classes: by their source and that of their bases, with their methods and the values of their attributes."""

from __future__ import annotations

import ast
import sys
import types
from abc import ABCMeta
from collections import namedtuple
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from gridloom.dag.code.definitions import Definition, is_literal
from gridloom.dag.code.following import Following
from gridloom.dag.code.functions import is_own
from gridloom.dag.code.lookup import home
from gridloom.dag.code.sources import SourceFile, cells

__all__ = ["define_class", "follow_class"]

_MADE = frozenset({"model_config", "_abc_impl"})
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})
_SLOTS = (
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    type(vars(namedtuple("_", "field"))["field"]),  # noqa: PYI024 - only its getter's type
)


def follow_class(walk: Following, kind: type, name: str) -> None:
    """Counts a class: its definition, bases, metaclass, methods and attributes.

    Args:
        walk: The walk that met it.
        kind: The class.
        name: Its name with its module.
    """
    for base in (*kind.__mro__[1:], type(kind), *_arguments_of(kind)):
        walk.follow(base)
    source, definition = _definition_of(walk, kind)
    variables = _variables_of(kind)
    for key, value in list(vars(kind).items()):
        if isinstance(value, FunctionType):
            if not _is_generated(value, key, definition):
                _method(walk, f"{name}.{key}", value)
        elif key[:2] == "__":
            continue  # Python's own, or it stands in the source
        elif isinstance(value, type):
            walk.follow(value)
        elif not isinstance(value, _SLOTS) and not _is_made(kind, key):
            _attribute(walk, f"{name}.{key}", key, value, definition)
    if definition is not None:
        # After the living methods: of two of one name, the living one counts.
        walk.once((id(kind), "defined"), kind, lambda: define_class(walk, definition, variables))
        if source is not None and not source.trusted and _is_edited(kind, definition):
            walk.notes.edited(name, definition.where)
    else:
        _undefined(walk, kind, name, source)


def define_class(walk: Following, definition: Definition, variables: Mapping[str, Any]) -> None:
    """Counts a class by its source, and those of its methods that no living function stands for."""
    walk.definition(definition, variables, "class")
    for part in definition.inner:
        if part.is_class:
            define_class(walk, part, variables)
        else:
            walk.definition(part, variables)


def _method(walk: Following, name: str, function: FunctionType) -> None:
    """Counts a method; one that another function of the user's made counts with what it holds."""
    if "<" in function.__code__.co_qualname and is_own(walk, function):
        walk.value(f"function {name}", function, name)
    else:
        walk.follow(function)


def _attribute(walk: Following, name: str, key: str, value: Any, definition: Definition | None) -> None:
    """Counts the value of a class's attribute, if it does not stand in the class's source as it is."""
    where = definition.where if definition else name
    if definition and key in definition.methods:
        walk.value(f"function {name}", value, where)
    elif definition is None or key not in definition.values or _differs(value, definition.values[key]):
        walk.value(f"constant {name}", value, where)


def _undefined(walk: Following, kind: type, name: str, source: SourceFile | None) -> None:
    """Counts a class that is defined in no source of its own."""
    module = sys.modules.get(kind.__module__)
    if module is not None and str(getattr(module, "__file__", "")).endswith((".so", ".pyd")):
        walk.extension(module, home(module.__name__))
        return
    outer = kind.__qualname__.partition(".<locals>")[0]
    makers = source.functions.get(outer, []) if source and outer != kind.__qualname__ else []
    for maker in makers:
        walk.definition(maker, _variables_of(kind))
    if not makers:
        walk.value(f"class {name}", vars(kind).get("__annotations__", {}), home(kind.__module__))
        walk.notes.no_source(name, home(kind.__module__))


def _is_generated(value: FunctionType | type, key: str, definition: Definition | None) -> bool:
    """Whether a method was made from text, as those of a dataclass: what it is made from counts."""
    while "__wrapped__" in vars(value):
        value = vars(value)["__wrapped__"]
    if definition is None or not isinstance(value, FunctionType):
        return False
    return key not in definition.methods and value.__code__.co_filename.startswith("<")


def _is_made(kind: type, key: str) -> bool:
    """Whether an attribute is one that Python or a library gives to every class of a kind."""
    of_library = type(kind) not in {type, ABCMeta} or issubclass(kind, tuple)
    return key in _MADE or (of_library and key.startswith("_"))


def _differs(value: Any, node: ast.expr) -> bool:
    """Whether a value is not the one that stands in the source; what a library made of that is not asked."""
    if not is_literal(node):
        return True
    told = ast.literal_eval(node)
    return type(value) in _PLAIN and (type(value), repr(value)) != (type(told), repr(told))


def _is_edited(kind: type, definition: Definition) -> bool:
    """Whether an attribute of a class is not what stands in its source."""
    return any(
        is_literal(node) and name in vars(kind) and _differs(vars(kind)[name], node)
        for name, node in definition.values.items()
    )


def _arguments_of(kind: type) -> Iterator[type]:
    """Yields the classes in the brackets after a class's bases."""
    for base in vars(kind).get("__orig_bases__", ()):
        yield from (part for part in getattr(base, "__args__", ()) if isinstance(part, type))


def _definition_of(walk: Following, kind: type) -> tuple[SourceFile | None, Definition | None]:
    """Returns where a class is defined: in its module's file, its methods' files, or a cell of a notebook."""
    variables = _variables_of(kind)
    file = variables.get("__file__")
    home_file = walk.source(file, variables) if isinstance(file, str) else None
    if home_file is not None and len(home_file.classes.get(kind.__qualname__, ())) == 1:
        return home_file, home_file.classes[kind.__qualname__][0]
    methods = [value.__code__ for value in vars(kind).values() if isinstance(value, FunctionType)]
    files = [walk.source(name, variables) for name in dict.fromkeys(code.co_filename for code in methods)]
    lines = [code.co_firstlineno for code in methods if code.co_qualname.startswith(f"{kind.__qualname__}.")]
    lines.append(vars(kind).get("__firstlineno__", 0))
    for source in (home_file, *files, *(() if home_file else cells())):
        definition = source.class_named(kind.__qualname__, lines) if source else None
        if definition is not None:
            return source, definition
    return home_file, None


def _variables_of(kind: type) -> Mapping[str, Any]:
    module = sys.modules.get(kind.__module__)
    return {"__name__": kind.__module__} if module is None else vars(module)
