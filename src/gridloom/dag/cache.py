"""Manifests: what a step made from what, committed after its outputs and believed only if all matches.

A manifest is one row of the record store under its checksum, which covers its key too. Whatever is wrong
with it or with the outputs that it lists is a miss with a reason, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.fingerprint import Fingerprint, changes
from gridloom.dag.redact import Redactor
from gridloom.dag.stamps import stamp
from gridloom.dag.values import OutputRecord, record_of, restore
from gridloom.errors import GridLoomError, StorageError
from gridloom.files import digest_bytes
from gridloom.finding import Finding

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["CachedOutputs", "Manifest", "ManifestStore", "Miss", "decoded_manifest", "outputs_recorded"]

_FORMAT = 2
_RECORD_DAMAGED = "the record of the last run is damaged"
_STORE_DAMAGED = "the record store is damaged, so nothing in it is trusted"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution of a step made.

    Attributes:
        format: Version of this record.
        step_id: The step.
        fingerprint: What decided the outputs.
        outputs: The outputs by field name.
        extras: Files that no artifact describes.
        findings: The checks that the step reported.
        rows: Rows that it made.
        run_id: The run that made them.
        made_at: When it was committed, UTC.
    """

    format: int = _FORMAT
    step_id: str
    fingerprint: Fingerprint
    outputs: dict[str, OutputRecord]
    extras: list[dict[str, Any]]
    findings: list[Finding]
    rows: int
    run_id: str
    made_at: datetime

    @property
    def files(self) -> list[dict[str, Any]]:
        """The records of all artifacts that it made."""
        made = [record.value for record in self.outputs.values() if record.kind == "artifact"]
        return [*made, *self.extras]


@dataclass(frozen=True, kw_only=True)
class CachedOutputs:
    """Verified outputs of an earlier run.

    Attributes:
        outputs: By field name.
        findings: The checks that the step reported then.
        rows: Rows that it made then.
        run_id: The run that made them.
        stamps: What their files looked like before they were verified, by place.
    """

    outputs: Mapping[str, Any]
    findings: tuple[Finding, ...]
    rows: int
    run_id: str
    stamps: tuple[tuple[Path, tuple[int, int, int] | None], ...] = ()


@dataclass(frozen=True)
class Miss:
    """Why no earlier outputs can be used.

    Attributes:
        reason: In words.
        damage: Whether the record itself is at fault.
    """

    reason: str
    damage: bool = False


