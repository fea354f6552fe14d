"""How an attempt ended: what it leaves to be written, what it counted and cost, and its error in words."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gridloom.artifact import Artifact
from gridloom.dag.context import StepContext
from gridloom.dag.executors import StepCost
from gridloom.dag.manifest import ManifestRow
from gridloom.dag.memory import peak_rss_bytes
from gridloom.dag.outcome import StepMetrics, StepOutcome, StepOutput
from gridloom.dag.staging import Commit
from gridloom.errors import GridLoomError, StepFailedError, StorageError
from gridloom.files import storage_errors

__all__ = [
    "Ended",
    "Meter",
    "Succeeded",
    "artifacts_in",
    "ended_untold",
    "explained",
    "in_words",
    "rows_made",
]

_DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over.

    Attributes:
        output: How it ended.
        made: The manifest of what it made, still to be committed; None where there is none.
    """

    output: StepOutput
    made: ManifestRow | None = None

    @property
    def step_id(self) -> str:
        """The step."""
        return self.output.step_id

    @property
    def succeeded(self) -> bool:
        """Whether steps may begin that wait for this one."""
        return self.output.outcome.succeeded

    def finish(self) -> Ended:
        """Returns itself."""
        return self


@dataclass(frozen=True, slots=True)
class Succeeded:
    """An attempt that has succeeded, and left no files; the rest is work for whoever writes the books.

    Attributes:
        step_id: The step.
        finish: Gives its end; called once, in any thread.
    """

    step_id: str
    finish: Callable[[], Ended]

    @property
    def succeeded(self) -> bool:
        """As of `Ended`."""
        return True


class Meter:
    """What a step costs, all of its attempts together.

    Attributes:
        elsewhere: What they cost outside of the threads that wait for them.
    """

    def __init__(self) -> None:
        self.elsewhere = StepCost()
        self._started_s = self._paused_s = time.perf_counter()
        self._cpu_s = self._since_s = 0.0
        self._counts = False

    def go_on(self, *, first: bool = False) -> None:
        """Counts the CPU time of this thread from now on.

        Args:
            first: Whether the step begins, so that it was not at work before, though it was decided on.
        """
        if first:
            self._started_s += time.perf_counter() - self._paused_s
        self._since_s, self._counts = time.thread_time(), True

    def pause(self) -> None:
        """Counts it until now, if it is counted."""
        if self._counts:
            self._cpu_s += time.thread_time() - self._since_s
            self._paused_s, self._counts = time.perf_counter(), False

    def metrics(
        self, ctx: StepContext | None = None, commit: Commit | None = None, rows: int = 0
    ) -> StepMetrics:
        """Returns what the step counted and cost until now.

        Args:
            ctx: The attempt as the step saw it.
            commit: What was moved to its place.
            rows: Rows that it made.
        """
        self.pause()
        elsewhere, counted = self.elsewhere, {**(ctx.counters if ctx else {}), "rows": rows}
        return StepMetrics(
            **counted,
            bytes_written=commit.bytes_written if commit else 0,
            files_written=commit.files_written if commit else 0,
            duration_s=self._paused_s - self._started_s,
            cpu_s=self._cpu_s + elsewhere.cpu_s,
            peak_rss_bytes=elsewhere.peak_rss_bytes or peak_rss_bytes(),
            peak_rss_scope=elsewhere.peak_rss_scope,
            custom=ctx.custom_metrics if ctx else {},
        )


def rows_made(ctx: StepContext, outputs: Iterable[Any] = ()) -> int:
    """Returns the rows of the artifacts where they say it, else what the step counted."""
    artifacts = (value for value in outputs if isinstance(value, Artifact))
    said = [rows for rows in (getattr(item, "rows", None) for item in artifacts) if isinstance(rows, int)]
    return sum(said) if said else ctx.counters["rows"]


def artifacts_in(values: Iterable[Any]) -> list[Artifact]:
    """Returns the artifacts among a step's inputs, those in lists too."""
    flat = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return [item for item in flat if isinstance(item, Artifact)]


def explained(error: BaseException, out: Path) -> BaseException:
    """Returns a sentence for a disk that is full or read-only, and any other error as it is."""
    if not isinstance(error, OSError) or error.errno not in _DISK_ERRORS:
        return error
    try:
        with storage_errors("write", Path(error.filename) if error.filename else out):
            raise error
    except StorageError as said:
        return said


def ended_untold(step_id: str, number: int, error: BaseException) -> Ended:
    """Returns the end of an attempt whose error cannot be told: not even its text can be had."""
    said = StepFailedError(f"Step '{step_id}' failed with an error of type {type(error).__name__}.")
    said.__cause__ = error
    return Ended(
        StepOutput(step_id=step_id, outcome=StepOutcome.failed, reason=str(said), error=said, attempts=number)
    )


def in_words(error: BaseException) -> str:
    """Returns an error's text, with its class where it is not one of ours."""
    return str(error) if isinstance(error, GridLoomError) else f"{type(error).__name__}: {error}"
