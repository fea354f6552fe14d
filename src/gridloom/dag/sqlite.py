"""SQLite as the record store uses it: how its file is opened, and what its errors mean."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gridloom.dag.schema import DDL, SCHEMA_VERSION

if TYPE_CHECKING:
    import sqlite3  # at run time by those who open a store, not by all who import

__all__ = [
    "DatabaseDamagedError",
    "cannot_write_beside",
    "check_seal",
    "check_version",
    "connect",
    "create_tables",
    "empty_store",
    "explain",
    "inode",
    "is_empty",
    "is_shared",
]

_BUSY_S: Final = 30.0
_PRIMARY: Final = 0xFF
# Result codes of SQLite (https://www.sqlite.org/rescode.html).
_ERROR, _PERM, _BUSY, _READONLY, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 1, 3, 5, 8, 11, 13, 14, 26
_DAMAGED: Final = frozenset({_ERROR, _CORRUPT, _NOTADB})
"""An error without a code of its own (an unknown table or column) is damage: the version was checked."""
_REASONS: Final = {
    _FULL: errno.ENOSPC,
    _READONLY: errno.EROFS,
    _PERM: errno.EACCES,
    _CANTOPEN: errno.EACCES,
    _BUSY: errno.EBUSY,
}
_SHARED_SYSTEMS: Final = frozenset(
    "nfs nfs4 cifs smb smb2 smb3 smbfs lustre gpfs beegfs ceph afs 9p pvfs2 ocfs2 gfs2 virtiofs vboxsf "  # noqa: SIM905
    "fuse.sshfs fuse.glusterfs fuse.s3fs fuse.grpcfuse".split()
)
"""File systems of several machines, whose shared memory WAL would need."""
# Of the head of a database (https://www.sqlite.org/fileformat.html).
_WRITE_VERSION, _WAL_FORMAT = 18, 2
_MOUNTS: Final = Path("/proc/self/mountinfo")


class DatabaseDamagedError(Exception):
    """The record store is not readable; it holds nothing that may be trusted. Never leaves the dag."""


def connect(path: Path, how: str = "") -> sqlite3.Connection:
    """Returns a connection in which nothing begins a transaction by itself.

    Args:
        path: The file.
        how: What SQLite's URI has behind the path, such as ``?mode=rw``.
    """
    import sqlite3  # noqa: PLC0415 - see above

    connection = sqlite3.connect(
        path.absolute().as_uri() + how,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=64,
    )
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def empty_store() -> sqlite3.Connection:
    """Returns a store without rows, in memory."""
    import sqlite3  # noqa: PLC0415 - see above

    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    create_tables(connection)
    return connection


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates the tables where there are none."""
    if _version(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    # another run may have been faster
    if not _version(connection):
        for statement in DDL:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Returns whether a store was begun, and not one table made."""
    return not _version(connection) and not connection.execute("SELECT 1 FROM sqlite_master").fetchone()


def check_version(connection: sqlite3.Connection) -> None:
    """Raises unless the tables are those that we know.

    Raises:
        DatabaseDamagedError: If they are of another version.
    """
    version = _version(connection)
    if version != SCHEMA_VERSION:
        raise DatabaseDamagedError(
            f"it has format {version}, and this version of GridLoom writes {SCHEMA_VERSION}"
        )


def explain(error: sqlite3.Error, written: Path | None) -> Exception:
    """Returns what an error means: damage, an ``OSError``, or itself where it is a mistake of ours.

    Args:
        error: What SQLite raised.
        written: The store, if it was opened to write to it.
    """
    import sqlite3  # noqa: PLC0415 - see above

    code = _code(error)
    if code is None and not isinstance(error, sqlite3.OperationalError):
        return error
    # a store that says of itself that only newer programs may write to it; the system says that we may
    sealed = code == _READONLY and written is not None and os.access(written, os.W_OK)
    if code is None or code in _DAMAGED or sealed:
        return DatabaseDamagedError(str(error))
    return OSError(_REASONS.get(code, errno.EIO), str(error))


def check_seal(path: Path) -> None:
    """Raises if a store says of itself that only a newer SQLite may write to it, which ours never do.

    SQLite would take it for one on a file system that cannot be written to.

    Raises:
        DatabaseDamagedError: If it says so.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_WRITE_VERSION + 1)
    if len(head) > _WRITE_VERSION and head[_WRITE_VERSION] > _WAL_FORMAT:
        raise DatabaseDamagedError("it says that only a newer SQLite may write to it")


def cannot_write_beside(error: sqlite3.Error) -> bool:
    """Returns whether a store could not be read because SQLite may not write beside it."""
    return _code(error) in {_CANTOPEN, _READONLY}


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY


def inode(path: Path) -> tuple[int, int] | None:
    """Returns which file stands at a path; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - it is asked before every statement, and a Path takes its time
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_shared(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Returns whether a folder stands on a file system of several machines, where the system tells.

    Args:
        folder: The folder.
        mounts: The table of mounted file systems, in the form of proc_pid_mountinfo(5).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    real, best, kind = os.path.realpath(folder), "", ""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        # blanks and backslashes in a path are written as octal numbers
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), (fields.split(" ") + [""] * 5)[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ", 1)[0]
    return kind in _SHARED_SYSTEMS
