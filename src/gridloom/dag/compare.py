"""What differs between two runs of the past. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["compare_runs"]


def compare_runs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what differs between two runs' records: settings, and each step's outcome, time and rows.

    Args:
        one: Record of the earlier run, as `load_run` gives it.
        other: Record of the later one.

    Returns:
        JSON-able: ``runs``, ``settings`` (None where one of them left no whole record) and ``steps``, each
        fact of a step as ``[before, after]``.
    """
    steps = [{step["step_id"]: step for step in record["steps"]} for record in (one, other)]
    names = list(dict.fromkeys([*steps[0], *steps[1]]))
    # a run that was cut off left nothing about what its steps gave, and of its settings those that count
    whole = "environment" in one and "environment" in other
    known = "settings" in one and "settings" in other
    return {
        "runs": [_head(record) for record in (one, other)],
        "settings": _settings_changed(one["settings"], other["settings"], whole=whole) if known else None,
        "steps": [
            _step_compared(name, steps[0].get(name), steps[1].get(name), whole=whole) for name in names
        ],
    }


def _head(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record.get(name) for name in ("run_id", "outcome", "started_at", "duration_s", "totals")}


def _settings_changed(
    one: Mapping[str, Any], other: Mapping[str, Any], *, whole: bool
) -> list[dict[str, Any]]:
    """Returns what differs in the settings of steps that both runs have."""
    return [
        {"step_id": step_id, "setting": name, "before": before.get(name), "after": after.get(name)}
        for step_id in sorted(one.keys() & other.keys())
        for before, after in [(one[step_id] or {}, other[step_id] or {})]
        for name in sorted({*before, *after} if whole else before.keys() & after.keys())
        if name != "step_id" and before.get(name) != after.get(name)
    ]


def _step_compared(
    step_id: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, *, whole: bool
) -> dict[str, Any]:
    digests = [
        {output["name"]: output.get("digest", output.get("value")) for output in step["outputs"]}
        if step
        else None
        for step in (one, other)
    ]
    return {
        "step_id": step_id,
        "outcome": [step and step["outcome"] for step in (one, other)],
        "reason": [step and step["reason"] for step in (one, other)],
        "duration_s": [step and step["duration_s"] for step in (one, other)],
        "rows": [step and step["metrics"]["rows"] for step in (one, other)],
        "same_outputs": digests[0] == digests[1] if whole and one and other and any(digests) else None,
    }
