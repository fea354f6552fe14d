"""A run as OpenTelemetry knows it: a trace with a span for the run, each step, attempt and HTTP request.

::

    run
    ├── extract-region-data
    │   └── attempt 1
    │       ├── GET
    │       └── GET
    └── transform
        └── attempt 1

Log records and findings stand in the span that they were said in; metrics are those of the run so far. Names
follow the semantic conventions where there is one. A ``TRACEPARENT`` in the environment is the run's parent.
"""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    FindingReported,
    LogWritten,
    MetricReported,
    ProgressMade,
    RequestMade,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import RunOutcome, StepOutcome
from gridloom.monitor.otlp import Otlp
from gridloom.monitor.otlp_metrics import metrics_of
from gridloom.monitor.otlp_records import CLIENT, INTERNAL, Histogram, Ids, exception, fact, facts, log, span
from gridloom.monitor.otlp_settings import OtlpSettings
from gridloom.monitor.tally import COUNTED, RunTally, counts
from gridloom.monitor.wire import Fact

__all__ = ["OpenTelemetrySink"]

_BAD_STATUS: Final = 400
_PARENT: Final = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED: Final = 1
_STEP: Final = "gridloom.step.id"
_FAILED: Final = StepOutcome.failed


class _Open(msgspec.Struct, gc=False):
    """A span that has not ended.

    Attributes:
        ids: Where it stands.
        name: What it is called.
        start_ns: When it began, in nanoseconds since the epoch.
        fields: Its attributes so far.
    """

    ids: Ids
    name: str
    start_ns: int
    fields: bytes


_NOWHERE: Final = Ids(b"", b"")


