"""The lower end of a terminal, painted over and over while others print above it.

The cursor is neither hidden nor moved away for longer than one write, so that a process that is killed at any
moment leaves a terminal that can be used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

__all__ = ["Screen"]

_BEGIN: Final = "\x1b[?2026h"
_END: Final = "\x1b[?2026l"
"""Terminals that know this show all between the two at once; the others ignore it."""

_ERASE_BELOW: Final = "\r\x1b[J"
_PATIENCE_S: Final = 1.0
"""After so long somebody who has something to say writes it without waiting for the painter."""

_REPAINT_AFTER_S: Final = 0.1
"""Who prints more often than this prints over an empty place, until the next painting."""


class Screen:
    """What was painted last, and how to paint something else in its place.

    Args:
        write: Writes to the terminal, all in one go.
        width: Columns of the terminal now.
    """

    def __init__(self, write: Callable[[str], None], width: Callable[[], int]) -> None:
        self._write, self._width = write, width
        self._lock = threading.RLock()
        self._lines: Sequence[str] = ()
        self._widths: Sequence[int] = ()
        self._there = False
        self._printed_s = float("-inf")

    def paint(self, lines: Sequence[str], widths: Sequence[int]) -> None:
        """Shows lines in the place of those that are there.

        Args:
            lines: The lines, without their ends, none wider than the terminal.
            widths: Columns that each of them takes.
        """
        with self._held():
            if not self._there or lines != self._lines:
                erased = self._erased()
                self._lines, self._widths, self._there = lines, widths, True
                self._write(f"{_BEGIN}{erased}{self._text()}{_END}")

    def above(self, text: str) -> None:
        """Prints whole lines above what is there."""
        with self._held():
            often = time.monotonic() - self._printed_s < _REPAINT_AFTER_S
            self._printed_s = time.monotonic()
            erased, was_there = self._erased(), self._there
            self._there = was_there and not often
            self._write(f"{_BEGIN}{erased}{text}{self._text() if self._there else ''}{_END}")

    def erase(self) -> None:
        """Takes away what is there."""
        with self._held():
            if self._there:
                self._write(self._erased())
                self._there = False

    def forget(self) -> None:
        """Paints anew below whatever came between, such as the prompt of a shell."""
        self._there = False

    def _text(self) -> str:
        return "".join(f"{line}\r\n" for line in self._lines)

    def _erased(self) -> str:
        """Returns what erases the lines that are there; in a window made narrower they take more rows."""
        if not self._there:
            return ""
        width = max(self._width(), 1)
        rows = sum(max(-(-columns // width), 1) for columns in self._widths)
        return (f"\x1b[{rows}A" if rows else "") + _ERASE_BELOW

    @contextmanager
    def _held(self) -> Iterator[None]:
        held = self._lock.acquire(timeout=_PATIENCE_S)
        try:
            yield
        finally:
            if held:
                self._lock.release()
