"""Where a file comes from: the step, inputs, settings and code behind it, and behind each of its inputs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.database import DATABASE_NAME, Database, DatabaseDamagedError
from gridloom.dag.deep import deeply
from gridloom.dag.manifest import Manifest, decoded_manifest
from gridloom.errors import RawDataError, UsageError

__all__ = ["deeply", "find_out", "trace"]

_OF_PATH = (
    "SELECT a.digest, a.size_bytes, m.key, m.checksum, m.record FROM artifacts a JOIN manifests m"
    " USING (step_id, key) WHERE a.path = ? ORDER BY m.number DESC"
)
_OF_DIGEST = (
    "SELECT a.path, m.key, m.checksum, m.record FROM artifacts a JOIN manifests m USING (step_id, key)"
    " WHERE a.digest = ? ORDER BY m.made_at < ? DESC, m.number DESC"
)
"""What was made before comes first: a step may give the same bytes as the step that it takes them from."""


def find_out(file: Path) -> Path:
    """Returns the output folder that a file lies in.

    Raises:
        UsageError: If it lies in none.
    """
    place = file.absolute()
    for folder in (*place.parents, *place.resolve().parents):
        if (folder / ".gridloom" / DATABASE_NAME).exists():
            return folder
    raise UsageError(
        f"{file} lies in no output folder of GridLoom: no folder above it has .gridloom/{DATABASE_NAME}. "
        "Name the folder with --out."
    )


def trace(out: Path, file: Path) -> dict[str, Any]:
    """Returns what is known of a file: its state, what made it, and the same of each of its inputs.

    Args:
        out: The output folder.
        file: A file or folder that a step made, or a file in such a folder.

    Returns:
        JSON-able: ``path``, ``state`` (``unchanged``, ``changed`` or ``gone``), ``made_by`` with the step,
        run, settings, code and ``inputs``; each input again has ``path`` and ``made_by`` where they are
        known. What stands twice is told once: the second ``made_by`` has ``told_above`` and no more than
        step and run.

    Raises:
        UsageError: If no step made it.
        RawDataError: If the record store is damaged.
    """
    try:
        with closing(Database(out, writes=False)) as database:
            return _Tracer(database, out).file(file)
    except DatabaseDamagedError as error:
        raise RawDataError(f"The record store of {out} is damaged ({error}), so nobody knows.") from error


class _Tracer:
    """Walks from a file to what it was made from, each record once."""

    def __init__(self, database: Database, out: Path) -> None:
        self._database, self._out = database, Path(os.path.normpath(out.absolute()))
        self._told: set[tuple[str, str]] = set()

    def file(self, file: Path) -> dict[str, Any]:
        """Returns the lineage of a file."""
        place = self._within(file)
        for path in (place, *place.parents):
            if path == self._out:
                break
            rows = self._database.rows(_OF_PATH, (self._recorded(path),))
            records = [(row, decoded_manifest(*row[2:])) for row in rows]
            whole = [(row, manifest) for row, manifest in records if isinstance(manifest, Manifest)]
            if whole:
                return self._described(path, whole)
        raise UsageError(
            f"No step made {place}, as far as the record store of {self._out} knows. "
            f"`gridloom cache list --out {shlex.quote(str(self._out))}` shows what steps made."
        )

    def _within(self, file: Path) -> Path:
        """Returns a file's path as spelled from the output folder, if it lies there at all."""
        place = Path(os.path.normpath(file.absolute()))
        if place.is_relative_to(self._out):
            return place
        real, home = file.resolve(), self._out.resolve()
        return self._out / real.relative_to(home) if real.is_relative_to(home) else place

    def _recorded(self, path: Path) -> str:
        return (path.relative_to(self._out) if path.is_relative_to(self._out) else path).as_posix()

    def _described(self, path: Path, records: list[tuple[tuple[Any, ...], Manifest]]) -> dict[str, Any]:
        for (digest, size_bytes, *_), manifest in records:
            if Artifact(path=path, digest=digest, size_bytes=size_bytes).mismatch() is None:
                return self._node(path, digest, "unchanged", manifest)
        (digest, *_), manifest = records[0]
        return self._node(path, digest, "changed" if path.exists() else "gone", manifest)

    def _node(self, path: Path, digest: str, state: str, manifest: Manifest) -> dict[str, Any]:
        return {
            "path": self._recorded(path),
            "digest": digest,
            "state": state,
            "made_by": self._maker(manifest),
        }

    def _maker(self, manifest: Manifest) -> dict[str, Any]:
        """Returns what made something, down to where nothing is known; not by recursion, which has an end."""
        first: dict[str, Any] = {}
        waiting = [(manifest, first)]
        while waiting:
            taker, made = waiting.pop()
            made.update(step_id=taker.step_id, run_id=taker.run_id)
            key = (taker.step_id, taker.fingerprint.key)
            if key in self._told:
                made["told_above"] = True
                continue
            self._told.add(key)
            identity = taker.fingerprint.identity
            inputs = [
                self._input(name, digest, taker)
                for name, given in taker.fingerprint.inputs.items()
                for digest in (given if isinstance(given, list) else [given])
                if digest is not None
            ]
            made.update(
                type=identity.step_type,
                version=identity.version,
                made_at=taker.made_at.isoformat(),
                settings=identity.config,
                code={"digest": identity.code, "parts": self._parts(identity.code)},
                inputs=[told for told, _ in inputs],
            )
            waiting += [(maker, told["made_by"]) for told, maker in reversed(inputs) if maker]
        return first

    def _input(self, name: str, digest: str, taker: Manifest) -> tuple[dict[str, Any], Manifest | None]:
        """Returns an input, with room for what made it, and what did."""
        for path, *record in self._database.rows(_OF_DIGEST, (digest, taker.made_at.isoformat())):
            manifest = decoded_manifest(*record)
            if isinstance(manifest, Manifest) and manifest != taker:
                return {"parameter": name, "path": path, "digest": digest, "made_by": {}}, manifest
        # a small value, kept in its step's record, or a file from outside
        return {"parameter": name, "digest": digest}, None

    def _parts(self, code: str) -> Mapping[str, str]:
        rows = self._database.rows("SELECT parts FROM code WHERE digest = ?", (code,))
        try:
            return msgspec.json.decode(rows[0][0], type=dict[str, str]) if rows else {}
        except (msgspec.MsgspecError, TypeError):
            return {}
