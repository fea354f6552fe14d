"""Outputs are written aside and moved to their places when the step has succeeded.

A run's staging folder is ``<out>/.gridloom/staging/<run_id>/``; the file ``.owner`` in it tells which
process may still be writing there. Folders are begun and judged under a lock, so that one without an owner
belongs to nobody.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gridloom.artifact import Artifact
from gridloom.dag.context import StepContext
from gridloom.dag.locks import exclusive
from gridloom.dag.owner import Owner, this_process
from gridloom.dag.stamps import stamp
from gridloom.errors import StepFailedError, StorageError
from gridloom.files import below, publish, storage_errors

__all__ = ["Commit", "Staging", "find_dead", "remove_dead"]

_OWNER = ".owner"
_LOCK = "staging.lock"


@dataclass(frozen=True, kw_only=True)
class Commit:
    """What was moved to its place.

    Attributes:
        outputs: The step's outputs, artifacts with their final paths.
        extras: Files that no artifact describes.
        bytes_written: Their sizes together.
        files_written: How many files.
        stamps: What the artifacts' files look like, by place.
    """

    outputs: Mapping[str, Any]
    extras: tuple[Artifact, ...] = ()
    bytes_written: int = 0
    files_written: int = 0
    stamps: tuple[tuple[Path, tuple[int, int, int] | None], ...] = ()


class Staging:
    """The staging folder of one run.

    Attributes:
        home: The folder.
    """

    def __init__(self, out: Path, run_id: str) -> None:
        self._out = out
        self.home = out / ".gridloom" / "staging" / run_id
        self._trash = self.home / ".replaced"
        self._lock = threading.Lock()
        self._claims: dict[Path, str] = {}
        with storage_errors("create", self.home):
            self.home.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(self.home.parent.with_name(_LOCK)):
                self.home.mkdir()
                try:
                    (self.home / _OWNER).write_bytes(msgspec.json.encode(this_process()))
                except OSError:
                    self.remove()
                    raise

    def folder(self, step_id: str, attempt: int) -> Path:
        """Returns the empty folder for one attempt of a step; it is made when first written to.

        Args:
            step_id: The step.
            attempt: 1 for the first; a later one clears what those before have left.
        """
        path = self.home / step_id
        if attempt > 1 and path.exists():
            with storage_errors("clear", path):
                shutil.rmtree(path)
        return path

    def commit(self, ctx: StepContext, folder: str, outputs: Mapping[str, Any]) -> Commit:
        """Moves what an attempt wrote to its places, and returns the outputs as they stand there.

        Args:
            ctx: The attempt's context.
            folder: The step's output folder, relative to the pipeline's.
            outputs: What the step gave; artifacts outside of staging stay where they are.

        Raises:
            StepFailedError: If another step of the run already wrote to one of the places.
            StorageError: If the disk refuses.
        """
        artifacts = [value for value in outputs.values() if isinstance(value, Artifact)]
        if not artifacts and not ctx.names:
            return Commit(outputs=outputs)
        target, staging = self._out / folder, ctx.staging
        within = {name: _in_staging(value, staging) for name, value in outputs.items()}
        asked = [name for name in ctx.names if os.path.lexists(f"{staging}/{name}")]
        staged = _outermost([*asked, *(name for name in within.values() if name is not None)])
        places = {name: target / name for name in staged}
        for place in places.values():
            self._claim(place, ctx.step_id)
        seen = {name: stamp(value.path) for name, value in outputs.items() if isinstance(value, Artifact)}
        if not _placed_whole(staging, target, staged):
            for name, place in places.items():
                self._place(staging / name, place)
            with suppress(OSError):
                # where it is not empty, it goes with the others
                staging.rmdir()
        final = {
            name: value if inside is None else value.moved(places.get(inside) or target / inside)
            for (name, value), inside in zip(outputs.items(), within.values(), strict=True)
        }
        described = [value.path for value in final.values() if isinstance(value, Artifact)]
        extras = tuple(
            Artifact.of(place)
            for place in places.values()
            if not any(_lies_in(path, place) for path in described)
        )
        return Commit(
            outputs=final,
            extras=extras,
            bytes_written=sum(item.size_bytes for item in (*artifacts, *extras)),
            files_written=sum(_count_files(path) for path in {*places.values(), *described}),
            stamps=tuple((final[name].path, found) for name, found in seen.items()),
        )

    def clear(self) -> None:
        """Removes what the attempts have left."""
        for path in self.home.iterdir():
            if path.name != _OWNER:
                shutil.rmtree(path, ignore_errors=True)

    def remove(self) -> None:
        """Removes the folder; what cannot be removed now is removed by a later run."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _claim(self, place: Path, step_id: str) -> None:
        with self._lock:
            other = self._claims.setdefault(place, step_id)
        if other != step_id:
            raise StepFailedError(
                f"Steps '{other}' and '{step_id}' both write {place}. Give one of them another file name "
                "or output folder."
            )

    def _place(self, staged: Path, place: Path) -> None:
        """Moves one file or folder; a folder in its way is put aside first, for it cannot be replaced."""
        if place.is_dir() or (staged.is_dir() and place.exists()):
            with storage_errors("replace", place):
                self._trash.mkdir(exist_ok=True)
                place.rename(self._trash / f"{time.monotonic_ns()}-{place.name}")
        publish(staged, place)


