"""Metrics of a run for Prometheus: scraped while it works, or left in a file or a Pushgateway at its end.

Names and units follow Prometheus' conventions: base units, counters end in ``_total``, facts are labels of
an ``_info`` metric. Every series carries the pipeline, so that several can share one textfile folder.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from gridloom import __version__
from gridloom.dag.events import Event, RunFinished
from gridloom.dag.outcome import INTERRUPTED, RunOutcome, StepOutcome
from gridloom.errors import ConfigError
from gridloom.extras import need
from gridloom.files import write_atomic
from gridloom.monitor.exposition import Series, metric_of, text_of
from gridloom.monitor.post import post
from gridloom.monitor.tally import HEARD, RunTally, StepTally

if TYPE_CHECKING:
    from http.server import HTTPServer

    from prometheus_client.metrics_core import Metric

__all__ = ["PrometheusMetrics"]

_JOB: Final = "gridloom"
_AT_ONCE: Final = 1_000
_POKE_S: Final = 0.01
_OF_STEPS: Final[Mapping[str, tuple[str, Callable[[StepTally], float]]]] = {
    "rows": ("Rows that the step made.", lambda step: step.counted("rows")),
    "rows_received": (
        "Rows that the step got from outside the run.",
        lambda step: step.counted("rows_received"),
    ),
    "requests": ("Requests to a source, repeated ones too.", lambda step: step.counted("requests")),
    "retries": ("Requests that were repeated.", lambda step: step.counted("retries")),
    "bytes_received": ("Bytes from outside the run.", lambda step: step.counted("bytes_received")),
    "bytes_written": ("Bytes of committed outputs.", lambda step: step.bytes_written),
    "attempts": ("How often the step began.", lambda step: step.attempts),
    "attempts_failed": ("How often that ended in an error.", lambda step: step.failed_attempts),
}
"""Counters with the labels pipeline, step and route."""


class PrometheusMetrics:
    """A sink of events that holds a run's metrics; a context manager.

    Args:
        listen: Host and port to be scraped at; port 0 takes any free one.
        textfile: File to write at the end, for the node exporter's textfile collector.
        pushgateway: URL of a Pushgateway to send to at the end.
        routes: Name of the route that a step reads, by step id.

    Attributes:
        kinds: The events that it wants.
        port: Where it can be scraped, once it is entered; None where it is not.

    Raises:
        MissingExtraError: If ``prometheus_client`` is not installed.
    """

    kinds: tuple[type[Event], ...] = HEARD

    def __init__(
        self,
        *,
        listen: tuple[str, int] | None = None,
        textfile: Path | None = None,
        pushgateway: str | None = None,
        routes: Mapping[str, str] | None = None,
    ) -> None:
        need("metrics", "A run with metrics for Prometheus")
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - comes with an extra

        self._listen, self._textfile, self._pushgateway = listen, textfile, pushgateway
        self._routes = routes or {}
        self._heard: deque[Event] = deque()
        self._tally, self._lock = RunTally(), threading.Lock()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._server: Any = None
        self.port: int | None = None

    def __enter__(self) -> Self:
        if self._listen:
            from prometheus_client import start_http_server  # noqa: PLC0415 - comes with an extra

            host, port = self._listen
            try:
                self._server, _ = start_http_server(port, host, self._registry)
            except OSError as error:
                raise ConfigError(
                    f"Metrics cannot be served on {host}:{port}: {error.strerror or error}. Choose another "
                    "port with --metrics-port."
                ) from error
            self.port = self._server.server_port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            _end(self._server)

    def __call__(self, event: Event) -> None:
        """Adds one event; the last one sends the metrics to where they are to stay.

        Raises:
            StorageError: If the disk refuses the file.
            ListenerError: If the Pushgateway does not take them.
        """
        self._heard.append(event)
        if type(event) is RunFinished:
            self._leave()
        elif len(self._heard) >= _AT_ONCE:
            with self._lock:
                self._add_up()

    def _add_up(self) -> None:
        """Adds what was heard to the tally; with the lock, which is not taken for each event."""
        while self._heard:
            self._tally.hear(self._heard.popleft())

    def text(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        return text_of(self._series())

    def _leave(self) -> None:
        text = self.text() if self._textfile or self._pushgateway else b""
        if self._textfile:
            write_atomic(self._textfile, text)
        if self._pushgateway:
            group = f"metrics/job/{_JOB}/pipeline/{quote(self._tally.pipeline_id, safe='')}"
            post(
                f"{self._pushgateway.rstrip('/')}/{group}",
                text,
                what="The Pushgateway",
                content_type="text/plain; version=0.0.4; charset=utf-8",
                method="PUT",
            )

    def describe(self) -> Iterable[Metric]:
        """Names no metrics beforehand; the registry asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Returns all metrics as they are now; the registry asks, in whichever thread."""
        return map(metric_of, self._series())

    def _series(self) -> list[Series]:
        with self._lock:
            self._add_up()
            return [*self._of_run(), *self._tallied(), *self._of_steps()] if self._tally.run_id else []

    def _of_run(self) -> Iterator[Series]:
        tally, pipeline = self._tally, self._tally.pipeline_id
        facts = (pipeline, tally.pipeline_name, tally.run_id, __version__)
        labels = ("pipeline", "pipeline_name", "run_id", "version")
        yield Series("gridloom_run", "info", "The run that these metrics are of.", labels, [(facts, 1)])
        yield Series(
            "gridloom_run_outcome",
            "gauge",
            "1 for the way in which the run ended; 0 for all while it works.",
            ("pipeline", "outcome"),
            [((pipeline, each), tally.outcome == each) for each in (*RunOutcome, INTERRUPTED)],
        )
        times = {
            "gridloom_run_start_time_seconds": ("When the run began.", tally.started_s),
            "gridloom_run_end_time_seconds": ("When the run ended.", tally.ended_s),
            "gridloom_run_duration_seconds": (
                "Wall time of the run, once it has ended.",
                tally.duration_s if tally.outcome else None,
            ),
            "gridloom_run_rows": (
                "Rows of the run's last tables, once it has ended.",
                tally.rows if tally.outcome else None,
            ),
        }
        for name, (text, value) in times.items():
            if value is not None:
                yield Series(name, "gauge", text, ("pipeline",), [((pipeline,), value)])

    def _tallied(self) -> Iterator[Series]:
        tally, pipeline = self._tally, self._tally.pipeline_id
        states = Counter(step.state for step in tally.steps.values())
        yield Series(
            "gridloom_steps",
            "gauge",
            "Steps by how they stand.",
            ("pipeline", "state"),
            [((pipeline, state.value), states[state]) for state in StepOutcome],
        )
        yield Series(
            "gridloom_cache_decisions",
            "counter",
            "Decisions about cacheable steps: hit is true where outputs of an earlier run are used.",
            ("pipeline", "hit"),
            [((pipeline, _word(hit)), number) for hit, number in tally.decisions.items()],
        )
        yield Series(
            "gridloom_findings",
            "counter",
            "Checks of the data; passed is false where one did not hold.",
            ("pipeline", "step", "check", "required", "passed"),
            [
                ((pipeline, step_id, check, _word(required), _word(passed)), number)
                for (step_id, check, required, passed), number in tally.findings.items()
            ],
        )
        yield Series(
            "gridloom_log_messages",
            "counter",
            "Lines for people.",
            ("pipeline", "level"),
            [((pipeline, level), number) for level, number in tally.logs.items()],
        )

    def _of_steps(self) -> Iterator[Series]:
        pipeline, steps, route = self._tally.pipeline_id, self._tally.steps, self._routes.get
        # of a thousand steps most count nothing; those that read a route have all counters from the start
        counting = {
            step_id: step for step_id, step in steps.items() if step.counts or step_id in self._routes
        }
        for name, (text, value) in _OF_STEPS.items():
            of = steps if name == "attempts" else counting
            yield Series(
                f"gridloom_{name}",
                "counter",
                text,
                ("pipeline", "step", "route"),
                [((pipeline, step_id, route(step_id, "")), value(step)) for step_id, step in of.items()],
            )
        yield Series(
            "gridloom_step_duration_seconds",
            "gauge",
            "Wall time of a step with all its attempts, once it has ended.",
            ("pipeline", "step", "outcome"),
            [
                ((pipeline, step_id, step.state), step.duration_s)
                for step_id, step in steps.items()
                if step.duration_s is not None
            ],
        )
        yield Series(
            "gridloom_step_progress_ratio",
            "gauge",
            "Part of the step's work that is done, where anybody knows.",
            ("pipeline", "step"),
            [
                ((pipeline, step_id), step.progress)
                for step_id, step in steps.items()
                if step.progress is not None
            ],
        )
        yield Series(
            "gridloom_step_metric",
            "gauge",
            "Numbers that steps name themselves.",
            ("pipeline", "step", "name", "unit"),
            [
                ((pipeline, step_id, name, unit), number)
                for step_id, step in steps.items()
                for (name, unit), number in step.custom.items()
            ],
        )


def _end(server: HTTPServer) -> None:
    """Ends a server: it sees twice a second whether it is to, and at once where somebody connects."""
    ending = threading.Thread(target=server.shutdown, name="gridloom-metrics-end", daemon=True)
    ending.start()
    while ending.is_alive():
        with suppress(OSError):
            socket.create_connection(server.socket.getsockname()[:2], timeout=_POKE_S).close()
        ending.join(_POKE_S)
    server.server_close()


def _word(truth: bool) -> str:
    return "true" if truth else "false"
