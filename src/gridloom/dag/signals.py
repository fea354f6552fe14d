"""Ctrl-C and SIGTERM while a run works: the first asks it to stop, a second Ctrl-C ends the process."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

__all__ = ["SignalWatch", "watching_signals"]

_EXIT_INTERRUPTED = 130


class SignalWatch:
    """Waits for the end of a run and knows which signal came meanwhile.

    Attributes:
        received: The signal's name, or empty.
    """

    def __init__(self, stop: Callable[[str], None], *, interactive: bool) -> None:
        self._stop = stop
        self._interactive = interactive
        self._ended = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self.received = ""

    @property
    def wakeup(self) -> int:
        """Descriptor to which the system writes a byte when a signal comes, whatever thread gets it."""
        return self._writer.fileno()

    def end(self) -> None:
        """Says that the run is over; called from its thread."""
        self._ended.set()
        # a full buffer wakes the reader just as well; a closed one has no reader any more
        with suppress(OSError):
            self._writer.send(b"\0")

    def wait(self) -> None:
        """Returns when the run is over.

        A thread's ``join`` would not do: a signal that the system gives to another thread does not
        interrupt it, and Python's handler would wait for the end of the run.
        """
        while not self._ended.is_set():
            self._reader.recv(64)

    def close(self) -> None:
        """Frees the descriptors."""
        self._reader.close()
        self._writer.close()

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Asks the run to stop; on a second Ctrl-C gives up on it.

        Raises:
            KeyboardInterrupt: On the second Ctrl-C in a notebook or at a prompt, which has to live on.
        """
        if not self.received:
            self.received = signal.Signals(number).name
            self._stop(f"interrupted by {self.received}")
        elif number == signal.SIGINT and self._interactive:
            raise KeyboardInterrupt
        elif number == signal.SIGINT:
            # a thread that ignores the request cannot be ended otherwise; the next run clears up
            sys.stderr.write("Stopped hard; unfinished outputs are removed by the next run.\n")
            sys.stderr.flush()
            os._exit(_EXIT_INTERRUPTED)


@contextmanager
def watching_signals(stop: Callable[[str], None], *, interactive: bool) -> Iterator[SignalWatch]:
    """Handles SIGINT and SIGTERM inside, and restores the former handlers after.

    Outside of the main thread signals are left alone, for Python handles them only there. A signal that
    was ignored before stays ignored.

    Args:
        stop: Asks the run to stop; gets the reason, may be called at any moment, and must not lock.
        interactive: Whether the process has to outlive the run.
    """
    watch = SignalWatch(stop, interactive=interactive or bool(sys.flags.interactive))
    try:
        if threading.current_thread() is threading.main_thread():
            with _handled(watch):
                yield watch
        else:
            yield watch
    finally:
        watch.close()


@contextmanager
def _handled(watch: SignalWatch) -> Iterator[None]:
    former: dict[signal.Signals, Any] = {}
    former_wakeup = signal.set_wakeup_fd(watch.wakeup, warn_on_full_buffer=False)
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                former[number] = signal.signal(number, watch.handle)
        yield
    finally:
        for number, handler in former.items():
            # None stands for a handler that was not set from Python and cannot be set from there
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(former_wakeup)
