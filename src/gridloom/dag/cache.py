"""Manifests: what a step made from what, committed after its outputs and believed only if all matches.

A manifest stands at ``<out>/.gridloom/manifests/<step_id>/<key>.json`` and is one checksummed record.
Whatever is wrong with it or with the outputs that it lists is a miss with a reason, never an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.fingerprint import Fingerprint, changes
from gridloom.dag.redact import Redactor
from gridloom.dag.values import OutputRecord, record_of, restore
from gridloom.errors import GridLoomError
from gridloom.files import digest_bytes, write_atomic
from gridloom.finding import Finding

__all__ = ["CachedOutputs", "Manifest", "ManifestStore", "Miss", "outputs_recorded"]

_FORMAT = 1
_KEY_CHARACTERS = 32


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution of a step made.

    Attributes:
        format: Version of this record.
        key: Digest of the fingerprint.
        step_id: The step.
        fingerprint: What decided the outputs.
        outputs: The outputs by field name.
        extras: Files that no artifact describes.
        findings: The checks that the step reported.
        rows: Rows that it made.
        run_id: The run that made them.
    """

    format: int = _FORMAT
    key: str
    step_id: str
    fingerprint: Fingerprint
    outputs: dict[str, OutputRecord]
    extras: list[dict[str, Any]]
    findings: list[Finding]
    rows: int
    run_id: str


class _Envelope(msgspec.Struct, frozen=True):
    """The record's bytes under their checksum."""

    checksum: str
    record: msgspec.Raw


@dataclass(frozen=True, kw_only=True)
class CachedOutputs:
    """Verified outputs of an earlier run.

    Attributes:
        outputs: By field name.
        findings: The checks that the step reported then.
        rows: Rows that it made then.
        run_id: The run that made them.
    """

    outputs: Mapping[str, Any]
    findings: tuple[Finding, ...]
    rows: int
    run_id: str


@dataclass(frozen=True)
class Miss:
    """Why no earlier outputs can be used, in words."""

    reason: str


class ManifestStore:
    """The manifests below one output folder."""

    def __init__(self, out: Path, redactor: Redactor) -> None:
        self._out = out
        self._home = out / ".gridloom" / "manifests"
        self._redactor = redactor

    def lookup(
        self, step_id: str, fingerprint: Fingerprint, kinds: Mapping[str, Any]
    ) -> CachedOutputs | Miss:
        """Returns the verified outputs of a fingerprint, or why there are none.

        Args:
            step_id: The step.
            fingerprint: What decides its outputs.
            kinds: The types of its outputs by field name.
        """
        key = fingerprint.key
        path = self._path(step_id, key)
        if not path.exists():
            return Miss(self._last_change(path, fingerprint) or "never ran before")
        manifest = _read(path)
        if isinstance(manifest, Miss):
            return manifest
        if manifest.key != key:
            return Miss("the record of the last run belongs to other settings")
        found = self._verified(manifest, kinds)
        if isinstance(found, Miss):
            # where a run with other settings has replaced the outputs since, that is the better reason
            return Miss(self._last_change(path, fingerprint) or found.reason)
        return found

    def store(self, manifest: Manifest) -> bool:
        """Writes a manifest durably; returns False if outputs hold a secret and must not be stored.

        Raises:
            StorageError: If the disk refuses.
        """
        if self._redactor.holds(msgspec.json.encode((manifest.outputs, manifest.findings)).decode()):
            return False
        record = msgspec.json.encode(self._redactor.record(msgspec.to_builtins(manifest)))
        envelope = _Envelope(digest_bytes(record), msgspec.Raw(record))
        write_atomic(self._path(manifest.step_id, manifest.key), msgspec.json.encode(envelope) + b"\n")
        return True

    def _path(self, step_id: str, key: str) -> Path:
        return self._home / step_id / f"{key.removeprefix('sha256:')[:_KEY_CHARACTERS]}.json"

    def _last_change(self, path: Path, fingerprint: Fingerprint) -> str:
        """Returns what changed since the step's last manifest; empty if that one is `path` or no use."""
        latest = _newest(path.parent)
        manifest = _read(latest) if latest and latest != path else None
        return changes(manifest.fingerprint, fingerprint) if isinstance(manifest, Manifest) else ""

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
            reason = next((why for why in (file.mismatch() for file in files) if why), None)
        except (GridLoomError, OSError, msgspec.MsgspecError) as error:
            return Miss(f"an output cannot be checked: {error}")
        if reason:
            return Miss(reason)
        return CachedOutputs(
            outputs=outputs, findings=tuple(manifest.findings), rows=manifest.rows, run_id=manifest.run_id
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


def _read(path: Path) -> Manifest | Miss:
    try:
        envelope = msgspec.json.decode(path.read_bytes(), type=_Envelope)
        if digest_bytes(bytes(envelope.record)) != envelope.checksum:
            return Miss("the record of the last run is damaged")
        manifest = msgspec.json.decode(envelope.record, type=Manifest)
    except (OSError, ValueError, msgspec.MsgspecError):
        return Miss("the record of the last run is damaged")
    if manifest.format != _FORMAT:
        return Miss("the record of the last run is of another version of GridLoom")
    return manifest


def _newest(folder: Path) -> Path | None:
    dated: list[tuple[int, Path]] = []
    for path in folder.glob("[!.]*.json") if folder.is_dir() else []:
        with contextlib.suppress(OSError):
            dated.append((path.stat().st_mtime_ns, path))
    return max(dated)[1] if dated else None