class ManifestStore:
    """The manifests of one output folder."""

    def __init__(self, database: Database, out: Path, redactor: Redactor) -> None:
        self._database = database
        self._out = out
        self._redactor = redactor
        self._codes: set[str] = set()

    def lookup(
        self,
        step_id: str,
        fingerprint: Fingerprint,
        kinds: Mapping[str, Any],
        *,
        parts: Mapping[str, str] | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> CachedOutputs | Miss:
        """Returns the verified outputs of a fingerprint, or why there are none.

        Args:
            step_id: The step.
            fingerprint: What decides its outputs.
            kinds: The types of its outputs by field name.
            parts: The parts of its code, to say which changed.
            inputs: Its inputs, to say which changed.
        """
        try:
            manifest = self._find(step_id, fingerprint.key)
            found = self._verified(manifest, kinds) if isinstance(manifest, Manifest) else manifest
            if isinstance(found, CachedOutputs):
                return found
            # where a run with other settings has replaced the outputs since, that is the better reason
            changed = self._last_change(step_id, fingerprint, parts or {}, inputs)
            return (
                Miss(changed)
                if changed and not (found and found.damage)
                else found or Miss("never ran before")
            )
        except DatabaseDamagedError:
            return Miss(_STORE_DAMAGED)
        except StorageError as error:
            return Miss(f"the record store cannot be read: {error}")

    def store(self, manifest: Manifest, parts: Mapping[str, str]) -> bool:
        """Commits a manifest; returns False if outputs hold a secret and must not be stored.

        Args:
            manifest: What was made.
            parts: The parts of the code that its fingerprint is of.

        Raises:
            StorageError: If the disk refuses.
        """
        if self._redactor.holds(msgspec.json.encode((manifest.outputs, manifest.findings)).decode()):
            return False
        record = self._encoded(manifest)
        key, code = manifest.fingerprint.key, manifest.fingerprint.identity.code
        row = (
            manifest.step_id,
            key,
            manifest.run_id,
            manifest.made_at.isoformat(),
            _checksum(key, record),
            record,
        )
        files = [
            (file["path"], file["digest"], file["size_bytes"], manifest.step_id, key, manifest.run_id)
            for file in manifest.files
        ]

        def work(connection: Connection) -> None:
            connection.execute(_INSERT, row)
            if files:
                connection.executemany(_INSERT_FILE, files)
            if code not in self._codes:
                connection.execute(_INSERT_CODE, (code, msgspec.json.encode(dict(parts))))

        if files or code not in self._codes:
            self._database.write(work)
        else:
            self._database.insert(_INSERT, row)
        self._codes.add(code)
        return True

    def keep_code(self, code: str, parts: Mapping[str, str]) -> None:
        """Remembers the parts of code behind a digest, for whoever wants to know later what changed.

        Raises:
            StorageError: If the disk refuses.
        """
        if code not in self._codes:
            self._database.insert(_INSERT_CODE, (code, msgspec.json.encode(dict(parts))))
            self._codes.add(code)

    def _encoded(self, manifest: Manifest) -> bytes:
        if self._redactor.empty:
            return msgspec.json.encode(manifest)
        return msgspec.json.encode(self._redactor.record(msgspec.to_builtins(manifest)))

    def _find(self, step_id: str, key: str) -> Manifest | Miss | None:
        rows = self._database.rows(
            "SELECT checksum, record FROM manifests WHERE step_id = ? AND key = ?", (step_id, key)
        )
        if not rows:
            return None
        manifest = decoded_manifest(key, *rows[0])
        if isinstance(manifest, Manifest) and (manifest.step_id, manifest.fingerprint.key) != (step_id, key):
            return Miss("the record of the last run belongs to other settings", damage=True)
        return manifest

    def _last_change(
        self, step_id: str, new: Fingerprint, parts: Mapping[str, str], inputs: Mapping[str, Any] | None
    ) -> str:
        """Returns what changed since the step's last manifest; empty if that one is the same or no use."""
        rows = self._database.rows(
            "SELECT key, checksum, record FROM manifests WHERE step_id = ? ORDER BY number DESC LIMIT 1",
            (step_id,),
        )
        last = decoded_manifest(*rows[0]) if rows else None
        if not isinstance(last, Manifest) or last.fingerprint.key == new.key:
            return ""
        old = last.fingerprint
        before = self.code_parts(old.identity.code) if old.identity.code != new.identity.code else {}
        return changes(old, new, code=(before, parts if before else {}), inputs=inputs)

    def code_parts(self, code: str) -> dict[str, str]:
        """Returns the parts of the code behind a digest; none where nobody remembers."""
        rows = self._database.rows("SELECT parts FROM code WHERE digest = ?", (code,))
        try:
            return msgspec.json.decode(rows[0][0], type=dict[str, str]) if rows else {}
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            return {}

    def _verified(self, manifest: Manifest, kinds: Mapping[str, Any]) -> CachedOutputs | Miss:
        if set(manifest.outputs) != set(kinds):
            return Miss("the step's outputs have other names now")
        outputs: dict[str, Any] = {}
        for name, kind in kinds.items():
            try:
                value = restore(manifest.outputs[name], kind, self._out)
            except (LookupError, TypeError, ValueError, msgspec.MsgspecError) as error:
                return Miss(f"the record of output `{name}` cannot be used: {error}")
            outputs[name] = value
        try:
            extras = [Artifact.from_json(record, self._out) for record in manifest.extras]
            files = [value for value in (*outputs.values(), *extras) if isinstance(value, Artifact)]
            stamps = tuple((file.path, stamp(file.path)) for file in files)
            reason = next((why for why in (file.mismatch() for file in files) if why), None)
        except (GridLoomError, OSError, msgspec.MsgspecError) as error:
            return Miss(f"an output cannot be checked: {error}")
        if reason:
            return Miss(reason)
        return CachedOutputs(
            outputs=outputs,
            findings=tuple(manifest.findings),
            rows=manifest.rows,
            run_id=manifest.run_id,
            stamps=stamps,
        )


def outputs_recorded(
    outputs: Mapping[str, Any], kinds: Mapping[str, Any], out: Path
) -> dict[str, OutputRecord]:
    """Returns the JSON forms of a step's outputs.

    Args:
        outputs: By field name.
        kinds: Their annotations.
        out: Folder that paths are relative to.
    """
    return {name: record_of(value, kinds[name], out) for name, value in outputs.items()}


_INSERT = (
    "INSERT OR REPLACE INTO manifests (step_id, key, run_id, made_at, checksum, record)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_CODE = "INSERT OR IGNORE INTO code VALUES (?, ?)"
_INSERT_FILE = "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?)"


def _checksum(key: str, record: bytes) -> str:
    return digest_bytes(key.encode() + b"\0" + record)


def decoded_manifest(key: Any, checksum: Any, record: Any) -> Manifest | Miss:
    """Returns the manifest of a row, of which no column is trusted to be what it was."""
    if not isinstance(key, str) or not isinstance(record, bytes) or checksum != _checksum(key, record):
        return Miss(_RECORD_DAMAGED, damage=True)
    try:
        manifest = msgspec.json.decode(record, type=Manifest)
    except (ValueError, msgspec.MsgspecError):
        return Miss("the record of the last run is of another version of GridLoom", damage=True)
    if manifest.format != _FORMAT:
        return Miss("the record of the last run is of another version of GridLoom", damage=True)
    return manifest
