"""What a pipeline file's run or plan came to, as plain data with the keys of `summary`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridloom.dag.events import Event
from gridloom.pipelines.assemble import Assembled
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.plan_summary import plan_summary
from gridloom.pipelines.summary import fetched, run_summary

__all__ = ["planned_file", "ran_file"]


def planned_file(assembled: Assembled) -> dict[str, Any]:
    """Returns the JSON object of a dry run of a pipeline file.

    Raises:
        GridLoomError: If the DAG cannot be planned.
    """
    return plan_summary(assembled.dag.plan(), _of_file(assembled), warnings=assembled.warnings)


def ran_file(
    assembled: Assembled, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[dict[str, Any], int]:
    """Runs a pipeline file and returns its JSON object and the exit code of the contract.

    Args:
        assembled: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.

    Raises:
        GridLoomError: If the run could not start.
    """
    return run_summary(
        assembled.dag,
        sink,
        listeners,
        lambda result: {**_of_file(assembled), **fetched(result, rows=result.totals["rows"])},
        warnings=assembled.warnings,
    )


def _of_file(assembled: Assembled) -> dict[str, Any]:
    return {
        "pipeline": assembled.file.name,
        "file": assembled.file.path,
        "out": assembled.settings.out,
    }
