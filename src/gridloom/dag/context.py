"""What a step may ask of the run that it is in: places to write, counters, and when to stop."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from gridloom.dag.cancel import CancelToken
from gridloom.dag.checkpoint import Checkpoint, Checkpoints
from gridloom.dag.events import (
    CheckpointReached,
    Event,
    FindingReported,
    Level,
    LogWritten,
    MetricReported,
    ProgressMade,
    RequestMade,
)
from gridloom.errors import InterruptedRunError, UsageError
from gridloom.files import storage_errors
from gridloom.finding import Finding

__all__ = ["Emit", "StepContext"]

Emit = Callable[..., None]
"""Says an event: its class, then its own fields by name."""

_PROGRESS_EVERY_S = 0.1
_COUNTS_EVERY_S = 1.0
"""Counters that move while nothing gets done, such as retries, are said this often."""
_CHECKPOINT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CHECKPOINT_STAGING = ".checkpoints"
"""Where checkpoints are written within an attempt's staging folder."""


def _unchanged(text: str) -> str:
    """Hides nothing; for a context that belongs to no run."""
    return text


def _silent(_kind: type[Event], **_fields: Any) -> None:
    """Says nothing; for a context that belongs to no run."""


class StepContext:
    """The run as one attempt of one step sees it; every method may be called from any thread.

    Attributes:
        out: Output folder of the pipeline.
        run_id: The run.
        step_id: The step.
        force: Whether the run was asked to redo everything.
        key: Digest of all that decides the step's outputs; empty if nobody knows.
        redact: Hides secrets in a text.
        used_checkpoints: Whether the attempt has any.
    """

    def __init__(
        self,
        *,
        out: Path,
        step_id: str,
        staging: Path,
        run_id: str = "",
        force: bool = False,
        token: CancelToken | None = None,
        emit: Emit = _silent,
        redact: Callable[[str], str] = _unchanged,
        key: str = "",
    ) -> None:
        self.out = out
        self.run_id = run_id
        self.step_id = step_id
        self.force = force
        self.staging = staging
        self._token = token or CancelToken()
        self._emit = emit
        self._lock = threading.Lock()
        self._counters = dict.fromkeys(("rows", "rows_received", "requests", "retries", "bytes_received"), 0)
        self._custom: dict[str, Mapping[str, Any]] = {}
        self._findings: list[Finding] = []
        self._names: dict[str, None] = {}
        self._next_progress_s = 0.0
        self._last_progress: tuple[float, float | None, str] | None = None
        self.key, self.redact = key, redact
        self._checkpoints: Checkpoints | None = None
        self.used_checkpoints = False

    def path(self, name: str) -> Path:
        """Returns where to write an output for now; it is moved to its place when the step succeeds.

        Args:
            name: File or folder name below the step's output folder, with ``/`` between parts.

        Raises:
            UsageError: If `name` leads out of the folder.
            StorageError: If the staging folder cannot be made.
        """
        pure = PurePosixPath(name)
        parts = pure.parts
        if not parts or pure.is_absolute() or ".." in parts:
            raise UsageError(
                f"Step '{self.step_id}' asked for the output path {name!r}. "
                "Give a name below its output folder, such as 'table.parquet'."
            )
        staged = self.staging.joinpath(*parts)
        with storage_errors("create", staged.parent):
            staged.parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            self._names[pure.as_posix()] = None
        return staged

    def add(
        self,
        *,
        rows_received: int = 0,
        rows: int = 0,
        requests: int = 0,
        retries: int = 0,
        bytes_received: int = 0,
    ) -> None:
        """Adds to the step's counters.

        Args:
            rows_received: Rows that came from outside the run.
            rows: Rows made, where no artifact says it.
            requests: Requests to a source.
            retries: Requests that were repeated.
            bytes_received: Bytes that came from outside the run.
        """
        with self._lock:
            counters = self._counters
            counters["rows_received"] += rows_received
            counters["rows"] += rows
            counters["requests"] += requests
            counters["retries"] += retries
            counters["bytes_received"] += bytes_received
            last = self._last_progress
            if last is None or time.monotonic() < self._next_progress_s - _PROGRESS_EVERY_S + _COUNTS_EVERY_S:
                return
        self.progress(*last)

    def metric(self, name: str, value: float, unit: str = "") -> None:
        """Records a number of the step's own; a later one of the same name replaces it."""
        name, unit = self.redact(name), self.redact(unit)
        # what cannot be said is not kept either
        self._emit(MetricReported, step_id=self.step_id, name=name, value=value, unit=unit)
        with self._lock:
            self._custom[name] = {"value": value, "unit": unit}

    def progress(self, done: float, total: float | None = None, unit: str = "rows") -> None:
        """Says how far the step is; call it as often as you like.

        Args:
            done: Units done so far.
            total: Units in all; None if nobody knows.
            unit: What is counted.
        """
        now_s = time.monotonic()
        with self._lock:
            if now_s < self._next_progress_s and (total is None or done < total):
                return
            self._next_progress_s = now_s + _PROGRESS_EVERY_S
            self._last_progress = (done, total, unit)
            counters = dict(self._counters)
        self._emit(ProgressMade, step_id=self.step_id, done=done, total=total, unit=unit, **counters)

    def request(
        self, url: str, status: int, duration_s: float, *, method: str = "GET", resend: int = 0, size: int = 0
    ) -> None:
        """Tells of a request that was made, for whoever follows a run request by request; `add` counts it.

        Args:
            url: Scheme, host and path, without the query.
            status: HTTP status; 0 where no whole answer came.
            duration_s: From when it was sent to the end of the answer, in seconds.
            method: HTTP method.
            resend: How often the same had been asked before.
            size: Bytes of the body as they came.
        """
        fields = {"method": method, "status": status, "duration_s": duration_s, "resend": resend}
        self._emit(RequestMade, step_id=self.step_id, url=self.redact(url), bytes_received=size, **fields)

    def finding(self, finding: Finding) -> None:
        """Records a check; a required one that did not pass keeps the outputs from being committed."""
        name, why, detail = map(self.redact, (finding.name, finding.why, finding.detail))
        with self._lock:
            self._findings.append(replace(finding, name=name, why=why, detail=detail))
        self._emit(
            FindingReported,
            step_id=self.step_id,
            name=name,
            why=why,
            required=finding.required,
            passed=finding.passed,
            detail=detail,
        )

    def checkpoint(self, name: str, make: Callable[[Path], Any]) -> Checkpoint:
        """Returns a partial result that survives a crash: found whole from an earlier attempt, or made now.

        A step with other settings, code or inputs never finds it, and it is removed when the step is
        committed. A step that is not cacheable finds those of its own run only, from an attempt before.

        Args:
            name: Name within the step: letters, digits and ``._-``.
            make: Writes the result as a file or folder at the path that it is given, and returns a small
                JSON-able value to be kept with it, or None.

        Raises:
            UsageError: If the name or the value cannot be used.
            StorageError: If the disk refuses.
        """
        if not _CHECKPOINT_NAME.fullmatch(name):
            raise UsageError(
                f"Step '{self.step_id}' named a checkpoint {name!r}. Take letters, digits, '-', '_' and '.', "
                "starting with a letter or digit, at most 100 characters."
            )
        with self._lock:
            self._checkpoints = self._checkpoints or Checkpoints(
                self.out, self.step_id, self.checkpoint_key, self.redact
            )
        checkpoint = self._checkpoints.find(name)
        if checkpoint is None:
            staged = self.staging / CHECKPOINT_STAGING / name
            with storage_errors("create", staged.parent):
                staged.parent.mkdir(parents=True, exist_ok=True)
                # what an attempt left that failed in the middle
                shutil.rmtree(staged) if staged.is_dir() else staged.unlink(missing_ok=True)
            checkpoint = self._checkpoints.save(name, staged, make(staged))
        self.checkpoint_reached(name, found=checkpoint.found, size_bytes=checkpoint.size_bytes)
        return checkpoint

    @property
    def checkpoint_key(self) -> str:
        """What checkpoints are kept under."""
        return self.key or self.run_id

    def checkpoint_reached(self, name: str, *, found: bool, size_bytes: int) -> None:
        """Says that a checkpoint is there: for a step that keeps its own; `checkpoint` does so by itself."""
        self.used_checkpoints = True
        self._emit(CheckpointReached, step_id=self.step_id, name=name, found=found, size_bytes=size_bytes)

    def close(self) -> None:
        """Frees what the attempt held; called by whoever made the context."""
        if self._checkpoints is not None:
            self._checkpoints.close()

    def log(self, message: str, level: Level = "info") -> None:
        """Writes a line for a person into the event stream."""
        self._emit(LogWritten, step_id=self.step_id, level=level, message=self.redact(message))

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop."""
        return self._token.cancelled

    def raise_if_cancelled(self) -> None:
        """Ends the step if the run was asked to stop; call it between units of work.

        Raises:
            InterruptedRunError: If it was.
        """
        if self._token.cancelled:
            raise InterruptedRunError(f"Step '{self.step_id}' stopped: {self._token.reason}.")

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Calls `callback` once, from another thread, when the run is cancelled; at once if it already is."""
        self._token.on_cancel(callback)

    @property
    def counters(self) -> dict[str, int]:
        """What `add` summed so far."""
        with self._lock:
            return dict(self._counters)

    @property
    def custom_metrics(self) -> dict[str, Mapping[str, Any]]:
        """What `metric` recorded so far."""
        with self._lock:
            return dict(self._custom)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What `finding` recorded so far."""
        with self._lock:
            return tuple(self._findings)

    @property
    def names(self) -> tuple[str, ...]:
        """The output names that `path` was asked for."""
        with self._lock:
            return tuple(self._names)
