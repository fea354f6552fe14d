"""What the following of functions and classes asks of the walk that they are part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol

from gridloom.dag.code.definitions import Definition
from gridloom.dag.code.notes import Notes
from gridloom.dag.code.origins import Origin
from gridloom.dag.code.reads import Read
from gridloom.dag.code.sources import SourceFile
from gridloom.dag.code.values import ValueForm

__all__ = ["Following"]


class Following(Protocol):
    """A walk over all that a step's class reaches.

    Attributes:
        notes: What was written down.
        form: Writes values, and follows the functions, classes and modules in them.
    """

    notes: Notes
    form: ValueForm

    def follow(self, value: Any) -> bytes:
        """Sees to it that a function, class or module counts; returns what stands for it in a value."""

    def origin(self, module: str) -> Origin:
        """Returns whose a module is; one that is set apart is nobody's."""

    def source(self, filename: str, variables: Mapping[str, Any]) -> SourceFile | None:
        """Returns the definitions of the file that code says it is from; None if there is no source."""

    def once(self, key: object, kept: object, work: Callable[[], None]) -> None:
        """Puts work in the queue if it never was; `kept` stays alive, so that its id stays its own."""

    def see(self, name: str, value: Any, where: str) -> tuple[bytes, bool]:
        """Follows all that a value holds; returns its stable form, and whether all of it has one."""

    def value(self, part: str, value: Any, where: str) -> bool:
        """Counts a value as a part of its own; returns whether its form says all about it."""

    def definition(
        self, definition: Definition, variables: Mapping[str, Any], kind: str = "function"
    ) -> None:
        """Counts a definition by its source, and follows what it reads."""

    def reads(self, reads: tuple[Read, ...], variables: Mapping[str, Any], reader: str, file: str) -> None:
        """Follows the names that a piece of code reads."""

    def extension(self, module: ModuleType, name: str) -> None:
        """Counts a module that is no Python source by its file."""
