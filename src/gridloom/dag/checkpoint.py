"""Checkpoints: named partial results inside a step, verified when they are found again after a crash.

A checkpoint's file or folder stands at ``<out>/.gridloom/checkpoints/<step_id>/<key>/<name>`` and appears
by one rename; its record stands in the record store under a checksum. The key is that of the step's
fingerprint, so a step with other settings, code or inputs never finds it. They are removed when the step
is committed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.values import canonical_json
from gridloom.errors import GridLoomError, UsageError
from gridloom.files import digest_bytes, publish, storage_errors

__all__ = ["Checkpoint", "Checkpoints", "are_left", "checkpoint_home", "remove_checkpoints"]

_KEY_CHARACTERS = 24


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A partial result.

    Attributes:
        name: What the step calls it.
        path: Its file or folder; there is none where only a value was kept.
        value: The small value that was kept with it.
        found: Whether an earlier attempt made it.
        size_bytes: Size of its files.
    """

    name: str
    path: Path
    value: Any
    found: bool
    size_bytes: int


class _Record(msgspec.Struct, frozen=True):
    """What is known of a checkpoint; without a digest it has no file."""

    value: Any
    digest: str
    size_bytes: int


class Checkpoints:
    """The checkpoints of one step with one fingerprint.

    Args:
        out: Output folder of the pipeline.
        step_id: The step.
        key: Key of its fingerprint.
        redact: Hides secrets in a text.
    """

    def __init__(
        self, out: Path, step_id: str, key: str, redact: Callable[[str], str] = lambda text: text
    ) -> None:
        self._step_id, self._key, self._redact = step_id, key, redact
        self._home = checkpoint_home(out, step_id, key)
        self._database = Database(out, writes=True)

    def find(self, name: str) -> Checkpoint | None:
        """Returns a checkpoint that is whole, or None."""
        query = "SELECT checksum, record FROM checkpoints WHERE step_id = ? AND key = ? AND name = ?"
        try:
            rows = self._database.rows(query, (self._step_id, self._key, name))
        except DatabaseDamagedError:
            return None
        record = self._decoded(name, *rows[0]) if rows else None
        if record is None or (record.digest and not self._whole(name, record)):
            return None
        return self._checkpoint(name, record, found=True)

    def save(self, name: str, staged: Path, value: Any) -> Checkpoint:
        """Moves a finished file or folder to its place, durably, and notes it; then it can be found.

        What holds a secret is not noted, and will be made again.

        Args:
            name: What the step calls it.
            staged: The file or folder; where there is none, only the value is kept.
            value: A small JSON-able value.

        Raises:
            UsageError: If the value has no JSON form.
            StorageError: If the disk refuses.
        """
        try:
            value = msgspec.json.decode(canonical_json(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(
                f"The value of checkpoint '{name}' of step '{self._step_id}' has no JSON form: {error}. "
                "Keep small plain values, and write the rest to the path."
            ) from error
        record = _Record(value, "", 0)
        if staged.exists():
            made = Artifact.of(staged)
            record = _Record(value, made.digest, made.size_bytes)
            place = self._home / name
            if place.exists() and (place.is_dir() or staged.is_dir()):
                _remove(place)
            publish(staged, place)
        data = msgspec.json.encode(record)
        if self._redact(data.decode()) != data.decode():
            return self._checkpoint(name, record, found=False)
        row = (self._step_id, self._key, name, self._checksum(name, data), data)
        self._database.insert("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?)", row)
        return self._checkpoint(name, record, found=False)

    def close(self) -> None:
        """Closes the connection to the record store."""
        self._database.close()

    def _checkpoint(self, name: str, record: _Record, *, found: bool) -> Checkpoint:
        return Checkpoint(
            name=name,
            path=self._home / name,
            value=record.value,
            found=found,
            size_bytes=record.size_bytes,
        )

    def _decoded(self, name: str, checksum: Any, data: Any) -> _Record | None:
        if not isinstance(data, bytes) or checksum != self._checksum(name, data):
            return None
        try:
            return msgspec.json.decode(data, type=_Record)
        except (ValueError, msgspec.MsgspecError):
            return None

    def _whole(self, name: str, record: _Record) -> bool:
        file = Artifact(path=self._home / name, digest=record.digest, size_bytes=record.size_bytes)
        try:
            return file.mismatch() is None
        except GridLoomError:
            return False

    def _checksum(self, name: str, data: bytes) -> str:
        return digest_bytes(f"{self._step_id}\0{self._key}\0{name}\0".encode() + data)


def are_left(out: Path, step_id: str) -> bool:
    """Returns whether a step has checkpoints of any key; asked at every hit, so it is quick."""
    return os.path.exists(f"{out}/.gridloom/checkpoints/{step_id}")  # noqa: PTH110 - a Path costs more than that


def remove_checkpoints(database: Database, out: Path, step_id: str, key: str) -> None:
    """Removes the checkpoints of a step that is committed; where there are none, does nothing.

    Args:
        database: The record store.
        out: Output folder of the pipeline.
        step_id: The step.
        key: Key of its fingerprint.

    Raises:
        StorageError: If the disk refuses.
    """
    database.insert("DELETE FROM checkpoints WHERE step_id = ? AND key = ?", (step_id, key))
    home = checkpoint_home(out, step_id, key)
    shutil.rmtree(home, ignore_errors=True)
    with suppress(OSError):
        home.parent.rmdir()  # others of the step may be there


def _remove(place: Path) -> None:
    with storage_errors("replace", place):
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()


def checkpoint_home(out: Path, step_id: str, key: str) -> Path:
    """Returns the folder of the checkpoints of a step with one key."""
    return out / ".gridloom" / "checkpoints" / step_id / key.removeprefix("sha256:")[:_KEY_CHARACTERS]
