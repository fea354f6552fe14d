"""The way of spans, metrics and logs to an OpenTelemetry collector, by OTLP over HTTP.

Where to, with which headers, sampler and limits: the standard ``OTEL_*`` environment says it. What cannot be
sent is kept for the next time; at the end it is lost, and that is said.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gridloom import __version__
from gridloom.errors import ListenerError
from gridloom.extras import need
from gridloom.monitor.post import TIMEOUT_S

__all__ = ["Otlp"]

_SEND_EVERY_S: Final = 5.0
_METRICS_EVERY_MS: Final = 60_000.0
_BATCH: Final = 512
_MOST_KEPT: Final = 8192


@dataclass(slots=True)
class _Signal:
    """Spans or log records on their way.

    Attributes:
        waiting: Returns what waits.
        clear: Forgets it.
        exporter: What sends it.
        lost: How much was thrown away, because the collector was gone for too long.
    """

    waiting: Callable[[], Sequence[Any]]
    clear: Callable[[], None]
    exporter: Any
    lost: int = 0

    def send(self) -> bool:
        """Sends what waits; returns whether it was taken."""
        waiting = self.waiting()
        if not waiting:
            return True
        taken = all(
            self.exporter.export(waiting[start : start + _BATCH]).name == "SUCCESS"
            for start in range(0, len(waiting), _BATCH)
        )
        if not taken and len(waiting) < _MOST_KEPT:
            return False
        self.lost += 0 if taken else len(waiting)
        self.clear()
        return taken


class Otlp:
    """Providers of OpenTelemetry's three signals and their exporters, used by one thread.

    Attributes:
        tracer: Starts spans.
        meter: Makes instruments.
        logger: Takes log records.

    Raises:
        MissingExtraError: If OpenTelemetry is not installed.
    """

    def __init__(self) -> None:
        need("telemetry", "A run with OpenTelemetry")
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk import _logs, metrics, trace  # noqa: PLC0415
        from opentelemetry.sdk._logs import export as log_export  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import export as span_export  # noqa: PLC0415
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415
            InMemorySpanExporter,
        )

        # what an exporter has to complain of is said as a warning of the run
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "gridloom"}
        resource = Resource.create({**named, "service.version": __version__})
        spans, logs = InMemorySpanExporter(), log_export.InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        span_exporter = OTLPSpanExporter(timeout=_timeout_s("TRACES"))
        self._spans = _Signal(spans.get_finished_spans, spans.clear, span_exporter)
        log_exporter = OTLPLogExporter(timeout=_timeout_s("LOGS"))
        self._logs = _Signal(logs.get_finished_logs, logs.clear, log_exporter)
        self._metrics = OTLPMetricExporter(timeout=_timeout_s("METRICS"))
        self._reader = InMemoryMetricReader()
        traces = trace.TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(span_export.SimpleSpanProcessor(spans))
        meters = metrics.MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        loggers = _logs.LoggerProvider(resource=resource, shutdown_on_exit=False)
        loggers.add_log_record_processor(log_export.SimpleLogRecordProcessor(logs))
        self.tracer = traces.get_tracer("gridloom", __version__)
        self.meter = meters.get_meter("gridloom", __version__)
        self.logger = loggers.get_logger("gridloom", __version__)
        self._wanted = {
            name: os.environ.get(f"OTEL_{name}_EXPORTER") != "none" for name in ("TRACES", "METRICS", "LOGS")
        }
        metrics_every_ms = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or _METRICS_EVERY_MS)
        self._metrics_every_s = metrics_every_ms / 1000.0
        self._sent_s = self._metrics_sent_s = time.monotonic()

    def send_due(self) -> None:
        """Sends what has waited long enough; what is not taken is kept."""
        now_s = time.monotonic()
        if now_s - self._sent_s >= _SEND_EVERY_S:
            self._send_items()
            self._sent_s = time.monotonic()
        if now_s - self._metrics_sent_s >= self._metrics_every_s:
            self._send_metrics()
            self._metrics_sent_s = time.monotonic()

    def send_all(self) -> None:
        """Sends all that there is.

        Raises:
            ListenerError: If something was not taken, now or for too long before.
        """
        # a collector that is gone is waited for once
        taken = self._send_items() and self._send_metrics()
        lost = self._spans.lost + self._logs.lost
        if not taken or lost:
            raise ListenerError(
                "The OpenTelemetry collector did not take everything that the run had to tell. Check "
                "OTEL_EXPORTER_OTLP_ENDPOINT, and that it listens there for OTLP over HTTP."
            )

    def close(self) -> None:
        """Lets go of the connections."""
        for exporter in (self._spans.exporter, self._logs.exporter, self._metrics):
            exporter.shutdown()

    def _send_items(self) -> bool:
        items = {"TRACES": self._spans, "LOGS": self._logs}
        return all(signal.send() for name, signal in items.items() if self._wanted[name])

    def _send_metrics(self) -> bool:
        data = self._reader.get_metrics_data()
        if data is None or not self._wanted["METRICS"]:
            return True
        return bool(self._metrics.export(data).name == "SUCCESS")


def _timeout_s(signal: str) -> float | None:
    """Returns how long an export may take in seconds; None where the environment says it."""
    names = (f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
    return None if any(os.environ.get(name) for name in names) else TIMEOUT_S
