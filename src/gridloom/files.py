"""Files that are whole or absent: atomic writes, digests, and disk errors in words."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridloom.errors import StorageError

__all__ = ["STAGING_PREFIX", "digest_bytes", "digest_file", "publish", "storage_errors", "write_atomic"]

STAGING_PREFIX = ".staging-"
"""Names that start with this are unfinished and may be removed when no run is active."""

_READ_BYTES = 1 << 20
_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space, or choose another folder with --out.",
    errno.EDQUOT: "Your disk quota is used up. Free some space, or choose another folder with --out.",
    errno.EROFS: "The file system is read-only. Choose another folder with --out.",
    errno.EACCES: "You may not write there. Change its permissions, or choose another folder with --out.",
    errno.EPERM: "You may not write there. Change its permissions, or choose another folder with --out.",
    errno.ENOTDIR: "A part of that path is a file, not a folder. Choose another folder with --out.",
    errno.EISDIR: "That path is a folder where a file is needed. Choose another path.",
    errno.EEXIST: "A file stands where a folder is needed. Choose another folder with --out.",
    errno.EMFILE: "Too many files are open. Raise the limit (ulimit -n), or lower --concurrency.",
}


@contextmanager
def storage_errors(doing: str, path: Path) -> Iterator[None]:
    """Turns an ``OSError`` raised inside into a sentence that says what to do.

    Args:
        doing: The action in words, such as ``"write"``.
        path: What was being read or written.

    Raises:
        StorageError: With `doing`, `path`, the system's reason and advice.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(
            error.errno or 0, "Check the path and the disk, then run the same command again."
        )
        reason = error.strerror or str(error)
        raise StorageError(f"Could not {doing} {path}: {reason}. {advice}") from error


def digest_bytes(data: bytes) -> str:
    """Returns the SHA-256 of `data` as ``sha256:<64 hex digits>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes as ``sha256:<64 hex digits>``."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish(staged: Path, final: Path) -> None:
    """Moves a finished file or folder to its place, durably and in one step.

    The staged bytes reach the disk before the rename, the rename before the return. `staged` must
    be on the same file system as `final`. An existing file at `final` is replaced.

    Raises:
        StorageError: If the disk refuses.
    """
    with storage_errors("write", final):
        final.parent.mkdir(parents=True, exist_ok=True)
        for path in sorted(staged.rglob("*")) if staged.is_dir() else []:
            _sync(path)
        _sync(staged)
        staged.replace(final)
        _sync(final.parent)


def write_atomic(path: Path, data: bytes, *, staging: Path | None = None) -> None:
    """Writes `data` to `path` so that a reader sees all of it or none, also after a power cut.

    Args:
        path: The file.
        data: All of its bytes.
        staging: Folder of the same file system for what is unfinished, where somebody clears up after a
            killed process; without one it stands beside `path`.

    Raises:
        StorageError: If the disk refuses; nothing is left behind then.
    """
    staged = (staging or path.parent) / f"{STAGING_PREFIX}{path.name}-{secrets.token_hex(4)}"
    with storage_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.write_bytes(data)
            publish(staged, path)
        finally:
            staged.unlink(missing_ok=True)
