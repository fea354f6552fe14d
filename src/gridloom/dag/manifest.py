"""What one execution of a step made from what, as one row of the record store.

The row stands under a checksum that covers its key too. Whatever is wrong with it is a miss with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gridloom.dag.fingerprint import Fingerprint
from gridloom.dag.redact import Redactor
from gridloom.dag.values import OutputRecord, record_of
from gridloom.files import digest_bytes
from gridloom.finding import Finding

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = [
    "INSERT_CODE",
    "Manifest",
    "ManifestRow",
    "Miss",
    "decoded_manifest",
    "encoded_manifest",
    "insert_manifests",
    "outputs_recorded",
]

_FORMAT = 2
_RECORD_DAMAGED = "the record of the last run is damaged"
_OTHER_VERSION = "the record of the last run is of another version of GridLoom"

_INSERT = (
    "INSERT OR REPLACE INTO manifests (step_id, key, run_id, made_at, checksum, record)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
INSERT_CODE = "INSERT OR IGNORE INTO code VALUES (?, ?)"
_INSERT_FILE = "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?)"


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
        made_at: When it was recorded, UTC.
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


@dataclass(frozen=True)
class Miss:
    """Why no earlier outputs can be used.

    Attributes:
        reason: In words.
        damage: Whether the record itself is at fault.
    """

    reason: str
    damage: bool = False


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A manifest ready to be written.

    Attributes:
        row: Its own row.
        files: The rows of its files.
        code: The row of its code; None where that is known to the store.
    """

    row: tuple[Any, ...]
    files: tuple[tuple[Any, ...], ...]
    code: tuple[str, bytes] | None


def insert_manifests(connection: Connection, made: Iterable[ManifestRow]) -> None:
    """Writes manifests, within the caller's transaction."""
    for item in made:
        connection.execute(_INSERT, item.row)
        if item.files:
            connection.executemany(_INSERT_FILE, item.files)
        if item.code:
            connection.execute(INSERT_CODE, item.code)


def encoded_manifest(manifest: Manifest, redactor: Redactor, code: tuple[str, bytes] | None) -> ManifestRow:
    """Returns a manifest as it is written.

    Args:
        manifest: What was made.
        redactor: Hides secrets.
        code: The digest and the parts of its code; None where the store has them.
    """
    record = msgspec.json.encode(
        manifest if redactor.empty else redactor.record(msgspec.to_builtins(manifest))
    )
    step_id, key, run_id = manifest.step_id, manifest.fingerprint.key, manifest.run_id
    return ManifestRow(
        row=(step_id, key, run_id, manifest.made_at.isoformat(), _checksum(key, record), record),
        files=tuple(
            (file["path"], file["digest"], file["size_bytes"], step_id, key, run_id)
            for file in manifest.files
        ),
        code=code,
    )


def decoded_manifest(key: Any, checksum: Any, record: Any) -> Manifest | Miss:
    """Returns the manifest of a row, of which no column is trusted to be what it was."""
    if not isinstance(key, str) or not isinstance(record, bytes) or checksum != _checksum(key, record):
        return Miss(_RECORD_DAMAGED, damage=True)
    try:
        manifest = _decoder.decode(record)
    except (ValueError, msgspec.MsgspecError):
        return Miss(_OTHER_VERSION, damage=True)
    if manifest.format != _FORMAT:
        return Miss(_OTHER_VERSION, damage=True)
    return manifest


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


_decoder = msgspec.json.Decoder(Manifest)


def _checksum(key: str, record: bytes) -> str:
    return digest_bytes(key.encode() + b"\0" + record)
