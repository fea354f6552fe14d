"""What the cache of an output folder holds, and how to make it forget."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gridloom.artifact import Artifact
from gridloom.dag.cache import Manifest, decoded_manifest
from gridloom.dag.database import DATABASE_NAME, Database, DatabaseDamagedError
from gridloom.dag.history import list_runs
from gridloom.dag.staging import remove_dead
from gridloom.errors import RawDataError, UsageError, did_you_mean
from gridloom.files import storage_errors

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["CacheEntry", "Leftover", "forget", "leftovers", "list_entries", "select_entries", "sweep"]

State = Literal["whole", "replaced", "damaged"]


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """One record of the cache.

    Attributes:
        step_id: The step.
        key: Key of the fingerprint.
        manifest: The record itself; None where it is damaged.
        made_at: When it was committed, UTC; None where that is damaged.
        files: What it made.
        state: ``whole``: it can be a hit; ``replaced``: its files are gone or others now; ``damaged``: the
            record is not readable.
        reason: Why it can be no hit; empty where it can.
    """

    step_id: str
    key: str
    manifest: Manifest | None
    made_at: datetime | None
    files: tuple[Artifact, ...]
    state: State
    reason: str = ""

    @property
    def size_bytes(self) -> int:
        """Size of the files that it made."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that no run will use any more.

    Attributes:
        path: Where it stands.
        what: What it is, in words.
        size_bytes: Its size.
    """

    path: Path
    what: str
    size_bytes: int


def list_entries(out: Path, *, verify: bool = False) -> list[CacheEntry]:
    """Returns every record of an output folder, newest first.

    Args:
        out: The output folder.
        verify: Whether to read the files and compare their digests; otherwise only their sizes.

    Raises:
        RawDataError: If the record store is damaged.
    """
    try:
        with closing(Database(out, writes=False)) as database:
            rows = database.rows("SELECT step_id, key, checksum, record FROM manifests ORDER BY number DESC")
    except DatabaseDamagedError as error:
        raise RawDataError(
            f"The record store {out / '.gridloom' / DATABASE_NAME} is damaged ({error}). The next run sets "
            "it aside and begins a new one."
        ) from error
    return [_entry(out, row, verify=verify) for row in rows]


def _entry(out: Path, row: tuple[Any, ...], *, verify: bool) -> CacheEntry:
    step_id, key, checksum, record = row
    manifest = decoded_manifest(key, checksum, record)
    if not isinstance(manifest, Manifest):
        return CacheEntry(
            step_id=str(step_id), key=str(key), manifest=None, made_at=None, files=(), state="damaged",
            reason=manifest.reason,
        )  # fmt: skip
    files = tuple(_file(out, made) for made in manifest.files)
    reason = next((why for why in (_mismatch(file, verify=verify) for file in files) if why), "")
    return CacheEntry(
        step_id=step_id,
        key=key,
        manifest=manifest,
        made_at=manifest.made_at,
        files=files,
        state="replaced" if reason else "whole",
        reason=reason,
    )


def _file(out: Path, made: dict[str, Any]) -> Artifact:
    return Artifact(path=out / made["path"], digest=made["digest"], size_bytes=made["size_bytes"])


def _mismatch(file: Artifact, *, verify: bool) -> str:
    if verify:
        return file.mismatch() or ""
    if not file.path.exists():
        return f"{file.path.name} was deleted"
    if file.path.is_file() and file.path.stat().st_size != file.size_bytes:
        return f"{file.path.name} has another size than was written"
    return ""


def select_entries(entries: list[CacheEntry], names: Iterable[str]) -> list[CacheEntry]:
    """Returns the records of steps, or whose keys begin with what is given.

    Raises:
        UsageError: If a name fits none.
    """
    chosen: list[CacheEntry] = []
    for name in names:
        fitting = [entry for entry in entries if name == entry.step_id or _short(entry.key).startswith(name)]
        if not fitting:
            steps = sorted({entry.step_id for entry in entries})
            hint = did_you_mean(name, steps) or f" There are {', '.join(steps) or 'no records yet'}."
            raise UsageError(f"The cache has no record of '{name}', which is neither a step nor a key.{hint}")
        chosen += [entry for entry in fitting if entry not in chosen]
    return chosen


def forget(out: Path, entries: Iterable[CacheEntry], *, outputs: bool = False) -> int:
    """Removes records, so that their steps run again; returns how many.

    Args:
        out: The output folder.
        entries: What to forget.
        outputs: Whether to remove the files of those that are whole as well.

    Raises:
        StorageError: If the disk refuses.
    """
    chosen = list(entries)
    keys = [(entry.step_id, entry.key) for entry in chosen]

    def work(connection: Connection) -> None:
        for table in ("manifests", "artifacts", "checkpoints"):
            connection.executemany(f"DELETE FROM {table} WHERE step_id = ? AND key = ?", keys)  # noqa: S608 - ours

    if keys:
        with closing(Database(out, writes=True)) as database:
            database.write(work)
    for entry in chosen if outputs else ():
        for file in entry.files if entry.state == "whole" else ():
            _remove(file.path)
    return len(chosen)


def leftovers(out: Path) -> list[Leftover]:
    """Returns checkpoints and stores set aside, which no run will use; none while a run is at work."""
    if any(run["outcome"] == "running" for run in list_runs(out)):
        return []
    return list(_leftovers(out / ".gridloom"))


def _leftovers(home: Path) -> Iterator[Leftover]:
    for folder in sorted((home / "checkpoints").glob("*/*")):
        yield Leftover(path=folder, what=f"checkpoints of {folder.parent.name}", size_bytes=_size(folder))
    for file in sorted(home.glob(f"{DATABASE_NAME}.damaged-*")):
        yield Leftover(path=file, what="a damaged record store", size_bytes=_size(file))


def sweep(out: Path, found: Iterable[Leftover]) -> int:
    """Removes leftovers and the staging folders of dead runs; returns the bytes that were freed.

    Raises:
        StorageError: If the disk refuses.
    """
    remove_dead(out)
    freed = 0
    for item in found:
        _remove(item.path)
        freed += item.size_bytes
    return freed


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def _remove(path: Path) -> None:
    with storage_errors("remove", path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _short(key: str) -> str:
    return key.removeprefix("sha256:")
