"""Progress on the terminal, from a run's events: live bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
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

__all__ = ["ConsoleMonitor"]

_PLAIN_EVERY_S = 5.0
"""In a pipe a step says how far it is at most this often."""


class ConsoleMonitor:
    """A sink of events that shows them on stderr; a context manager.

    Args:
        quiet: Show warnings only.
        verbose: Show every log line and every finding too.
        console: Where to print; by default stderr.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False, console: Console | None = None) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._progress = self._bars() if self._console.is_terminal and not quiet else None
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}

    def _bars(self) -> Progress:
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Facts(),
            console=self._console,
            transient=True,
        )

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Shows one event."""
        match event:
            case StepStarted():
                self._started(event)
            case ProgressMade():
                self._moved(event)
            case StepFinished():
                self._finished(event)
            case AttemptFailed() if event.retry_in_s is not None:
                self._line(
                    f"{event.step_id}: {event.message} Trying again in {event.retry_in_s:.1f} s.", loud=True
                )
            case LogWritten():
                loud = event.level in {"warning", "error"}
                if loud or self._verbose:
                    self._line(f"{event.step_id or 'run'}: {event.message}", loud=loud)
            case FindingReported() if self._verbose:
                word = "ok" if event.passed else "failed" if event.required else "note"
                self._line(f"{event.step_id}: {event.name} {word}: {event.detail}")
            case _:
                pass

    def _line(self, text: str, *, loud: bool = False) -> None:
        if loud or not self._quiet:
            self._console.print(Text(text))

    def _started(self, event: StepStarted) -> None:
        if self._progress and event.step_id not in self._tasks:
            self._tasks[event.step_id] = self._progress.add_task(event.step_id, total=None, facts="")
        elif not self._progress:
            self._line(f"{event.step_id}: started ({event.reason})")
        self._said[event.step_id] = time.monotonic()

    def _moved(self, event: ProgressMade) -> None:
        task = self._tasks.get(event.step_id)
        if self._progress and task is not None:
            self._progress.update(
                task, completed=event.done, total=event.total, unit=event.unit, facts=_facts(event)
            )
            return
        now = time.monotonic()
        if not self._progress and now - self._said.get(event.step_id, now) >= _PLAIN_EVERY_S:
            self._said[event.step_id] = now
            of = f" of {event.total:,.0f}" if event.total is not None else ""
            self._line(f"{event.step_id}: {event.done:,.0f}{of} {event.unit}, {_facts(event)}")

    def _finished(self, event: StepFinished) -> None:
        task = self._tasks.pop(event.step_id, None)
        if self._progress and task is not None:
            self._progress.remove_task(task)
        if not event.outcome.succeeded:
            self._line(f"{event.step_id}: {event.outcome} after {event.duration_s:.2f} s: {event.reason}")
            return
        counts = [f"{event.rows:,} rows", f"{event.requests:,} requests" if event.requests else ""]
        told = ", ".join(count for count in counts if count)
        self._line(f"{event.step_id}: {event.outcome}, {told}, {event.duration_s:.2f} s")


def _facts(event: ProgressMade) -> str:
    parts = [
        f"{event.rows_received:,} rows" if event.rows_received and event.unit != "rows" else "",
        f"{event.requests:,} requests" if event.requests else "",
        f"{event.retries:,} retries" if event.retries else "",
    ]
    return ", ".join(part for part in parts if part)


class _Facts(ProgressColumn):
    """Amount, rate and time left of a task, then its rows, requests and retries."""

    def render(self, task: Task) -> Text:
        """Returns the column's text for one task."""
        unit = task.fields.get("unit", "")
        of = f"/{task.total:,.0f}" if task.total is not None else ""
        parts = [f"{task.completed:,.0f}{of} {unit}"] if unit else []
        if task.speed:
            parts.append(f"{task.speed:,.0f} {unit}/s")
        if task.time_remaining:
            parts.append(f"{task.time_remaining:.0f} s left")
        if task.fields.get("facts"):
            parts.append(task.fields["facts"])
        return Text("  ".join(parts), style="dim")
