"""Runs of the past, read from their records under ``runs/``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.errors import RawDataError, UsageError, did_you_mean
from gridloom.files import storage_errors

__all__ = ["list_runs", "load_run"]

_RESULTS: Final = "results.json"
_NEEDED: Final = {"run_id", "pipeline", "outcome", "started_at", "duration_s", "totals", "steps"}


def list_runs(out: Path) -> list[dict[str, Any]]:
    """Returns the records of all finished runs in an output folder, newest first.

    A run without a record (killed before it could write one) is listed with the outcome
    ``interrupted`` and nothing but its id.

    Args:
        out: The output folder.
    """
    folders = sorted((out / "runs").glob("*"), reverse=True) if (out / "runs").is_dir() else []
    return [_record(folder) for folder in folders if folder.is_dir()]


def load_run(out: Path, run_id: str) -> dict[str, Any]:
    """Returns the record of one run.

    Args:
        out: The output folder.
        run_id: Its id, or the beginning of it where that is unique; ``latest`` is the newest.

    Raises:
        UsageError: If there is no such run, or several begin so.
        RawDataError: If its record is damaged.
    """
    known = [record["run_id"] for record in list_runs(out)]
    matches = known[:1] if run_id == "latest" else [name for name in known if name.startswith(run_id)]
    if run_id in known:
        matches = [run_id]
    if not matches:
        hint = did_you_mean(run_id, known) or f" `gridloom runs list --out {out}` shows what is there."
        raise UsageError(f"There is no run '{run_id}' in {out}.{hint}")
    if len(matches) > 1:
        raise UsageError(f"Several runs begin with '{run_id}': {', '.join(matches)}. Give more of the id.")
    record = _record(out / "runs" / matches[0])
    if "steps" not in record:
        raise RawDataError(
            f"The run {matches[0]} left no whole record ({_RESULTS}): it was killed. "
            "Its events are in events.jsonl; run the same command again to carry on."
        )
    return record


def _record(folder: Path) -> dict[str, Any]:
    path = folder / _RESULTS
    if path.is_file():
        try:
            with storage_errors("read", path):
                record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            record = {}
        if record.keys() >= _NEEDED:
            return record
    return {"run_id": folder.name, "outcome": "interrupted"}
