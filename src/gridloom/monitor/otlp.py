"""The way of spans, metrics and logs to an OpenTelemetry collector, by OTLP over HTTP.

What cannot be sent is kept for the next time; at the end it is lost, and that is said.
"""

from __future__ import annotations

import gzip
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gridloom import __version__
from gridloom.errors import ListenerError
from gridloom.monitor.otlp_records import Signal, request
from gridloom.monitor.otlp_settings import ENDPOINT, OtlpSettings
from gridloom.monitor.post import opener, post

__all__ = ["Otlp"]

_SEND_EVERY_S: Final = 5.0
_BATCH: Final = 2048
_MOST_KEPT: Final = 16_384


class _Queue:
    """Spans or log records on their way.

    Attributes:
        lost: How many were thrown away, because the collector was gone for too long.
    """

    def __init__(self, send: Callable[[Iterable[bytes]], None]) -> None:
        self._send = send
        self._waiting: list[bytes] = []
        self.lost = 0

    def put(self, record: bytes) -> bool:
        """Adds one; returns whether a batch of them waits."""
        self._waiting.append(record)
        return len(self._waiting) % _BATCH == 0

    def send(self) -> None:
        """Sends what waits.

        Raises:
            ListenerError: If it was not taken.
        """
        while self._waiting:
            try:
                self._send(self._waiting[:_BATCH])
            except ListenerError:
                over = len(self._waiting) - _MOST_KEPT
                if over > 0:
                    del self._waiting[:over]
                    self.lost += over
                raise
            del self._waiting[:_BATCH]


class Otlp:
    """Where to a run's telemetry goes, used by one thread.

    Args:
        settings: Where to and how.
        metrics: Makes the metrics of now.

    Attributes:
        due_s: When `send_due` has something to do, by the monotonic clock.

    Raises:
        ConfigError: If a certificate cannot be used.
    """

    def __init__(self, settings: OtlpSettings, metrics: Callable[[], list[bytes]]) -> None:
        self._settings, self._metrics = settings, metrics
        for target in settings.targets.values():
            opener(target.tls)
        self._spans = _Queue(lambda records: self._send("traces", records))
        self._logs = _Queue(lambda records: self._send("logs", records))
        self._batches_due_s = self._metrics_due_s = self.due_s = 0.0
        self._wait(batches=True, metrics=True)

    def span(self, record: bytes) -> None:
        """Sends a span with the next batch."""
        if self._spans.put(record):
            self._batches_due_s = self.due_s = 0.0

    def log(self, record: bytes) -> None:
        """Sends a log record with the next batch."""
        if self._logs.put(record):
            self._batches_due_s = self.due_s = 0.0

    def send_due(self) -> None:
        """Sends what has waited long enough; what is not taken is kept."""
        now_s = time.monotonic()
        batches, metrics = now_s >= self._batches_due_s, now_s >= self._metrics_due_s
        if batches:
            _tried(self._spans.send)
            _tried(self._logs.send)
        if metrics:
            _tried(self._send_metrics)
        self._wait(batches=batches, metrics=metrics)

    def _wait(self, *, batches: bool, metrics: bool) -> None:
        """Begins to wait again."""
        now_s = time.monotonic()
        if batches:
            self._batches_due_s = now_s + _SEND_EVERY_S
        if metrics:
            self._metrics_due_s = now_s + self._settings.metrics_every_s
        self.due_s = min(self._batches_due_s, self._metrics_due_s)

    def send_all(self) -> None:
        """Sends all that there is.

        Raises:
            ListenerError: If something was not taken, now or for too long before.
        """
        self.due_s = math.inf
        # a collector that is gone is waited for once
        try:
            for send in (self._spans.send, self._logs.send, self._send_metrics):
                send()
        except ListenerError as error:
            raise ListenerError(f"{error} Check {ENDPOINT}, and that it takes OTLP over HTTP.") from error
        lost = self._spans.lost + self._logs.lost
        if lost:
            raise ListenerError(
                f"The OpenTelemetry collector was gone for so long that {lost:,} of its records are lost."
            )

    def _send_metrics(self) -> None:
        if "metrics" in self._settings.targets:
            self._send("metrics", self._metrics())

    def _send(self, signal: Signal, records: Iterable[bytes]) -> None:
        target = self._settings.targets.get(signal)
        if target is None:
            return
        body = request(self._settings.resource, ("gridloom", __version__), records)
        packed: Mapping[str, str] = {"Content-Encoding": "gzip"} if target.gzipped else {}
        post(
            target.url,
            gzip.compress(body, 6, mtime=0) if target.gzipped else body,
            what="The OpenTelemetry collector",
            content_type="application/x-protobuf",
            headers={**target.headers, **packed},
            timeout_s=target.timeout_s,
            tls=target.tls,
        )


def _tried(send: Callable[[], None]) -> None:
    try:
        send()
    except ListenerError:
        return  # the end says it, if it is still so
