"""Files that are whole or absent: atomic writes, digests, and disk errors in words."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from gridloom.errors import ConfigError, StorageError

__all__ = [
    "STAGING_PREFIX",
    "atomic_file",
    "below",
    "digest_bytes",
    "digest_file",
    "given_path",
    "new_folder",
    "plain_name",
    "publish",
    "storage_errors",
    "sync_folder",
    "write_atomic",
    "write_folder",
]

STAGING_PREFIX = ".staging-"
"""Names that start with this are unfinished and may be removed when no run is active."""

_READ_BYTES = 1 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
"""A file system allows 255 bytes, of which ours add some."""

_ADVICE = {
    errno.ENOSPC: "The disk is full. Free some space, or choose another folder with --out.",
    errno.EDQUOT: "Your disk quota is used up. Free some space, or choose another folder with --out.",
    errno.EROFS: "The file system is read-only. Choose another folder with --out.",
    errno.EACCES: "You may not write there. Change its permissions, or choose another folder with --out.",
    errno.EPERM: "You may not write there. Change its permissions, or choose another folder with --out.",
    errno.ENOTDIR: "A part of that path is a file, not a folder. Choose another folder with --out.",
    errno.EISDIR: "That path is a folder where a file is needed. Choose another path.",
    errno.EEXIST: "A file stands where a folder is needed. Choose another folder with --out.",
    errno.EBUSY: "Another program keeps it busy. Wait for it, then run the same command again.",
    errno.EMFILE: "Too many files are open. Raise the limit (ulimit -n), or lower --concurrency.",
}


_NO_PLACE = frozenset(
    {errno.ENOTDIR, errno.EEXIST, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}
)
"""Why there can be no folder where somebody wants one, however much room there is."""


def plain_name(name: str) -> str:
    """Returns a name that was given, if it can be that of a file or folder everywhere.

    Raises:
        ValueError: With the characters that are allowed, as the second half of a sentence.
    """
    if not _PLAIN_NAME.fullmatch(name):
        raise ValueError(
            "it may hold letters, digits, '.', '_' and '-' only, without a folder, and begins with a "
            "letter or digit; at most 200 characters"
        )
    return name


def given_path(path: str | Path) -> Path:
    """Returns a path that a user gave, with the home folder for ``~``.

    Raises:
        ValueError: If it is empty or there is no such home, as the second half of a sentence.
    """
    if not str(path).strip():
        raise ValueError("it has to name a file or folder")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError("there is no home folder of that name; write the path in full") from None


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


def new_folder(path: Path) -> None:
    """Makes a folder, and those above it, where a user wants them.

    Raises:
        ConfigError: If no folder can be there.
        StorageError: If the disk refuses for another reason, such as that it is full.
    """
    try:
        with storage_errors("create", path):
            path.mkdir(parents=True)
    except StorageError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_PLACE:
            raise ConfigError(str(error)) from error
        raise


def digest_bytes(data: bytes) -> str:
    """Returns the SHA-256 of `data` as ``sha256:<64 hex digits>``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes as ``sha256:<64 hex digits>``."""
    digest = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # a buffer of the largest size costs more than a small file takes
        most_bytes = min(os.fstat(handle).st_size, _READ_BYTES) or _READ_BYTES
        while block := os.read(handle, most_bytes):
            digest.update(block)
    finally:
        os.close(handle)
    return "sha256:" + digest.hexdigest()


def below(path: Path, root: Path) -> str:
    """Returns a path with ``/`` between its parts, relative to `root` where it lies below it."""
    text, home = path.as_posix(), f"{root.as_posix()}/"
    if text.startswith(home):
        return text.removeprefix(home)
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Makes a folder with some files; all of their bytes are on the disk when it returns.

    Args:
        folder: A folder that is not there yet.
        files: Contents by name.

    Raises:
        StorageError: If the disk refuses; what was written until then is left to the caller.
    """
    with storage_errors("write", folder):
        folder.mkdir(parents=True)
        with ExitStack() as stack:
            handles = []
            for name, data in files.items():
                handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
                stack.callback(os.close, handle)
                handles.append(handle)
                left = memoryview(data)
                while left:
                    left = left[os.write(handle, left) :]
            # After all writes, so that one trip to the disk may serve them all.
            for handle in handles:
                os.fsync(handle)
        _sync(folder)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last: renames into it are on the disk when it returns.

    Raises:
        StorageError: If the disk refuses.
    """
    with storage_errors("write", folder):
        _sync(folder)


def _sync(path: str | Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_inside(folder: str | Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _sync_inside(entry.path)
            _sync(entry.path)


def publish(staged: Path, final: Path) -> None:
    """Moves a finished file or folder to its place, durably and in one step.

    The staged bytes reach the disk before the rename, the rename before the return. `staged` must
    be on the same file system as `final`. An existing file at `final` is replaced.

    Raises:
        StorageError: If the disk refuses.
    """
    with storage_errors("write", final):
        if staged.is_dir():
            _sync_inside(staged)
        _sync(staged)
        try:
            staged.replace(final)
        except (FileNotFoundError, NotADirectoryError):
            final.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(final)
        _sync(final.parent)


@contextmanager
def _staged(path: Path, staging: Path | None = None) -> Iterator[Path]:
    """Gives a place to write to, from where the file moves to `path` when the block ends without an error."""
    staged = (staging or path.parent) / f"{STAGING_PREFIX}{path.name}-{secrets.token_hex(4)}"
    with storage_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield staged
            publish(staged, path)
        finally:
            staged.unlink(missing_ok=True)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Gives a file to write so that a reader of `path` sees all of it or none, also after a power cut.

    Raises:
        StorageError: If the disk refuses; nothing is left behind then.
    """
    with _staged(path) as staged, staged.open("wb") as file:
        yield file


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
    with _staged(path, staging) as staged:
        staged.write_bytes(data)
