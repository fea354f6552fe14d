"""Whether a file that a run relies on is still the one that it verified: two runs may share a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gridloom.artifact import Artifact
from gridloom.errors import StepFailedError

__all__ = ["Stamps", "stamp"]


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Returns what changes when a file or folder is replaced or a file is written to; None if it is gone.

    A rename keeps it, so it may be taken before a file is moved to its place.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Stamps:
    """What the artifacts of a run looked like when their content was known."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int, int] | None] = {}

    def note(self, path: Path, seen: tuple[int, int, int] | None) -> None:
        """Remembers a stamp that was taken before the content was read, or before it was moved there."""
        self._known[path] = seen

    def check(self, step_id: str, artifacts: Iterable[Artifact]) -> None:
        """Raises if an artifact is not what it was.

        Raises:
            StepFailedError: If it was replaced or written to since.
        """
        for artifact in artifacts:
            known = self._known.get(artifact.path)
            if known is not None and stamp(artifact.path) != known:
                raise StepFailedError(
                    f"{artifact.path}, which step '{step_id}' takes, was replaced while this run used it, "
                    "by another run or program. Run the same command again: it goes on with what is there."
                )
