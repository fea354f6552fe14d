"""What went through each step, and what it cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gridloom.report.source import RunRecord, StepRecord
from gridloom.words import count, duration, size

__all__ = ["Flow", "flows"]


@dataclass(frozen=True, slots=True)
class Flow:
    """What went through a step, and what it cost; a share is of the largest of all steps, from 0 to 100."""

    step_id: str
    received: str
    received_share: float
    rows: str
    rows_share: float
    bytes_in: str
    bytes_out: str
    requests: str
    per_s: str
    cpu: str
    memory: str


def flows(record: RunRecord) -> list[Flow]:
    """Returns a row for each step that did anything."""
    steps = [
        step
        for step in record.steps
        if any(
            _metric(step, name) for name in ("rows", "rows_received", "bytes_written", "requests", "cpu_s")
        )
    ]
    most = max((max(_metric(step, "rows"), _metric(step, "rows_received")) for step in steps), default=0) or 1
    return [
        Flow(
            step_id=step.step_id,
            received=_counted(step, "rows_received"),
            received_share=round(100 * _metric(step, "rows_received") / most, 1),
            rows=_counted(step, "rows"),
            rows_share=round(100 * _metric(step, "rows") / most, 1),
            bytes_in=_sized(step, "bytes_received"),
            bytes_out=_sized(step, "bytes_written"),
            requests=_requests(step),
            per_s=count(round(_metric(step, "rows_per_s")))
            if _metric(step, "rows_per_s") and step.outcome == "executed"
            else "-",
            cpu=duration(_metric(step, "cpu_s")) if _metric(step, "cpu_s") else "-",
            memory=_sized(step, "peak_rss_bytes"),
        )
        for step in steps
    ]


def _metric(step: StepRecord, name: str) -> float:
    return float(step.metrics.get(name) or 0)


def _counted(step: StepRecord, name: str) -> str:
    return count(_metric(step, name)) if _metric(step, name) else "-"


def _sized(step: StepRecord, name: str) -> str:
    return size(_metric(step, name)) if _metric(step, name) else "-"


def _requests(step: StepRecord) -> str:
    if not _metric(step, "requests"):
        return "-"
    again = _metric(step, "retries")
    return count(_metric(step, "requests")) + (f" ({count(again)} repeated)" if again else "")
