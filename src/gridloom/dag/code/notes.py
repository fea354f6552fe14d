"""What a walk writes down on its way: parts that count, versions, names, and what cannot be followed."""

from __future__ import annotations

from collections.abc import Iterable

from gridloom.dag.code.normal import short
from gridloom.dag.code.origins import Origin
from gridloom.dag.code.record import CodeRecord, Opaque

__all__ = ["Notes"]

_RAISE = "raise `version` when it changes, or pass it as config"
_HOLD_NOTHING = frozenset(
    {"_thread.lock", "_thread.RLock", "threading.Condition", "threading.Event", "_thread._local"}
)


class Notes:
    """Collects one record; to write down the same twice is to write it once."""

    def __init__(self) -> None:
        self._parts: dict[str, set[str]] = {}
        self._versions: dict[str, str] = {}
        self._names: dict[str, dict[str, bytes]] = {}
        self._opaque: set[Opaque] = set()

    def record(self) -> CodeRecord:
        """Returns the record of all that was written down."""
        parts = {name: _one_of(digests) for name, digests in self._parts.items()}
        for module, names in self._names.items():
            parts[f"imports {module}"] = short(repr(sorted(names.items())).encode())
        opaque = sorted(self._opaque, key=lambda item: (item.name, item.where, item.why))
        return CodeRecord(parts | self._versions, tuple(opaque))

    def count(self, part: str, digest: str) -> None:
        """Counts a digest; several of one part (two closures of one function) count together."""
        self._parts.setdefault(part, set()).add(digest)

    def use(self, origin: Origin) -> None:
        """Counts what is not the user's by its version."""
        if origin.part:
            self._versions[origin.part] = origin.version

    def name(self, module: str, name: str, stands_for: bytes) -> None:
        """Counts what a name in a module stands for, where that is known by another name."""
        self._names.setdefault(module, {})[name] = stands_for

    def formless(self, name: str, where: str, types: Iterable[str]) -> None:
        """Notes that a value holds objects that have no stable form."""
        for kind in types:
            why = f"is or holds a {kind}, which has no stable form"
            if kind in _HOLD_NOTHING:
                self._note(name, where, why, "nothing to do: it holds no data", hazard=False)
            else:
                self._note(name, where, why, _RAISE)

    def surprise(self, name: str, where: str, does: str, *, hazard: bool) -> None:
        """Notes that code decides only while it runs what it reaches."""
        self._note(name, where, does, "raise `version` when what it finds changes, or name it", hazard=hazard)

    def failure(self, name: str, where: str, why: str) -> None:
        """Notes that something that is read by name cannot be had."""
        self._note(name, where, why, "repair it, or do not read it")

    def edited(self, name: str, where: str) -> None:
        """Notes that a file no longer holds the code that runs."""
        self._note(
            name, where, "was edited after it was imported", "start Python again to run what the file says"
        )

    def no_source(self, name: str, where: str) -> None:
        """Notes that code counts by its bytecode, which changes with its layout."""
        advice = "define it in a file, so that comments and layout do not count"
        self._note(name, where, "has no source and counts by its bytecode", advice, hazard=False)

    def _note(self, name: str, where: str, why: str, advice: str, *, hazard: bool = True) -> None:
        self._opaque.add(Opaque(name, where, why, advice, hazard))


def _one_of(digests: set[str]) -> str:
    return next(iter(digests)) if len(digests) == 1 else short("".join(sorted(digests)).encode())
