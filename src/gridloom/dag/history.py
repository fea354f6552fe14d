"""Runs of the past, as the record store and the records under ``runs/`` tell them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.owner import Owner
from gridloom.errors import RawDataError, UsageError, did_you_mean
from gridloom.files import storage_errors

__all__ = [
    "find_run_id",
    "list_runs",
    "load_run",
    "run_recipe",
]

_RESULTS: Final = "results.json"
_NEEDED: Final = {"run_id", "pipeline", "outcome", "started_at", "duration_s", "totals", "steps"}
_RUNS: Final = (
    "SELECT run_id, pipeline_id, pipeline_name, owner, step_ids, resumes, started_at, finished_at, outcome,"
    " duration_s, totals, error FROM runs"
)


def list_runs(out: Path) -> list[dict[str, Any]]:
    """Returns what is known of all runs of an output folder, newest first.

    A run without an end is ``running`` while its process lives, else ``interrupted``. Runs that only left
    their folder behind, because the record store was damaged since, are listed from that.

    Args:
        out: The output folder.
    """
    known = {record["run_id"]: record for record in _from_store(out)}
    home = out / "runs"
    for folder in home.iterdir() if home.is_dir() else []:
        if folder.is_dir() and folder.name not in known:
            known[folder.name] = _from_folder(folder) or {"run_id": folder.name, "outcome": "interrupted"}
    return [known[run_id] for run_id in sorted(known, key=lambda run_id: _began(known[run_id]), reverse=True)]


def find_run_id(out: Path, run_id: str) -> str:
    """Returns the full id of a run.

    Args:
        out: The output folder.
        run_id: Its id, or the beginning of it where that is unique; ``latest`` is the newest.

    Raises:
        UsageError: If there is no such run, or several begin so.
    """
    known = [record["run_id"] for record in list_runs(out)]
    matches = known[:1] if run_id == "latest" else [name for name in known if name.startswith(run_id)]
    if run_id in known:
        matches = [run_id]
    if not known:
        raise UsageError(f"There are no runs in {out} yet. `gridloom year --sample` makes one.")
    if not matches:
        hint = (
            did_you_mean(run_id, known)
            or f" `gridloom runs list --out {shlex.quote(str(out))}` shows what is there."
        )
        raise UsageError(f"There is no run '{run_id}' in {out}.{hint}")
    if len(matches) > 1:
        raise UsageError(f"Several runs begin with '{run_id}': {', '.join(matches)}. Give more of the id.")
    return str(matches[0])


def load_run(out: Path, run_id: str) -> dict[str, Any]:
    """Returns the record of one run: what ``results.json`` holds, or as much of it as the journal knows.

    Args:
        out: The output folder.
        run_id: Its id, as `find_run_id` takes it.

    Raises:
        UsageError: If there is no such run, or several begin so.
        RawDataError: If nothing but its folder is left.
    """
    found = find_run_id(out, run_id)
    record = _from_folder(out / "runs" / found)
    if record is not None:
        return record
    stored = next((record for record in _from_store(out) if record["run_id"] == found), None)
    if stored is None:
        raise RawDataError(
            f"The run {found} left no whole record ({_RESULTS}), and the record store does not know it: it "
            "was killed. Its events are in events.jsonl; run the same command again to carry on."
        )
    try:
        return {**stored, **_settings(out, found), "steps": _steps(out, stored)}
    except (DatabaseDamagedError, msgspec.MsgspecError, TypeError, KeyError) as error:
        raise RawDataError(
            f"The record of run {found} is damaged ({error}). Run the same command again to carry on."
        ) from error


def run_recipe(out: Path, run_id: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Returns how the pipeline of a run is built again (None if nobody said), and what its steps were.

    Raises:
        RawDataError: If the record store does not know the run, or is damaged.
    """
    try:
        with closing(Database(out, writes=False)) as database:
            rows = database.rows("SELECT recipe, identity FROM runs WHERE run_id = ?", (run_id,))
        if rows:
            known = dict[str, Any]
            recipe, identity = (
                msgspec.json.decode(value, type=known) if value else None for value in rows[0]
            )
            return recipe, identity or {}
    except (DatabaseDamagedError, msgspec.MsgspecError, TypeError) as error:
        raise RawDataError(
            f"The record of run {run_id} is damaged ({error}). Type its command again: what is finished is "
            "kept."
        ) from error
    raise RawDataError(
        f"The record store in {out} does not know the run {run_id}. Type its command again: what is finished "
        "is kept."
    )


