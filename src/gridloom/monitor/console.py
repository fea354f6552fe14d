"""What a run says on the terminal: a live view of its steps there, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    FindingReported,
    LogWritten,
    ProgressMade,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import StepOutcome
from gridloom.monitor.live import LiveView
from gridloom.monitor.view import plain
from gridloom.monitor.watched import is_watched
from gridloom.words import several

__all__ = ["ConsoleMonitor"]

_PLAIN_EVERY_S = 5.0
"""In a pipe a step says how far it is at most this often."""


class ConsoleMonitor:
    """A sink of events that shows them on stderr; a context manager.

    Args:
        quiet: Show warnings only.
        verbose: Show every log line and every finding too.
        console: Where to print; by default stderr.
        live: Whether to show a live view; by default where somebody watches.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        console: Console | None = None,
        live: bool | None = None,
    ) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        watched = is_watched(self._console.file) if live is None else live
        self._view = LiveView(self._console) if watched and not quiet else None
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._view:
            self._view.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        view, self._view = self._view, None
        if view:
            view.stop()

    def __call__(self, event: Event) -> None:
        """Shows one event."""
        if self._view:
            self._view.hear(event)
        match event:
            case StepStarted() | ProgressMade() if not self._view:
                self._under_way(event)
            case StepFinished():
                self._finished(event)
            case AttemptFailed() if event.retry_in_s is not None:
                self._line(
                    f"{event.step_id}: {event.message} Trying again in {event.retry_in_s:.1f} s.",
                    loud=True,
                    style="yellow",
                )
            case LogWritten():
                loud = event.level in {"warning", "error"}
                if loud or self._verbose:
                    style = "yellow" if loud else "dim"
                    self._line(f"{event.step_id or 'run'}: {event.message}", loud=loud, style=style)
            case FindingReported() if self._verbose:
                word = "ok" if event.passed else "failed" if event.required else "note"
                self._line(f"{event.step_id}: {event.name} {word}: {event.detail}")
            case _:
                pass

    def _line(self, text: str, *, loud: bool = False, style: str = "") -> None:
        if self._quiet and not loud:
            return
        if self._view:
            self._view.say(Text(plain(text), style))
        else:
            self._console.print(Text(plain(text)))

    def _under_way(self, event: StepStarted | ProgressMade) -> None:
        now = time.monotonic()
        if isinstance(event, StepStarted):
            self._said[event.step_id] = now
            self._line(f"{event.step_id}: started ({event.reason})")
        elif now - self._said.get(event.step_id, now) >= _PLAIN_EVERY_S:
            self._said[event.step_id] = now
            of = f" of {event.total:,.0f}" if event.total is not None else ""
            self._line(f"{event.step_id}: {event.done:,.0f}{of} {event.unit}, {_facts(event)}")

    def _finished(self, event: StepFinished) -> None:
        if event.outcome.succeeded:
            # the view tells it, and where the run ends a table of all steps
            if not self._view or self._verbose:
                counts = [
                    several(event.rows, "row"),
                    several(event.requests, "request") if event.requests else "",
                ]
                told = ", ".join(count for count in counts if count)
                self._line(f"{event.step_id}: {event.outcome}, {told}, {event.duration_s:.2f} s")
        elif not self._view or event.outcome is StepOutcome.failed:
            text = f"{event.step_id}: {event.outcome} after {event.duration_s:.2f} s: {event.reason}"
            self._line(text, style="red")


def _facts(event: ProgressMade) -> str:
    parts = [
        several(event.rows_received, "row") if event.rows_received and event.unit != "rows" else "",
        several(event.requests, "request") if event.requests else "",
        several(event.retries, "retry", "retries") if event.retries else "",
    ]
    return ", ".join(part for part in parts if part)
