"""What the cache of an output folder holds, and how to make it forget."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gridloom.artifact import Artifact
from gridloom.dag.checkpoint import checkpoint_home
from gridloom.dag.database import DATABASE_NAME, Database, DatabaseDamagedError
from gridloom.dag.history import list_runs
from gridloom.dag.manifest import Manifest, decoded_manifest
from gridloom.dag.staging import find_dead
from gridloom.errors import GridLoomError, RawDataError, UsageError, did_you_mean
from gridloom.files import storage_errors

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = [
    "CacheEntry",
    "Leftover",
    "forget",
    "leftovers",
    "list_entries",
    "removable",
    "runs_at_work",
    "select_entries",
    "size_together",
    "sweep",
]

_KEY = 12
_LAST_TRIED = (
    "SELECT step_id, key FROM (SELECT step_id, key, max(started_at) FROM attempts GROUP BY step_id) tried"
    " WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.step_id = tried.step_id AND m.key = tried.key)"
)
"""Of each step the work that was begun last, unless it is committed: its checkpoints will be looked for."""

State = Literal["whole", "replaced", "damaged"]
_ArtifactOf = Callable[[dict[str, Any], Path], Artifact]


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
        """Size of what it made."""
        return size_together([self])


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


def size_together(entries: Iterable[CacheEntry]) -> int:
    """Returns the bytes of what records made, each place once."""
    return sum(
        dict(part for entry in entries for file in entry.files for part in file.parts().items()).values()
    )


def _plain_artifact(record: dict[str, Any], out: Path) -> Artifact:
    return Artifact(path=out / record["path"], digest=record["digest"], size_bytes=record["size_bytes"])


def list_entries(
    out: Path, *, verify: bool = False, artifact: _ArtifactOf = _plain_artifact
) -> list[CacheEntry]:
    """Returns every record of an output folder, newest first.

    Args:
        out: The output folder.
        verify: Whether to read the files and compare their digests; otherwise only their sizes.
        artifact: Makes the artifact of its record; by default it stands for no more than its file.

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
    return [_entry(out, row, artifact, verify=verify) for row in rows]


def _entry(out: Path, row: tuple[Any, ...], artifact: _ArtifactOf, *, verify: bool) -> CacheEntry:
    step_id, key, checksum, record = row
    manifest = decoded_manifest(key, checksum, record)
    if not isinstance(manifest, Manifest):
        return CacheEntry(
            step_id=str(step_id), key=str(key), manifest=None, made_at=None, files=(), state="damaged",
            reason=manifest.reason,
        )  # fmt: skip
    files = tuple(artifact(made, out) for made in manifest.files)
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


def _mismatch(file: Artifact, *, verify: bool) -> str:
    try:
        if verify:
            return file.mismatch() or ""
        if not file.path.exists():
            return f"{file.path.name} was deleted"
        if file.path.is_file() and file.path.stat().st_size != file.size_bytes:
            return f"{file.path.name} has another size than was written"
    except (GridLoomError, OSError) as error:
        return f"{file.path.name} cannot be read: {error}"
    return ""


def select_entries(entries: list[CacheEntry], names: Iterable[str]) -> list[CacheEntry]:
    """Returns the records of steps, or those whose key begins with what is given.

    Raises:
        UsageError: If a name fits none, or fits several keys.
    """
    chosen: list[CacheEntry] = []
    for name in names:
        # what is the name of a step is not taken for the beginning of a key
        fitting = [entry for entry in entries if name == entry.step_id]
        fitting = fitting or [entry for entry in entries if name and _short(entry.key).startswith(name)]
        if not fitting:
            steps = sorted({entry.step_id for entry in entries})
            hint = did_you_mean(name, steps) or f" There are {', '.join(steps) or 'no records yet'}."
            raise UsageError(f"The cache has no record of '{name}', which is neither a step nor a key.{hint}")
        keys = sorted({_short(entry.key) for entry in fitting})
        if len(keys) > 1 and fitting[0].step_id != name:
            raise UsageError(
                f"Several keys begin with '{name}': {', '.join(key[:_KEY] for key in keys)}. Give more of it."
            )
        chosen += [entry for entry in fitting if entry not in chosen]
    return chosen


