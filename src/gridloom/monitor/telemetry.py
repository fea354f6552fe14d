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
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from gridloom.dag.events import (
    AttemptFailed,
    Event,
    FindingReported,
    LogWritten,
    RequestMade,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import RunOutcome, StepOutcome
from gridloom.monitor.otlp import Otlp
from gridloom.monitor.tally import COUNTED, RunTally

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

__all__ = ["OpenTelemetrySink"]

_BAD_STATUS: Final = 400
_UNITS: Final = {
    "rows": "{row}",
    "rows_received": "{row}",
    "requests": "{request}",
    "retries": "{request}",
    "bytes_received": "By",
}


class OpenTelemetrySink:
    """A sink of events that tells a collector of them; a context manager.

    Raises:
        MissingExtraError: If OpenTelemetry is not installed.
    """

    def __init__(self) -> None:
        self._otlp = Otlp()
        self._tally = RunTally()
        self._run: Span | None = None
        self._steps: dict[str, Span] = {}
        self._attempts: dict[str, Span] = {}
        self._durations = self._instruments()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._otlp.close()

    def __call__(self, event: Event) -> None:
        """Adds one event; the last one sends what is left.

        Raises:
            ListenerError: If the collector does not take it.
        """
        self._tally.hear(event)
        match event:
            case RunStarted():
                self._run_started(event)
            case StepStarted():
                self._step_started(event)
            case RequestMade():
                self._requested(event)
            case AttemptFailed():
                self._attempt_failed(event)
            case StepFinished():
                self._step_finished(event)
            case FindingReported() if not event.passed:
                level = "error" if event.required else "warning"
                self._log(event, event.step_id, level, f"{event.name}: {event.detail}")
            case LogWritten():
                self._log(event, event.step_id, event.level, event.message)
            case RunFinished():
                self._run_finished(event)
                return
            case _:
                pass
        self._otlp.send_due()

    def _instruments(self) -> dict[str, Any]:
        """Makes the instruments; returns those that durations are recorded with."""
        from opentelemetry.metrics import CallbackOptions, Observation  # noqa: PLC0415

        def counted(name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
            def observe(_options: CallbackOptions) -> Iterable[Observation]:
                pipeline = self._tally.pipeline_id
                for step_id, step in self._tally.steps.items():
                    facts = {"gridloom.pipeline.id": pipeline, "gridloom.step.id": step_id}
                    yield Observation(step.counted(name), facts)

            return observe

        meter = self._otlp.meter
        for name in COUNTED:
            meter.create_observable_counter(
                f"gridloom.{name}", [counted(name)], _UNITS[name], f"What steps counted as {name}."
            )
        return {
            "step": meter.create_histogram("gridloom.step.duration", "s", "Wall time of a step."),
            "request": meter.create_histogram(
                "http.client.request.duration", "s", "Duration of HTTP client requests."
            ),
        }

    def _begin(self, name: str, at: datetime | int, parent: Context | None, facts: dict[str, Any]) -> Span:
        start_ns = at if isinstance(at, int) else _ns(at)
        return self._otlp.tracer.start_span(name, parent, start_time=start_ns, attributes=facts)

    def _run_started(self, event: RunStarted) -> None:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        carried = {name.lower(): os.environ.get(name, "") for name in ("TRACEPARENT", "TRACESTATE")}
        facts = {
            "gridloom.run.id": event.run_id,
            "gridloom.pipeline.id": event.pipeline_id,
            "gridloom.pipeline.name": event.pipeline_name,
        }
        parent = TraceContextTextMapPropagator().extract(carried)
        self._run = self._begin(f"run {event.pipeline_id}", event.at, parent, facts)

    def _step_started(self, event: StepStarted) -> None:
        if event.step_id not in self._steps:
            facts = {"gridloom.step.id": event.step_id, "gridloom.step.name": event.step_name}
            self._steps[event.step_id] = self._begin(event.step_id, event.at, _within(self._run), facts)
        parent = _within(self._steps[event.step_id])
        number = {"gridloom.step.id": event.step_id, "gridloom.attempt": event.attempt}
        self._attempts[event.step_id] = self._begin(f"attempt {event.attempt}", event.at, parent, number)

    def _requested(self, event: RequestMade) -> None:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        parts, end_ns = urlsplit(event.url), _ns(event.at)
        facts: dict[str, Any] = {
            "http.request.method": event.method,
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        }
        if event.status:
            facts["http.response.status_code"] = event.status
        if not event.status or event.status >= _BAD_STATUS:
            facts["error.type"] = str(event.status or "no_answer")
        self._durations["request"].record(event.duration_s, facts)
        whole = {**facts, "url.full": event.url, "http.response.body.size": event.bytes_received}
        if event.resend:
            whole["http.request.resend_count"] = event.resend
        span = self._otlp.tracer.start_span(
            event.method,
            _within(self._where(event.step_id)),
            kind=SpanKind.CLIENT,
            start_time=end_ns - int(event.duration_s * 1e9),
            attributes=whole,
        )
        if "error.type" in facts:
            _failed(span, "")
        span.end(end_ns)

    def _attempt_failed(self, event: AttemptFailed) -> None:
        span = self._attempts.pop(event.step_id, None)
        if span is not None:
            facts = {"exception.type": event.error_type, "exception.message": event.message}
            span.add_event("exception", facts, _ns(event.at))
            span.set_attribute("error.type", event.error_type)
            _failed(span, event.message)
            span.end(_ns(event.at))

    def _step_finished(self, event: StepFinished) -> None:
        end_ns = _ns(event.at)
        attempt, span = self._attempts.pop(event.step_id, None), self._steps.pop(event.step_id, None)
        if attempt is not None:
            attempt.end(end_ns)
        if span is None:  # cached, skipped or cancelled before it began
            start_ns = end_ns - int(event.duration_s * 1e9)
            facts = {"gridloom.step.id": event.step_id}
            span = self._begin(event.step_id, start_ns, _within(self._run), facts)
        counted = {f"gridloom.{name}": getattr(event, name) for name in COUNTED}
        outcome = {"gridloom.outcome": event.outcome.value}
        span.set_attributes({**counted, **outcome, "gridloom.reason": event.reason})
        if event.outcome is StepOutcome.failed:
            _failed(span, event.reason)
        span.end(end_ns)
        where = {"gridloom.pipeline.id": self._tally.pipeline_id, "gridloom.step.id": event.step_id}
        self._durations["step"].record(event.duration_s, {**where, **outcome})

    def _run_finished(self, event: RunFinished) -> None:
        for span in (*self._attempts.values(), *self._steps.values()):
            span.end(_ns(event.at))
        if self._run is not None:
            self._run.set_attributes({"gridloom.outcome": event.outcome.value, "gridloom.rows": event.rows})
            if event.outcome in {RunOutcome.failed, RunOutcome.partial}:
                self._run.set_attribute("error.type", event.error_type)
                _failed(self._run, event.message)
            self._run.end(_ns(event.at))
        self._otlp.send_all()

    def _where(self, step_id: str) -> Span | None:
        """Returns the innermost span that is open for a step; the run's for none."""
        return self._attempts.get(step_id) or self._steps.get(step_id) or self._run

    def _log(self, event: Event, step_id: str, level: str, text: str) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415

        severity = SeverityNumber["WARN" if level == "warning" else level.upper()]
        self._otlp.logger.emit(
            LogRecord(
                timestamp=_ns(event.at),
                context=_within(self._where(step_id)),
                severity_text=severity.name,
                severity_number=severity,
                body=text,
                attributes={"gridloom.step.id": step_id} if step_id else {},
            )
        )


def _ns(at: datetime) -> int:
    """Returns a time in nanoseconds since the epoch, as exact as it is."""
    return int(at.timestamp() * 1_000_000) * 1000


def _within(span: Span | None) -> Context | None:
    """Returns the context in which a span is the parent."""
    from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

    return None if span is None else set_span_in_context(span)


def _failed(span: Span, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    span.set_status(Status(StatusCode.ERROR, why or None))
