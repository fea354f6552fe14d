"""Which earlier outputs may be used: those of a manifest that is committed, intact, and true of the disk.

A manifest is committed after its outputs and believed only if all matches. Whatever is wrong with it or
with the outputs that it lists is a miss with a reason, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.fingerprint import Fingerprint, changes
from gridloom.dag.manifest import (
    INSERT_CODE,
    Manifest,
    ManifestRow,
    Miss,
    decoded_manifest,
    encoded_manifest,
    insert_manifests,
)
from gridloom.dag.redact import Redactor
from gridloom.dag.stamps import stamp
from gridloom.dag.values import restore
from gridloom.errors import GridLoomError, StorageError
from gridloom.finding import Finding

__all__ = ["CachedOutputs", "HeavyOutputsError", "ManifestStore"]

_STORE_DAMAGED = "the record store is damaged, so nothing in it is trusted"
_AHEAD_BYTES: Final = 4096
"""Larger records are not read ahead."""
_OF_KEY: Final = "SELECT checksum, record FROM manifests WHERE step_id = ? AND key = ?"
_LAST: Final = "SELECT key, checksum, record FROM manifests WHERE step_id = ? ORDER BY number DESC LIMIT 1"
_LAST_OF_ALL: Final = (
    "SELECT step_id, key, checksum, CASE WHEN length(record) <= ? THEN record END"
    " FROM manifests WHERE number IN (SELECT max(number) FROM manifests GROUP BY step_id)"
)

_LAST_ATTEMPTS: Final = (
    "SELECT step_id, coalesce(steps.outcome, attempts.outcome), max(started_at)"
    " FROM attempts LEFT JOIN steps USING (run_id, step_id) GROUP BY step_id"
)
_NEVER: Final = "never ran before"
_ENDED: Final = {
    None: "its last run was cut off",
    "failed": "its last run failed",
    "cancelled": "its last run was stopped",
}


class HeavyOutputsError(Exception):
    """There are outputs that take time to be verified. Never leaves the dag."""


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


class ManifestStore:
    """The manifests of one output folder.

    Attributes:
        version: Of the record store, when it was last looked at.
    """

    def __init__(self, database: Database, out: Path, redactor: Redactor) -> None:
        self._database = database
        self._out = out
        self._redactor = redactor
        self._codes: set[str] = set()
        self._ahead: dict[Any, tuple[Any, ...]] | None = None
        self._tried: dict[str, str | None] | None = None
        self.version = (0, 0)

    def read_ahead(self) -> None:
        """Reads the last manifest of every step at once; it is used as long as nobody else writes."""
        with suppress(DatabaseDamagedError, StorageError):
            self.version = self._database.version()
            self._ahead = {row[0]: row[1:] for row in self._database.rows(_LAST_OF_ALL, (_AHEAD_BYTES,))}
            self.refresh()

    def refresh(self) -> None:
        """Forgets what was read ahead if another run has written since."""
        version = (0, 0)
        with suppress(DatabaseDamagedError, StorageError):
            version = self._database.version()
        if version != self.version:
            self.version, self._ahead = version, None

    def lookup(
        self,
        step_id: str,
        fingerprint: Fingerprint,
        kinds: Mapping[str, Any],
        *,
        parts: Mapping[str, str] | None = None,
        inputs: Mapping[str, Any] | None = None,
        most_bytes: float = math.inf,
    ) -> CachedOutputs | Miss:
        """Returns the verified outputs of a fingerprint, or why there are none.

        Args:
            step_id: The step.
            fingerprint: What decides its outputs.
            kinds: The types of its outputs by field name.
            parts: The parts of its code, to say which changed.
            inputs: Its inputs, to say which changed.
            most_bytes: Up to which size outputs are verified.

        Raises:
            HeavyOutputsError: If they are larger; nothing was verified.
        """
        try:
            manifest = self._find(step_id, fingerprint.key)
            if isinstance(manifest, Manifest) and _size(manifest) > most_bytes:
                raise HeavyOutputsError
            found = self._verified(manifest, kinds) if isinstance(manifest, Manifest) else manifest
            if isinstance(found, CachedOutputs):
                return found
            # where a run with other settings has replaced the outputs since, that is the better reason
            changed = self._last_change(step_id, fingerprint, parts or {}, inputs)
            return (
                Miss(changed)
                if changed and not (found and found.damage)
                else found or Miss(self._without_record(step_id))
            )
        except DatabaseDamagedError:
            return Miss(_STORE_DAMAGED)
        except StorageError as error:
            return Miss(f"the record store cannot be read: {error}")

    def encoded(self, manifest: Manifest, parts: Mapping[str, str]) -> ManifestRow | None:
        """Returns a manifest as it is written; None if its outputs hold a secret and must not be stored.

        Args:
            manifest: What was made.
            parts: The parts of the code that its fingerprint is of.
        """
        redactor = self._redactor
        if not redactor.empty and redactor.holds(
            msgspec.json.encode((manifest.outputs, manifest.findings)).decode()
        ):
            return None
        code = manifest.fingerprint.identity.code
        known = code in self._codes
        return encoded_manifest(
            manifest, redactor, None if known else (code, msgspec.json.encode(dict(parts)))
        )

    def commit(self, made: ManifestRow) -> None:
        """Writes one manifest, at once.

        Raises:
            StorageError: If the disk refuses.
        """
        self._database.write(lambda connection: insert_manifests(connection, [made]))
        self.committed([made])

    def committed(self, made: Iterable[ManifestRow]) -> None:
        """Remembers which code the store knows, after manifests were written."""
        self._codes.update(item.code[0] for item in made if item.code)

    def keep_code(self, code: str, parts: Mapping[str, str]) -> None:
        """Remembers the parts of code behind a digest, for whoever wants to know later what changed.

        Raises:
            StorageError: If the disk refuses.
        """
        if code not in self._codes:
            self._database.insert(INSERT_CODE, (code, msgspec.json.encode(dict(parts))))
            self._codes.add(code)

    def _without_record(self, step_id: str) -> str:
        """Returns why there is no record of a step; how steps ended is read once, at the first such one."""
        if self._tried is None:
            self._tried = {name: outcome for name, outcome, _ in self._database.rows(_LAST_ATTEMPTS)}
        if step_id not in self._tried:
            return _NEVER
        return _ENDED.get(self._tried[step_id], "no record of its last run is left")

    def _find(self, step_id: str, key: str) -> Manifest | Miss | None:
        last = self._last(step_id)
        rows = [last[1:]] if last and last[0] == key else []
        if last and not rows:
            rows = self._database.rows(_OF_KEY, (step_id, key))
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
        row = self._last(step_id)
        last = decoded_manifest(*row) if row else None
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

    def _last(self, step_id: str) -> tuple[Any, ...] | None:
        """Returns key, checksum and record of a step's last manifest."""
        ahead = self._ahead
        if ahead is not None and (step_id not in ahead or ahead[step_id][2] is not None):
            return ahead.get(step_id)
        return next(iter(self._database.rows(_LAST, (step_id,))), None)

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


def _size(manifest: Manifest) -> float:
    """Returns the bytes of a manifest's files, as far as it tells."""
    files: list[Any] = [*manifest.files]
    sizes = [file.get("size_bytes") for file in files if isinstance(file, Mapping)]
    return sum(size for size in sizes if isinstance(size, int))
