"""Ctrl-C and SIGTERM while a run works: the first asks it to stop, a second Ctrl-C ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["SignalWatch", "watching_signals"]

_EXIT_INTERRUPTED = 130


class SignalWatch:
    """Which signal came, if one did.

    Attributes:
        received: Its name, or empty.
    """

    def __init__(self, stop: Callable[[str], None], *, interactive: bool) -> None:
        self._stop = stop
        self._interactive = interactive
        self.received = ""

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Asks the run to stop; on a second Ctrl-C gives up on it.

        Raises:
            KeyboardInterrupt: On the second Ctrl-C in a notebook or at a prompt, which has to live on.
        """
        name = signal.Signals(number).name
        if not self.received:
            self.received = name
            self._stop(f"interrupted by {name}")
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

    Outside of the main thread it does nothing, for Python handles signals only there. A signal that was
    ignored before stays ignored.

    Args:
        stop: Asks the run to stop; gets the reason, may be called at any moment, and must not lock.
        interactive: Whether the process has to outlive the run.
    """
    watch = SignalWatch(stop, interactive=interactive or bool(sys.flags.interactive))
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return
    former: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            former[number] = signal.signal(number, watch.handle)
    try:
        yield watch
    finally:
        for number, handler in former.items():
            # None stands for a handler that was not set from Python and cannot be set from there
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
