"""Follows functions, classes, modules and values to all that they reach by name."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from gridloom.dag.code.classes import define_class, follow_class
from gridloom.dag.code.definitions import Definition
from gridloom.dag.code.functions import follow_function
from gridloom.dag.code.lookup import Found, absolute, home, look_up, surprise_of
from gridloom.dag.code.normal import short
from gridloom.dag.code.notes import Notes
from gridloom.dag.code.origins import APART, Origin, Whose, origin_of
from gridloom.dag.code.reads import Read
from gridloom.dag.code.record import CodeRecord
from gridloom.dag.code.sources import SourceFile, source_of
from gridloom.dag.code.values import CALLABLES, FOLLOWED, ValueForm, framed

__all__ = ["Follower"]

_OF_OTHERS: dict[int, tuple[bytes, Origin, object]] = {}
"""Classes and modules of packages that were met before, by id, and kept so that the id stays theirs."""


class Follower:
    """Takes one record: all that is met is followed once, from a queue.

    Args:
        apart: Modules that do not count, with those below them.

    Attributes:
        notes: What was written down.
        form: Writes values, and comes back to `follow` for functions, classes and modules in them.
    """

    def __init__(self, apart: Iterable[str] = ()) -> None:
        self.notes = Notes()
        self.form = ValueForm(self.follow)
        self._apart = tuple(f"{name}." for name in apart)
        self._seen: dict[object, object] = {}
        self._sources: dict[str, SourceFile | None] = {}
        self._of_modules: dict[str, SourceFile | None] = {}
        self._waiting: deque[Callable[[], None]] = deque()

    def record(self, step_class: type) -> CodeRecord:
        """Returns the record of all that a class reaches."""
        self.notes.use(origin_of("sys"))
        self.form.of(step_class)
        return self._finished()

    def attributes(self, step_class: type, given: Mapping[str, Any]) -> CodeRecord:
        """Returns the record of all that the attributes of one step reach."""
        owner = f"{home(step_class.__module__)}.{step_class.__qualname__}"
        for name, value in given.items():
            self.value(f"attribute {owner}.{name}", value, home(step_class.__module__))
        return self._finished()

    def _finished(self) -> CodeRecord:
        while self._waiting:
            self._waiting.popleft()()
        return self.notes.record()

    def origin(self, module: str) -> Origin:
        """Returns whose a module is; one that is set apart is nobody's."""
        return APART if self._apart and f"{module}.".startswith(self._apart) else origin_of(module)

    def source(self, filename: str, variables: Mapping[str, Any]) -> SourceFile | None:
        """Returns the definitions of the file that code says it is from; None if there is no source."""
        if filename not in self._sources:
            self._sources[filename] = source_of(filename, variables)
        return self._sources[filename]

    def _source_of(self, module: str) -> SourceFile | None:
        if module not in self._of_modules:
            file = getattr(sys.modules.get(module), "__file__", None)
            found = self.source(file, vars(sys.modules[module])) if isinstance(file, str) else None
            self._of_modules[module] = found
        return self._of_modules[module]

    def once(self, key: object, kept: object, work: Callable[[], None]) -> None:
        """Puts work in the queue if it never was; `kept` stays alive, so that its id stays its own."""
        if key not in self._seen:
            self._seen[key] = kept
            self._waiting.append(work)

    def follow(self, value: Any) -> bytes:
        """Sees to it that a function, class or module counts; returns what stands for it in a value."""
        if isinstance(value, FunctionType):
            return follow_function(self, value)
        known = _OF_OTHERS.get(id(value))
        if known is not None:
            self.notes.use(known[1])
            return known[0]
        whole = isinstance(value, ModuleType)
        module = home(value.__name__ if whole else value.__module__)
        name = module if whole else f"{module}.{value.__qualname__}"
        form = framed("module" if whole else "class", name.encode())
        origin = self.origin(module)
        if origin.whose is not Whose.own:
            self.notes.use(origin)
            if origin is not APART:
                _OF_OTHERS[id(value)] = (form, origin, value)
        elif whole:
            self.once(id(value), value, lambda: self._module(value, module))
        else:
            self.once(id(value), value, lambda: follow_class(self, value, name))
        return form

    def see(self, name: str, value: Any, where: str) -> tuple[bytes, bool]:
        """Follows all that a value holds; returns its stable form, and whether all of it has one.

        Args:
            name: What the value is called if something in it has no stable form.
            value: Any object.
            where: File and line.
        """
        try:
            form = self.form.of(value)
        except RecursionError:
            form = b""
            self.form.formless.append("structure that is nested too deeply")
        formless, self.form.formless = self.form.formless, []
        self.notes.formless(name, where, formless)
        return form, not formless

    def value(self, part: str, value: Any, where: str) -> bool:
        """Counts a value as a part of its own; returns whether its form says all about it."""
        named = self.form.named
        form, whole = self.see(part.partition(" ")[2], value, where)
        self.notes.count(part, short(form))
        return whole and self.form.named == named

    def definition(
        self, definition: Definition, variables: Mapping[str, Any], kind: str = "function"
    ) -> None:
        """Counts a definition by its source, and follows what it reads."""
        name = f"{home(variables.get('__name__'))}.{definition.name}"

        def work() -> None:
            if "<" not in name:
                self.notes.count(f"{kind} {name}", definition.digest)
            self.reads(definition.reads, variables, name, definition.file)

        self.once((id(definition), id(variables)), definition, work)

    def reads(self, reads: tuple[Read, ...], variables: Mapping[str, Any], reader: str, file: str) -> None:
        """Follows the names that a piece of code reads.

        Args:
            reads: The names.
            variables: Globals of its module.
            reader: Its qualified name.
            file: Its file's name.
        """
        for read in reads:
            found = look_up(read, variables, self.origin)
            if found is None:
                continue
            surprise = surprise_of(found.value) if read.computed else None
            if surprise is None and found.foreign:
                self.notes.use(found.foreign)
            elif surprise is not None or found.failure:
                self._unfollowed(read, found, variables, reader, f"{file}:{read.line}")
            elif found.owner != "builtins":
                self._binding(found, file, read.line)
                first = variables.get(read.name)
                if isinstance(first, ModuleType) and first is not found.value:
                    self.notes.name(home(variables.get("__name__")), read.name, first.__name__.encode())

    def _unfollowed(
        self, read: Read, found: Found, variables: Mapping[str, Any], reader: str, where: str
    ) -> None:
        surprise = surprise_of(found.value)
        if surprise is None:
            self.notes.failure(f"{found.owner}.{found.name}".rstrip("."), where, found.failure)
            return
        of = variables.get(read.of)
        if not isinstance(of, ModuleType) or self.origin(of.__name__).whose is Whose.own:
            # Otherwise, whatever is found there counts by the package's version.
            self.notes.surprise(reader, where, surprise[0], hazard=surprise[1])

    def _binding(self, found: Found, file: str, line: int) -> None:
        """Counts what a name of a module stands for."""
        owner, name, value = found.owner, found.name, found.value
        if not name:
            self.form.of(value)
            return
        if (owner, name) in self._seen:
            return
        origin = self.origin(owner)
        if origin.whose is not Whose.own:
            self.notes.use(origin)
            return
        self._seen[owner, name] = value
        source = self._source_of(owner)
        there = self._imported_from(found, source)
        if there is not None:
            self.notes.name(owner, name, f"{there.owner}.{there.name}".encode())
            self._binding(there, file, line)
            return
        if _is_at_home(value, owner, name):
            self.form.of(value)
            return
        self._held(found, source.assigned.get(name, []) if source else [], f"{file}:{line}")
        if source is not None:
            self._hidden(name if source.has(name) else "__getattr__", source, vars(sys.modules[owner]))

    def _hidden(self, name: str, source: SourceFile, variables: Mapping[str, Any]) -> None:
        """Counts what the source defines under a name that stands for what a decorator made of it."""
        for definition in source.functions.get(name, ()):
            self.definition(definition, variables)
        for definition in source.classes.get(name, ()):
            define_class(self, definition, variables)

    def _imported_from(self, found: Found, source: SourceFile | None) -> Found | None:
        """Returns where an imported object is at home, if it is still the same there."""
        if source is None or found.name not in source.imported or found.name in source.assigned:
            return None
        module, name = source.imported[found.name]
        module = absolute(module, vars(sys.modules[found.owner]))
        there = vars(sys.modules[module]).get(name) if module in sys.modules else None
        return Found(module, name, found.value) if there is found.value else None

    def _held(self, found: Found, assigned: list[Definition], where: str) -> None:
        """Counts any other value, and a function, class or module that calls itself otherwise."""
        value, name = found.value, f"{found.owner}.{found.name}"
        where = assigned[-1].where if assigned else where
        nameless = isinstance(value, FunctionType) and "<" in value.__code__.co_qualname
        if isinstance(value, FOLLOWED) and not nameless:
            form, told = self.see(name, value, where)
            self.notes.name(found.owner, found.name, form)
        else:
            works = nameless or isinstance(value, CALLABLES) or (callable(value) and not assigned)
            told = self.value(f"{'function' if works else 'constant'} {name}", value, where)
        for definition in () if told else assigned:
            self.definition(definition, vars(sys.modules[found.owner]), "constant")

    def _module(self, module: ModuleType, name: str) -> None:
        """Counts all of a module that is handed around as a whole."""
        source = self._source_of(module.__name__)
        if source is None:
            self.extension(module, name)
            return
        self.notes.count(f"module {name}", source.whole.digest)
        self.reads(source.whole.reads, vars(module), name, source.name)
        for inner, value in list(vars(module).items()):
            if not (inner.startswith("__") and inner.endswith("__")):
                self._binding(Found(name, inner, value), source.name, 1)

    def extension(self, module: ModuleType, name: str) -> None:
        """Counts a module that is no Python source by its file."""
        try:
            data = Path(str(module.__file__)).read_bytes()
        except (AttributeError, OSError):
            self.notes.no_source(name, name)
        else:
            self.notes.count(f"extension {name}", short(data))


def _is_at_home(value: Any, module: str, name: str) -> bool:
    """Whether a function or class is called in a module as it calls itself."""
    if isinstance(value, FunctionType):
        return value.__code__.co_qualname == name and home(value.__globals__.get("__name__")) == module
    return isinstance(value, type) and value.__qualname__ == name and home(value.__module__) == module
