"""What the pages know: runs and records of an output folder, and the events of a run as they are written."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, BinaryIO, Final

from gridloom.dag.history import list_runs
from gridloom.errors import UsageError
from gridloom.files import storage_errors
from gridloom.monitor.state import RunState
from gridloom.report.source import read_event
from gridloom.report.words import without_places

__all__ = ["RUNNING", "Tail", "known_run", "known_runs"]

RUNNING: Final = "running"
"""Outcome of a run that is at work."""

_BEGINS_WITHIN_S: Final = 10.0
"""A run reads its steps' code after it has made its folder, and before the journal knows of it."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def known_runs(out: Path) -> list[dict[str, Any]]:
    """Returns what is known of all runs of an output folder, newest first, without places of the machine."""
    records = [record for record in list_runs(out) if _ID.fullmatch(str(record["run_id"]))]
    return [without_places(_unless_it_begins(record, out), out) for record in records]


def _unless_it_begins(record: dict[str, Any], out: Path) -> dict[str, Any]:
    """Returns a record, corrected if its run has a folder and is about to be written into the journal."""
    if "started_at" in record or record["outcome"] == RUNNING:
        return record
    try:
        age_s = time.time() - (out / "runs" / record["run_id"]).stat().st_mtime
    except OSError:
        return record
    return {**record, "outcome": RUNNING} if age_s < _BEGINS_WITHIN_S else record


def known_run(out: Path, run_id: str) -> dict[str, Any]:
    """Returns what is known of the run of exactly this id; the only way from an address to a folder.

    Raises:
        UsageError: If there is none.
    """
    for record in known_runs(out):
        if record["run_id"] == run_id:
            return record
    raise UsageError("There is no run of that id in this output folder. The list of runs has all of them.")


class Tail:
    """The events of a run, read as they are written, also by another process.

    Args:
        out: The output folder.
        run_id: Id of a run that is known.

    Attributes:
        state: What they come to so far.
    """

    def __init__(self, out: Path, run_id: str) -> None:
        self._out, self._run_id = out, run_id
        self._path = out / "runs" / run_id / "events.jsonl"
        self._offset = 0
        self.state = RunState()

    def read(self) -> bool:
        """Reads what was written since; returns whether that was anything.

        Raises:
            StorageError: If the disk refuses.
        """
        before = self._offset
        if self._path.is_file():
            with storage_errors("read", self._path), self._path.open("rb") as log:
                log.seek(self._offset)
                self._hear(log)
        return self._offset > before

    def outcome(self) -> str:
        """Returns how the run ended, or ``running``; the journal is asked where its events have no end."""
        return self.state.outcome or str(known_run(self._out, self._run_id)["outcome"])

    def _hear(self, log: BinaryIO) -> None:
        for line in log:
            if not line.endswith(b"\n"):
                return  # it is being written
            self._offset += len(line)
            event = read_event(line, self._out)
            if event is not None:
                self.state.hear(event)