def find_dead(out: Path) -> list[Path]:
    """Returns the staging folders of runs whose process is gone."""
    home = out / ".gridloom" / "staging"
    return [folder for folder in sorted(home.iterdir()) if not _alive(folder)] if home.is_dir() else []


def remove_dead(out: Path) -> None:
    """Removes the staging folders of runs whose process is gone; those of live ones stay.

    Raises:
        StorageError: If the disk refuses the lock.
    """
    home = out / ".gridloom" / "staging"
    if not home.is_dir():
        return
    with exclusive(home.with_name(_LOCK)):
        dead = find_dead(out)
    for folder in dead:
        shutil.rmtree(folder, ignore_errors=True)


def _alive(folder: Path) -> bool:
    try:
        return msgspec.json.decode((folder / _OWNER).read_bytes(), type=Owner).alive
    except (OSError, msgspec.MsgspecError):
        return False


def _outermost(names: Iterable[str]) -> list[str]:
    """Returns the names that lie in none of the others, sorted."""
    kept: list[str] = []
    for name in sorted(set(names)):
        if not any(name.startswith(f"{outer}/") for outer in kept):
            kept.append(name)
    return ["."] if "." in kept else kept


def _in_staging(value: Any, staging: Path) -> str | None:
    """Returns where an artifact lies in `staging`, also if its path was made absolute; None if elsewhere."""
    if not isinstance(value, Artifact):
        return None
    name = below(value.path, staging)
    if name != value.path.as_posix():
        return name
    real, home = value.path.resolve(), staging.resolve()
    return real.relative_to(home).as_posix() if real.is_relative_to(home) else None


def _placed_whole(staging: Path, target: Path, names: Sequence[str]) -> bool:
    """Makes an attempt's folder the step's, where there is none yet and nothing else is in it.

    One folder is made then, where else one is made to write to, one to move to, and the former removed.

    Returns:
        Whether it could be done; if not, nothing has changed.
    """
    if not names or os.path.lexists(target):
        return False
    if sorted(os.listdir(staging)) != names:  # noqa: PTH208 - a Path takes its time
        return False
    try:
        publish(staging, target)
    except StorageError:
        # another step or run may have made it meanwhile
        if os.path.lexists(staging) and os.path.lexists(target):
            return False
        raise
    return True


def _lies_in(path: Path, place: Path) -> bool:
    return path == place or path.as_posix().startswith(f"{place.as_posix()}/")


def _count_files(path: Path) -> int:
    return sum(1 for file in path.rglob("*") if file.is_file()) if path.is_dir() else 1