class OpenTelemetrySink:
    """A sink of events that tells a collector of them.

    Args:
        environ: The ``OTEL_*`` variables, and ``TRACEPARENT``.

    Attributes:
        kinds: The events that it wants.

    Raises:
        ConfigError: If the environment asks for what there is not.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = OtlpSettings.of(environ)
        self._otlp = Otlp(self._settings, self._metrics)
        self._parent = _PARENT.fullmatch(environ.get("TRACEPARENT", "").strip().lower())
        self._random = Random(os.urandom(16))  # noqa: S311 - ids, no secrets
        self._sampled = True
        self._tally = RunTally()
        self._run: _Open | None = None
        self._steps: dict[str, _Open] = {}
        self._attempts: dict[str, _Open] = {}
        self._now_ns = 0
        self._step_durations: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._request_durations: defaultdict[tuple[tuple[str, Fact], ...], Histogram] = defaultdict(Histogram)
        self._hear: Mapping[type[Event], Callable[[Any], None]] = {
            RunStarted: self._run_started,
            StepStarted: self._step_started,
            RequestMade: self._requested,
            AttemptFailed: self._attempt_failed,
            StepFinished: self._step_finished,
            FindingReported: self._found,
            LogWritten: self._logged,
            MetricReported: self._tally.hear,
            ProgressMade: self._tally.hear,
            RunFinished: self._run_finished,
        }
        self.kinds = tuple(self._hear)

    def __call__(self, event: Event) -> None:
        """Adds one event; the last one sends what is left.

        Raises:
            ListenerError: If the collector does not take it.
        """
        self._now_ns = int(event.at.timestamp() * 1e6 + 0.5) * 1000  # as exact as it is
        self._hear[type(event)](event)
        if time.monotonic() >= self._otlp.due_s:
            self._otlp.send_due()

    def _ids(self, within: _Open | None) -> Ids:
        own = self._random.getrandbits(64).to_bytes(8, "big")
        return Ids(within.ids.trace, own, within.ids.span) if within else Ids(self._random.randbytes(16), own)

    def _run_started(self, event: RunStarted) -> None:
        self._tally.hear(event)
        ids, above = self._ids(None), self._parent
        if above:
            ids = Ids(bytes.fromhex(above[1]), ids.span, bytes.fromhex(above[2]))
        parent = bool(int(above[3], 16) & _SAMPLED) if above else None
        self._sampled = self._settings.samples(ids.trace, parent=parent)
        known = {
            "gridloom.run.id": event.run_id,
            "gridloom.pipeline.id": event.pipeline_id,
            "gridloom.pipeline.name": event.pipeline_name,
        }
        self._run = _Open(ids, f"run {event.pipeline_id}", self._now_ns, facts(known))

    def _step_started(self, event: StepStarted) -> None:
        step_id, now_ns = event.step_id, self._now_ns
        step, known = self._steps.get(step_id), fact(_STEP, step_id)
        if step is None:
            named = known + fact("gridloom.step.name", event.step_name)
            step = self._steps[step_id] = _Open(self._ids(self._run), step_id, now_ns, named)
        name, number = _attempt(event.attempt)
        self._attempts[step_id] = _Open(self._ids(step), name, now_ns, known + number)

    def _end(self, done: _Open, *, kind: int = INTERNAL, error: str | None = None) -> None:
        if self._sampled:
            self._otlp.span(
                span(done.ids, done.name, done.start_ns, self._now_ns, done.fields, kind=kind, error=error)
            )

    def _requested(self, event: RequestMade) -> None:
        parts = urlsplit(event.url)
        known: dict[str, Fact] = {
            "http.request.method": event.method,
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        }
        if event.status:
            known["http.response.status_code"] = event.status
        wrong = not event.status or event.status >= _BAD_STATUS
        if wrong:
            known["error.type"] = str(event.status or "no_answer")
        self._request_durations[tuple(known.items())].add(event.duration_s)
        known |= {"url.full": event.url, "http.response.body.size": event.bytes_received}
        if event.resend:
            known["http.request.resend_count"] = event.resend
        start_ns = self._now_ns - int(event.duration_s * 1e9)
        asked = _Open(self._ids(self._where(event.step_id)), event.method, start_ns, facts(known))
        self._end(asked, kind=CLIENT, error="" if wrong else None)

    def _attempt_failed(self, event: AttemptFailed) -> None:
        self._tally.hear(event)
        attempt = self._attempts.pop(event.step_id, None)
        if attempt is not None:
            attempt.fields += fact("error.type", event.error_type)
            attempt.fields += exception(self._now_ns, event.error_type, event.message)
            self._end(attempt, error=event.message)

    def _step_finished(self, event: StepFinished) -> None:
        attempt, step = self._attempts.pop(event.step_id, None), self._steps.pop(event.step_id, None)
        if attempt is not None:
            self._end(attempt)
        if step is None:  # cached, skipped or cancelled before it began
            start_ns = self._now_ns - int(event.duration_s * 1e9)
            step = _Open(self._ids(self._run), event.step_id, start_ns, fact(_STEP, event.step_id))
        outcome = event.outcome
        step.fields += _ended(outcome, event.reason)
        counted = counts(event)
        if any(counted):
            self._tally.hear(event)
            several = zip(COUNTED, counted, strict=True)
            step.fields += facts({f"gridloom.{name}": number for name, number in several if number})
        self._end(step, error=event.reason if outcome is _FAILED else None)
        self._step_durations[outcome].add(event.duration_s)

    def _run_finished(self, event: RunFinished) -> None:
        self._tally.hear(event)
        for each in (*self._attempts.values(), *self._steps.values()):
            self._end(each)
        if self._run is not None:
            wrong = event.outcome in {RunOutcome.failed, RunOutcome.partial}
            ended: dict[str, Fact] = {"gridloom.outcome": event.ended_as, "gridloom.rows": event.rows}
            self._run.fields += facts({**ended, "error.type": event.error_type if wrong else ""})
            self._end(self._run, error=event.message if wrong else None)
        self._otlp.send_all()

    def _where(self, step_id: str) -> _Open | None:
        """Returns the innermost span that is open for a step; the run's for none."""
        return self._attempts.get(step_id) or self._steps.get(step_id) or self._run

    def _found(self, event: FindingReported) -> None:
        if not event.passed:
            self._say(
                event.step_id, "error" if event.required else "warning", f"{event.name}: {event.detail}"
            )

    def _logged(self, event: LogWritten) -> None:
        self._say(event.step_id, event.level, event.message)

    def _say(self, step_id: str, level: str, words: str) -> None:
        where = self._where(step_id)
        ids = where.ids if where else _NOWHERE
        self._otlp.log(log(ids, self._now_ns, level, words, {_STEP: step_id}, sampled=self._sampled))

    def _metrics(self) -> list[bytes]:
        requests = ((dict(known), each) for known, each in self._request_durations.items())
        return metrics_of(self._tally, self._step_durations, requests, self._now_ns)


@lru_cache
def _attempt(number: int) -> tuple[str, bytes]:
    """Returns what an attempt is called, and the field of its number."""
    return f"attempt {number}", fact("gridloom.attempt", number)


@lru_cache
def _ended(outcome: StepOutcome, reason: str) -> bytes:
    """Returns what many steps share: the fields of how they ended and why."""
    return fact("gridloom.outcome", outcome) + fact("gridloom.reason", reason)
