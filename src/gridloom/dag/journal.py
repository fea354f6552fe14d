"""The journal: what a run and its steps do, written down as it happens. It is no sink: it must not fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.manifest import ManifestRow, insert_manifests
from gridloom.dag.outcome import RunResult, StepOutput, ended_as
from gridloom.dag.owner import Owner, this_process
from gridloom.dag.redact import Redactor

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["Claim", "Journal"]

_RUN = (
    "INSERT OR REPLACE INTO runs (run_id, pipeline_id, pipeline_name, owner, step_ids, recipe, identity,"
    " resumes, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_RUN_END = (
    "UPDATE runs SET finished_at = ?, outcome = ?, duration_s = ?, totals = ?, error = ? WHERE run_id = ?"
)
_STEP = "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ATTEMPT = "INSERT OR REPLACE INTO attempts (run_id, step_id, number, key, started_at) VALUES (?, ?, ?, ?, ?)"
_CLAIMS = (
    "SELECT runs.run_id, runs.owner FROM attempts JOIN runs USING (run_id)"
    " WHERE attempts.step_id = ? AND attempts.key = ? AND attempts.ended_at IS NULL"
    " AND attempts.run_id != ? AND runs.outcome IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM steps WHERE steps.run_id = attempts.run_id AND steps.step_id = attempts.step_id)"
)
_ATTEMPT_UNCLAIMED = (
    "INSERT OR REPLACE INTO attempts (run_id, step_id, number, key, started_at)"
    f" SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS ({_CLAIMS})"
)
_IF_NONE_WROTE = " AND (SELECT data_version FROM pragma_data_version) = ?"
_ATTEMPT_FAILED = (
    "UPDATE attempts SET ended_at = ?, outcome = ?, error_type = ?, message = ?"
    " WHERE run_id = ? AND step_id = ? AND number = ?"
)


_encode = msgspec.json.Encoder().encode

_OPEN: set[str] = set()
"""Runs of this process that are under way: that the process lives says nothing about those before."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A step that is about to begin an attempt.

    Attributes:
        step_id: The step.
        number: 1 for the first attempt.
        key: Key of the work's fingerprint; empty where it is nobody else's business.
    """

    step_id: str
    number: int
    key: str


class Journal:
    """The lines of one run in the record store; every method may be called from any thread.

    Args:
        database: The record store.
        redactor: Hides secrets.
        run_id: The run.
        pipeline_id: The pipeline's stable name.
        pipeline_name: What a person reads.
        step_ids: All steps, in topological order.
        recipe: How to build the pipeline again, if somebody knows.
        identity: What each step is, for whoever resumes the run.
        started_at: When it began, UTC.

    Raises:
        StorageError: From every method, if the disk refuses.
    """

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        *,
        run_id: str,
        pipeline_id: str,
        pipeline_name: str,
        step_ids: Sequence[str],
        recipe: Mapping[str, Any] | None,
        identity: Mapping[str, Any] | None,
        resumes: str | None,
        started_at: datetime,
    ) -> None:
        self._database, self._redactor = database, redactor
        self._run_id = run_id
        self._run = (
            run_id,
            pipeline_id,
            redactor.text(pipeline_name),
            msgspec.json.encode(this_process()),
            msgspec.json.encode(step_ids),
            self._json(recipe),
            self._json(identity),
            resumes,
            started_at.isoformat(),
        )
        database.insert(_RUN, self._run)
        _OPEN.add(run_id)

    def close(self) -> None:
        """Says that the run is at no work any more, also where its end could not be written."""
        _OPEN.discard(self._run_id)

    def claim(self, claim: Claim) -> bool:
        """Notes that a step begins an attempt, unless a living run elsewhere is at the same work.

        Returns:
            Whether the attempt may begin.
        """

        def work(connection: Connection) -> bool:
            if self._claimed(connection, claim, _now()):
                return True
            if _at_work(connection.execute(_CLAIMS, self._others(claim.step_id, claim.key)).fetchall()):
                return False
            connection.execute(_ATTEMPT, self._attempt(claim, _now()))
            return True

        return self._database.write(work)

    def begin(self, claim: Claim, version: tuple[int, int]) -> bool:
        """Notes that a step begins its first attempt which was decided on some time ago.

        Args:
            claim: The step.
            version: Of the store, as it was known then.

        Returns:
            Whether the attempt may begin; it may not if others have written since.
        """
        row = self._attempt(claim, _now())
        if not claim.key:
            return bool(self._database.insert(_ATTEMPT, row))
        openings, written = version
        values = (*row, *self._others(claim.step_id, claim.key), written)
        granted = self._database.insert(_ATTEMPT_UNCLAIMED + _IF_NONE_WROTE, values)
        # what was written into a store that was begun anew claims the work, but nothing was decided by it
        return bool(granted) and self._database.openings == openings

    def _claimed(self, connection: Connection, claim: Claim, now: str) -> bool:
        """Notes an attempt where nobody claims its work, which is nearly always; returns whether it did."""
        row = self._attempt(claim, now)
        if not claim.key:
            connection.execute(_ATTEMPT, row)
            return True
        others = self._others(claim.step_id, claim.key)
        return bool(connection.execute(_ATTEMPT_UNCLAIMED, (*row, *others)).rowcount)

    def _attempt(self, claim: Claim, now: str) -> tuple[Any, ...]:
        return self._run_id, claim.step_id, claim.number, claim.key, now

    def _others(self, step_id: str, key: str) -> tuple[str, str, str]:
        return step_id, key, self._run_id

    def other_at_work(self, step_id: str, key: str) -> str:
        """Returns the living run elsewhere that is at the same work; empty if there is none."""
        try:
            return _at_work(self._database.rows(_CLAIMS, self._others(step_id, key)))
        except DatabaseDamagedError:
            return ""

    def attempt_failed(self, step_id: str, number: int, outcome: str, error: BaseException) -> None:
        """Notes that an attempt raised."""
        text = self._redactor.text(str(error))
        values = (_now(), outcome, type(error).__name__, text, self._run_id, step_id, number)
        self._database.insert(_ATTEMPT_FAILED, values)

    def turn(
        self,
        made: Sequence[ManifestRow],
        ended: Sequence[StepOutput],
        begin: Sequence[Claim],
        version: tuple[int, int],
    ) -> frozenset[Claim]:
        """Notes, in one transaction, what was made, how steps ended, and which begin.

        Args:
            made: Manifests of what was executed.
            ended: How steps ended, with what they counted and cost.
            begin: The attempts that are to begin.
            version: Of the store, as it was known when that was decided.

        Returns:
            The attempts that may begin; none may if others have written since that decision.
        """
        now = _now()
        ends = [
            (
                self._run_id,
                output.step_id,
                output.outcome.value,
                output.reason,
                output.attempts,
                now,
                output.duration_s,
                _encode(output.metrics),
            )
            for output in ended
        ]

        def work(connection: Connection) -> frozenset[Claim]:
            insert_manifests(connection, made)
            connection.executemany(_STEP, ends)
            if begin and self._database.version(connection) != version:
                return frozenset()
            return frozenset(claim for claim in begin if self._claimed(connection, claim, now))

        return self._database.write(work) if ends or begin else frozenset()

    def run_finished(self, result: RunResult) -> None:
        """Notes how the run ended."""
        error = result.error
        said = {"type": type(error).__name__, "message": result.error_text} if error else None
        outcome = ended_as(result.outcome, said["type"] if said else "")
        end = (_now(), outcome, result.duration_s, self._json(result.totals), self._json(said))

        def work(connection: Connection) -> None:
            if not connection.execute(_RUN_END, (*end, self._run_id)).rowcount:
                # the store was set aside during the run and begun anew
                connection.execute(_RUN, self._run)
                connection.execute(_RUN_END, (*end, self._run_id))

        self._database.write(work)

    def _json(self, value: Mapping[str, Any] | None) -> bytes | None:
        return None if value is None else msgspec.json.encode(self._redactor.record(dict(value)))


def _at_work(claims: Sequence[tuple[Any, ...]]) -> str:
    """Returns the first of the runs, each with its owner, that may still be at its work; empty if none is."""
    return next((str(run_id) for run_id, owner in claims if _lives(run_id, owner)), "")


def _lives(run_id: Any, encoded: Any) -> bool:
    try:
        owner = msgspec.json.decode(encoded, type=Owner)
    except (msgspec.MsgspecError, TypeError, ValueError):
        return False  # a damaged row claims nothing
    if owner == this_process():
        return run_id in _OPEN
    # whether a process on another machine lives, nobody can tell: its work may be done twice
    return owner.alive and not owner.elsewhere


def _now() -> str:
    return datetime.now(UTC).isoformat()
