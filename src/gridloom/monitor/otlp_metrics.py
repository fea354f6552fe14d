"""What a run counted so far as metrics of OpenTelemetry; what is zero is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gridloom.monitor.otlp_records import Histogram, gauge, histogram, total
from gridloom.monitor.tally import COUNTED, RunTally
from gridloom.monitor.wire import Fact

__all__ = ["metrics_of"]

_UNITS: Final = {
    "rows": "{row}",
    "rows_received": "{row}",
    "requests": "{request}",
    "retries": "{request}",
    "bytes_received": "By",
}


def metrics_of(
    tally: RunTally,
    steps: Mapping[str, Histogram],
    requests: Iterable[tuple[Mapping[str, Fact], Histogram]],
    at_ns: int,
) -> list[bytes]:
    """Returns the metrics of a run.

    Args:
        tally: What it counted.
        steps: Wall times of steps by how they ended.
        requests: Attributes of requests, and how long those that have them took.
        at_ns: Now, in nanoseconds since the epoch.
    """
    start_ns = int(tally.started_s * 1e9)
    pipeline: dict[str, Fact] = {"gridloom.pipeline.id": tally.pipeline_id}
    told = []
    counting = [(step_id, step) for step_id, step in tally.steps.items() if step.counts]
    for name in COUNTED:
        counted = ((step_id, step.counted(name)) for step_id, step in counting)
        points = [
            ({**pipeline, "gridloom.step.id": step_id}, number) for step_id, number in counted if number
        ]
        if points:
            about = f"What steps counted as {name}."
            told.append(
                total(f"gridloom.{name}", _UNITS[name], about, points, started_ns=start_ns, at_ns=at_ns)
            )
    custom: list[tuple[dict[str, Fact], float]] = [
        (
            {
                **pipeline,
                "gridloom.step.id": step_id,
                "gridloom.metric.name": name,
                "gridloom.metric.unit": unit,
            },
            value,
        )
        for step_id, step in tally.steps.items()
        for (name, unit), value in step.custom.items()
    ]
    if custom:
        about = "Numbers that steps name themselves."
        told.append(gauge("gridloom.step.metric", "1", about, custom, at_ns=at_ns))
    ended = [({**pipeline, "gridloom.outcome": outcome}, each) for outcome, each in steps.items()]
    told += [
        histogram(name, about, durations, started_ns=start_ns, at_ns=at_ns)
        for name, about, durations in (
            ("gridloom.step.duration", "Wall time of steps.", ended),
            ("http.client.request.duration", "Duration of HTTP client requests.", list(requests)),
        )
        if durations
    ]
    return told
