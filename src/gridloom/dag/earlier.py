"""What a run wants to know of earlier ones; where nobody knows, it does without."""

from __future__ import annotations

from typing import Final

from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.errors import StorageError

__all__ = ["done_steps", "expected_durations"]

_RECENT: Final = 5


def expected_durations(database: Database, pipeline_id: str) -> dict[str, float]:
    """Returns the seconds that each step of a pipeline took lately, where it was executed at all.

    Args:
        database: The record store.
        pipeline_id: The pipeline.
    """
    query = (
        "SELECT step_id, avg(duration_s) FROM steps WHERE outcome = 'executed' AND run_id IN"
        " (SELECT run_id FROM runs WHERE pipeline_id = ? ORDER BY run_id DESC LIMIT ?) GROUP BY step_id"
    )
    try:
        found = database.rows(query, (pipeline_id, _RECENT))
        return {str(step_id): float(mean_s) for step_id, mean_s in found}
    except (DatabaseDamagedError, StorageError, TypeError, ValueError):
        return {}


def done_steps(database: Database, run_id: str | None) -> frozenset[str]:
    """Returns the steps of a run that succeeded; none where nobody knows the run.

    Args:
        database: The record store.
        run_id: The run; None is none.
    """
    query = "SELECT step_id FROM steps WHERE run_id = ? AND outcome IN ('executed', 'cached')"
    try:
        return frozenset(step_id for (step_id,) in database.rows(query, (run_id,)))
    except (DatabaseDamagedError, StorageError):
        return frozenset()
