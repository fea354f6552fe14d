"""Runs as a crash leaves them, without the wait for one: the journal is put back to an earlier moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from gridloom.dag.owner import this_process


def change(out: Path, sql: str, *values: Any) -> None:
    """Changes rows of the record store behind the engine's back."""
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store, store:
        assert store.execute(sql, values).rowcount, sql


def cut_off(out: Path, run_id: str, *step_ids: str, alive: bool = False) -> None:
    """Makes a run that ended look as if it had been killed before some of its steps were committed.

    Args:
        out: Its output folder.
        run_id: The run.
        step_ids: Steps that had not begun.
        alive: Whether it is to look as if it were still at work.
    """
    owner = this_process() if alive else msgspec.structs.replace(this_process(), started="long ago")
    change(
        out,
        "UPDATE runs SET outcome = NULL, finished_at = NULL, duration_s = NULL, totals = NULL, owner = ?"
        " WHERE run_id = ?",
        msgspec.json.encode(owner),
        run_id,
    )
    for step_id in step_ids:
        for table in ("steps", "attempts"):
            change(out, f"DELETE FROM {table} WHERE run_id = ? AND step_id = ?", run_id, step_id)
        change(out, "DELETE FROM manifests WHERE step_id = ?", step_id)
    (out / "runs" / run_id / "results.json").unlink()