def _began(record: Mapping[str, Any]) -> tuple[str, str]:
    """Returns when a run began, as a text that sorts; of one that left nothing else, its id tells."""
    run_id = str(record["run_id"])
    of_id = f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:11]}:{run_id[11:13]}:{run_id[13:15]}"
    return str(record.get("started_at") or of_id), run_id


def _from_store(out: Path) -> list[dict[str, Any]]:
    try:
        with closing(Database(out, writes=False)) as database:
            rows = database.rows(_RUNS)
    except DatabaseDamagedError:
        return []
    records = []
    for row in rows:
        try:
            records.append(_run_record(msgspec.convert(row, _Row)))
        except (msgspec.MsgspecError, TypeError, ValueError):
            continue  # a damaged row; its folder may still tell
    return records


class _Row(msgspec.Struct, array_like=True):
    """A row of the table of runs, of which no column is trusted to be what it was."""

    run_id: str
    pipeline_id: str
    name: str
    owner: bytes
    step_ids: bytes
    resumes: str | None
    started_at: str
    finished_at: str | None
    outcome: str | None
    duration_s: float | None
    totals: bytes | None
    error: bytes | None


def _run_record(row: _Row) -> dict[str, Any]:
    outcome, host = row.outcome, ""
    if outcome is None:
        process = msgspec.json.decode(row.owner, type=Owner)
        outcome = "running" if process.alive else "interrupted"
        host = process.host if process.elsewhere else ""
    return {
        "run_id": row.run_id,
        "pipeline": {"id": row.pipeline_id, "name": row.name},
        "outcome": outcome,
        "elsewhere": host,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration_s": row.duration_s,
        "totals": msgspec.json.decode(row.totals, type=dict[str, Any]) if row.totals else {},
        "error": msgspec.json.decode(row.error, type=dict[str, str]) if row.error else None,
        "resumes": row.resumes,
        "step_ids": msgspec.json.decode(row.step_ids, type=list[str]),
    }


def _settings(out: Path, run_id: str) -> dict[str, Any]:
    """Returns the settings that count of a run that left no record, where somebody can resume it."""
    try:
        _, steps = run_recipe(out, run_id)
    except RawDataError:
        return {}
    return {"settings": {name: step.get("config") or {} for name, step in steps.items()}} if steps else {}


def _steps(out: Path, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the steps of a run that left no record of its own, in order, as far as they came."""
    with closing(Database(out, writes=False)) as database:
        ended = database.rows(
            "SELECT step_id, outcome, reason, attempts, duration_s, metrics FROM steps WHERE run_id = ?",
            (run["run_id"],),
        )
        begun = dict(
            database.rows(
                "SELECT step_id, max(number) FROM attempts WHERE run_id = ? GROUP BY step_id",
                (run["run_id"],),
            )
        )
    known = {
        step_id: {
            "step_id": step_id,
            "outcome": outcome,
            "reason": reason,
            "attempts": attempts,
            "duration_s": duration_s,
            "metrics": msgspec.json.decode(metrics),
            "outputs": [],
            "findings": [],
        }
        for step_id, outcome, reason, attempts, duration_s, metrics in ended
    }
    return [
        known.get(step_id) or _unfinished(step_id, begun.get(step_id, 0), run) for step_id in run["step_ids"]
    ]


def _unfinished(step_id: str, attempts: int, run: Mapping[str, Any]) -> dict[str, Any]:
    now = str(run["outcome"]) if attempts else "pending"
    reason = {"running": "at work", "interrupted": "was cut off", "pending": "had not begun"}.get(now, "")
    return {
        "step_id": step_id,
        "outcome": now,
        "reason": reason,
        "attempts": attempts,
        "duration_s": 0.0,
        "metrics": {"rows": 0, "requests": 0},
        "outputs": [],
        "findings": [],
    }


def _from_folder(folder: Path) -> dict[str, Any] | None:
    path = folder / _RESULTS
    if not path.is_file():
        return None
    try:
        with storage_errors("read", path):
            record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.keys() >= _NEEDED else None
