"""Which fault meets which request: drawn from the seed, so that the same seed gives the same weather."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from random import Random
from typing import Final

from gridloom.extract.replay.faults import Faults

__all__ = ["CALM", "Mood", "Weather"]

_DELAYS: Final = ("latency", "identity")
_LATENCY_S: Final = (0.3, 1.3)
_ROW_S: Final = 0.05e-3
_PLAIN_ROW_S: Final = (2e-3, 7e-3)
_MOST_MOVED: Final = 7
_MOST_INSERTED: Final = 5


@dataclass(frozen=True, slots=True)
class Mood:
    """How the rows of one answer differ from those that are there.

    Attributes:
        extra: Rows that ``total`` counts and that do not exist.
        hidden: Rows of a window of several pages that its first page does not have yet.
        shuffle: Seed of the order that the sort leaves open; None for the order of the key.
    """

    extra: int = 0
    hidden: int = 0
    shuffle: int | None = None


CALM: Final = Mood()
"""The mood of most answers."""


class Weather:
    """Draws faults. Safe to use from several threads.

    Args:
        faults: Which faults there are.
        unordered: Probability of another order, where the faults do not say.
    """

    def __init__(self, faults: Faults, unordered: float = 0.0) -> None:
        self.faults = faults
        self.unordered = unordered if faults.unordered is None else faults.unordered
        self._broken = {
            name: chance for name, chance in faults.active("answer").items() if name not in _DELAYS
        }
        self._lock = threading.Lock()
        self._begun: set[str] = set()

    def draw(self, *what: object) -> Random:
        """Returns the random numbers that belong to `what`, always the same ones."""
        return Random("/".join(map(str, (self.faults.seed, *what))))  # noqa: S311 - weather, not a secret

    def mishap(self, serial: int) -> str:
        """Returns the name of the fault that replaces or breaks an answer, or an empty text.

        Args:
            serial: Number of the request.
        """
        if not self._broken or (self.faults.until and serial > self.faults.until):
            return ""
        chances = self.draw(serial)
        # Every fault takes its number, so that the others do not change with one probability.
        met = [name for name, chance in self._broken.items() if chances.random() < chance]
        return met[0] if met else ""

    def delay_s(self, serial: int, rows: int, *, packed: bool) -> float:
        """Returns the seconds until an answer comes.

        Args:
            serial: Number of the request.
            rows: Rows in the answer.
            packed: Whether it is compressed.
        """
        faults = self.faults
        if not (faults.latency or faults.identity) or (faults.until and serial > faults.until):
            return 0.0
        chances, seconds = self.draw("delay", serial), 0.0
        if chances.random() < faults.latency:
            seconds += chances.uniform(*_LATENCY_S) + rows * _ROW_S
        if chances.random() < faults.identity and not packed:
            seconds += rows * chances.uniform(*_PLAIN_ROW_S)
        return seconds

    def mood(self, serial: int, window: str, *, first_page: bool, open_order: bool) -> Mood:
        """Returns what happens to the rows of an answer.

        Args:
            serial: Number of the request.
            window: What tells the rows asked for, on all pages, apart from others.
            first_page: Whether the first of its pages is asked for.
            open_order: Whether the sort leaves the order of some rows open.
        """
        extra, hidden, shuffle = 0, 0, None
        faults = self.faults
        if first_page and (faults.moving_total or faults.inserted) and self._begins(window):
            chances = self.draw(window)
            moves, inserts = chances.random() < faults.moving_total, chances.random() < faults.inserted
            extra = chances.randint(1, _MOST_MOVED) * moves
            hidden = chances.randint(1, _MOST_INSERTED) * inserts
        if open_order and self.unordered:
            chances = self.draw("order", serial)
            shuffle = chances.getrandbits(32) if chances.random() < self.unordered else None
        return Mood(extra, hidden, shuffle) if (extra, hidden, shuffle) != (0, 0, None) else CALM

    def _begins(self, window: str) -> bool:
        """Returns whether a window is asked for for the first time: each is disturbed once, then settled."""
        with self._lock:
            begins = window not in self._begun
            self._begun.add(window)
            return begins
