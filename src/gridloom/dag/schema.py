"""The tables of the record store (`gridloom.dag.database`), as data."""

from __future__ import annotations

from typing import Final

__all__ = ["DDL", "SCHEMA_VERSION"]

SCHEMA_VERSION: Final = 1
"""Rises with every change of the tables; a store of another version is set aside."""

DDL: Final = (
    # One row a run. `owner` is the process; a run without an outcome whose owner is dead was interrupted.
    # `recipe` says how to build the pipeline again, `identity` what its steps were (code and settings).
    """CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, pipeline_id TEXT NOT NULL, pipeline_name TEXT NOT NULL,
        owner BLOB NOT NULL, step_ids BLOB NOT NULL, recipe BLOB, identity BLOB, resumes TEXT,
        started_at TEXT NOT NULL, finished_at TEXT, outcome TEXT, duration_s REAL, totals BLOB, error BLOB
    )""",
    # Steps as they ended.
    """CREATE TABLE steps (
        run_id TEXT NOT NULL, step_id TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        attempts INTEGER NOT NULL, finished_at TEXT NOT NULL, duration_s REAL NOT NULL,
        metrics BLOB NOT NULL, PRIMARY KEY (run_id, step_id)
    ) WITHOUT ROWID""",
    # Attempts as they began, and as they failed; the last one ends with its step. One of a step that has
    # not ended is a claim on the work that `key` names, for as long as its run's process lives.
    """CREATE TABLE attempts (
        run_id TEXT NOT NULL, step_id TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL,
        started_at TEXT NOT NULL, ended_at TEXT, outcome TEXT, error_type TEXT, message TEXT,
        PRIMARY KEY (run_id, step_id, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX attempts_by_work ON attempts (step_id, key) WHERE ended_at IS NULL",
    # What a step made from what: the record that the cache believes, under its checksum.
    """CREATE TABLE manifests (
        number INTEGER PRIMARY KEY, step_id TEXT NOT NULL, key TEXT NOT NULL, run_id TEXT NOT NULL,
        made_at TEXT NOT NULL, checksum TEXT NOT NULL, record BLOB NOT NULL, UNIQUE (step_id, key)
    )""",
    # Which files those are, for lineage. Paths are relative to the output folder where they lie in it.
    """CREATE TABLE artifacts (
        path TEXT NOT NULL, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL, step_id TEXT NOT NULL,
        key TEXT NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (path, step_id, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX artifacts_by_digest ON artifacts (digest)",
    # The parts of the code behind a fingerprint's digest, kept once.
    "CREATE TABLE code (digest TEXT PRIMARY KEY, parts BLOB NOT NULL) WITHOUT ROWID",
    # Partial results inside a step that has not been committed yet.
    """CREATE TABLE checkpoints (
        step_id TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
        record BLOB NOT NULL, PRIMARY KEY (step_id, key, name)
    ) WITHOUT ROWID""",
)
