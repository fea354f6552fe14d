"""The live view of a run: its state, painted a few times a second by a thread of its own."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from gridloom.dag.events import Event
from gridloom.monitor.memory import used_bytes
from gridloom.monitor.screen import Screen
from gridloom.monitor.state import RunState
from gridloom.monitor.taken import TakenTerminal
from gridloom.monitor.view import frame

__all__ = ["LiveView"]

_EVERY_S: Final = 0.25
_MEMORY_EVERY: Final = 4
"""Memory is measured with every so manieth painting."""


class LiveView:
    """Shows a run on a terminal.

    Args:
        console: Knows the colours of the terminal. Where it writes to stderr, the terminal is taken over, so
            that what steps print stands above the view.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state, self._lock = RunState(), threading.Lock()
        self._taken: TakenTerminal | None = None
        self._screen = Screen(self._write, lambda: self._size()[0])
        self._ended = threading.Event()
        self._painter = threading.Thread(target=self._work, name="gridloom-view", daemon=True)
        self._on_continue: Any = None

    def start(self) -> None:
        """Begins to paint."""
        if self._console.file is sys.stderr:
            self._taken = TakenTerminal(self._screen.above, self._console.encoding)
            self._taken.take()
        if threading.current_thread() is threading.main_thread():
            self._on_continue = signal.signal(signal.SIGCONT, lambda *_: self._screen.forget())
        self._painter.start()

    def stop(self) -> None:
        """Takes the view away, and leaves the terminal as it was."""
        self._ended.set()
        self._painter.join()
        self._screen.erase()
        if self._taken:
            self._taken.give_back()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCONT, self._on_continue or signal.SIG_DFL)

    def hear(self, event: Event) -> None:
        """Takes one more event."""
        with self._lock:
            self._state.hear(event)

    def say(self, line: Text) -> None:
        """Prints a line above the view."""
        self._screen.above(self._painted(line) + "\r\n")

    def paint(self, memory_bytes: int | None = None) -> None:
        """Paints what is known now, unless the terminal belongs to somebody else at the moment."""
        if self._taken and not self._taken.in_front():
            self._screen.forget()
            return
        width, height = self._size()
        with self._lock:
            # the last row is the cursor's
            lines = frame(
                self._state,
                datetime.now(UTC),
                width=width,
                height=height - 1,
                memory_bytes=memory_bytes,
                ascii_only=not self._console.encoding.startswith("utf"),
                unfinished=self._taken.unfinished() if self._taken else (),
            )
        self._screen.paint([self._painted(line) for line in lines], [line.cell_len for line in lines])

    def _work(self) -> None:
        memory_bytes, paintings = used_bytes(), 0
        while not self._ended.wait(_EVERY_S):
            paintings += 1
            if paintings % _MEMORY_EVERY == 0:
                memory_bytes = used_bytes()
            self.paint(memory_bytes)

    def _painted(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()

    def _size(self) -> tuple[int, int]:
        return self._taken.size() if self._taken else self._console.size

    def _write(self, text: str) -> None:
        if self._taken:
            self._taken.write(text)
        else:
            self._console.file.write(text)
            self._console.file.flush()
