"""What a plan comes to, as the plain data that ``--json`` prints and the screen shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from gridloom.dag import Plan, RunOutcome
from gridloom.extract.limits import limiter_seconds
from gridloom.grid.hours import HISTORY_START, label
from gridloom.pipelines.hourly import Prepared, build

__all__ = ["plan_summary", "planned"]

_FORECAST: Final = timedelta(days=1)  # forecasts run a day ahead


def planned(prepared: Prepared) -> dict[str, Any]:
    """Returns the JSON object of a dry run of a prepared pipeline.

    ``rate_limit`` is in requests a second, None for no limit; ``limiter_least_s`` and ``limiter_s`` are the
    seconds for which it spreads the least and the most requests; ``notes`` tell of hours without rows.

    Raises:
        GridLoomError: If the DAG cannot be planned.
    """
    found = plan_summary(
        build(prepared).plan(),
        {
            "source": prepared.source.identity,
            "first": prepared.hours.first_label,
            "last": prepared.hours.last_label,
            "regions": prepared.respondents,
            "asked_series": prepared.series,
            "notes": list(_without_rows(prepared)),
        },
        warnings=prepared.warnings,
        parquet=prepared.parquet if prepared.settings.through != "extract" else None,
    )
    # All steps ask one source, so they wait for one limiter.
    per_s = found["rate_limit"] = prepared.source.per_s(prepared.settings.rate_limit)
    for name, least_or_most in (("limiter_least_s", "least"), ("limiter_s", "most")):
        found[name] = round(limiter_seconds(found["requests"][least_or_most], per_s), 1)
    return found


def _without_rows(prepared: Prepared) -> Iterator[str]:
    """Gives a line for hours that are known to have no rows, or none yet."""
    hours, now = prepared.hours, datetime.now(UTC)
    if prepared.source.identity == "eia" and hours.start < HISTORY_START:
        yield f"The API's history starts at {label(HISTORY_START)}; windows before it are asked for in vain."
    if hours.stop > now + _FORECAST:
        yield (
            f"{hours.last_label} lies in the future: windows up to it are asked for as well, and those after "
            f"{label(now)} have no rows yet."
        )


def plan_summary(
    plan: Plan, own: Mapping[str, Any], *, warnings: Sequence[str], parquet: Path | None = None
) -> dict[str, Any]:
    """Returns what every dry run says: the keys of a run, decisions, and what will be asked.

    Args:
        plan: The plan.
        own: What a plan of this kind says besides.
        warnings: Lines that the user should see.
        parquet: Where a table will stand.
    """
    asks = [step.detail for step in plan.steps if step.decision == "run" and "requests" in step.detail]
    return {
        "run_id": None,
        "outcome": RunOutcome.planned.value,
        "parquet": parquet,
        "rows": 0,
        "hours_missing": 0,
        "http_requests": 0,
        "rows_received": 0,
        "duration_s": 0.0,
        **own,
        "windows": sum(ask["windows"] for ask in asks),
        "windows_landed": sum(ask.get("windows_landed", 0) for ask in asks),
        "requests": {
            name: sum(ask["requests"][name] for ask in asks) for name in ("least", "most", "metadata")
        },
        "steps": _planned_steps(plan),
        "warnings": warnings,
    }


def _planned_steps(plan: Plan) -> list[dict[str, Any]]:
    """Returns the JSON objects of the steps of a plan."""
    return [
        {
            "step_id": step.step_id,
            "outcome": "pending",
            "decision": step.decision,
            "reason": step.reason,
            "depends_on": step.depends_on,
            "notes": step.notes,
            "duration_s": 0.0,
            "rows": 0,
            "outputs": [],
            **step.detail,
        }
        for step in plan.steps
    ]