def forget(out: Path, entries: Iterable[CacheEntry], *, outputs: bool = False) -> int:
    """Removes records, so that their steps run again; returns how many.

    Args:
        out: The output folder.
        entries: What to forget.
        outputs: Whether to remove their files as well, as `removable` says.

    Raises:
        StorageError: If the disk refuses.
    """
    chosen = list(entries)
    keys = [(entry.step_id, entry.key) for entry in chosen]
    files = removable(out, chosen) if outputs else []

    def work(connection: Connection) -> None:
        for table in ("manifests", "artifacts"):
            connection.executemany(f"DELETE FROM {table} WHERE step_id = ? AND key = ?", keys)  # noqa: S608 - ours

    if keys:
        with closing(Database(out, writes=True)) as database:
            database.write(work)
    for path in files:
        _remove(path)
    return len(chosen)


def removable(out: Path, entries: Iterable[CacheEntry]) -> list[Path]:
    """Returns the files that records describe as they are, inside the output folder.

    What was replaced since belongs to another record, and what lies outside belongs to somebody else.
    """
    home = out.resolve()
    files = (file for entry in entries if entry.manifest for file in entry.files)
    return [
        file.path
        for file in files
        if file.path.resolve().is_relative_to(home) and not _mismatch(file, verify=True)
    ]


def runs_at_work(out: Path) -> list[str]:
    """Returns the ids of the runs that are, or may be, at work in an output folder."""
    return [run["run_id"] for run in list_runs(out) if run["outcome"] == "running"]


def leftovers(out: Path) -> list[Leftover]:
    """Returns what no run will use: staging of dead runs, old checkpoints, stores that were set aside.

    A checkpoint is old when its step was committed since, or was last tried with other settings, code or
    inputs. While a run is at work, all of them may be in use.

    Raises:
        StorageError: If the disk refuses.
    """
    with storage_errors("read", out / ".gridloom"):
        return list(_leftovers(out, at_work=bool(runs_at_work(out))))


def _leftovers(out: Path, *, at_work: bool) -> Iterator[Leftover]:
    home = out / ".gridloom"
    for folder in find_dead(out):
        yield Leftover(path=folder, what="staging of a dead run", size_bytes=_size(folder))
    used = _useful_checkpoints(out)
    for folder in [] if at_work else sorted((home / "checkpoints").glob("*/*")):
        if folder not in used:
            yield Leftover(path=folder, what=f"checkpoints of {folder.parent.name}", size_bytes=_size(folder))
    for file in sorted(home.glob(f"{DATABASE_NAME}.damaged-*")):
        yield Leftover(path=file, what="a damaged record store", size_bytes=_size(file))


def _useful_checkpoints(out: Path) -> set[Path]:
    """Returns the folders in which the next run of a step would find its checkpoints."""
    try:
        with closing(Database(out, writes=False)) as database:
            return {checkpoint_home(out, step_id, key) for step_id, key in database.rows(_LAST_TRIED)}
    except DatabaseDamagedError:
        return set()


def sweep(out: Path, found: Iterable[Leftover]) -> int:
    """Removes leftovers; returns the bytes that were freed.

    Args:
        out: The output folder.
        found: What `leftovers` gave.

    Raises:
        StorageError: If the disk refuses.
    """
    freed = 0
    for item in found:
        _remove(item.path)
        freed += item.size_bytes
    if (out / ".gridloom" / DATABASE_NAME).exists() and not runs_at_work(out):
        with closing(Database(out, writes=True)) as database:
            database.insert(f"DELETE FROM checkpoints WHERE (step_id, key) NOT IN ({_LAST_TRIED})", ())  # noqa: S608 - ours
    return freed


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _remove(path: Path) -> None:
    with storage_errors("remove", path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _short(key: str) -> str:
    return key.removeprefix("sha256:")
