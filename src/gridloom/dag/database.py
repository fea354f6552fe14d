"""The record store of an output folder: one SQLite file, ``<out>/.gridloom/runs.db``.

It keeps what runs were, what steps made (the manifests), and the checkpoints inside of steps. Where it is
damaged it is set aside and begun anew: whatever it knew is forgotten, nothing is trusted.

In WAL mode with ``synchronous=NORMAL`` a commit survives a killed process; a power cut may forget the last
ones, but tears none (https://www.sqlite.org/wal.html). On a shared file system, where WAL is unsafe, the
older rollback journal is used, synced at every commit.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gridloom.dag.locks import exclusive
from gridloom.dag.schema import DDL, SCHEMA_VERSION
from gridloom.errors import StorageError
from gridloom.files import storage_errors

if TYPE_CHECKING:
    import sqlite3  # at run time by those who open a store, not by all who import

__all__ = ["DATABASE_NAME", "Database", "DatabaseDamagedError"]

DATABASE_NAME: Final = "runs.db"

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
    "nfs nfs4 cifs smb smb2 smb3 smbfs lustre gpfs beegfs ceph afs 9p pvfs2 fuse.sshfs".split(" ")  # noqa: SIM905
)
"""File systems of several machines, whose shared memory WAL would need."""

_Result = TypeVar("_Result")


class DatabaseDamagedError(Exception):
    """The record store is not readable; it holds nothing that may be trusted. Never leaves the dag."""


class Database:
    """One connection to the record store; every method may be called from any thread.

    Args:
        out: Output folder of the pipeline.
        writes: Whether this one may create the file, and set it aside where it is damaged.

    Raises:
        StorageError: If it is to be created and the disk refuses.
    """

    def __init__(self, out: Path, *, writes: bool) -> None:
        self.path = out / ".gridloom" / DATABASE_NAME
        self._writes = writes
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self.set_aside = ""
        if writes:
            self.write(lambda connection: connection.execute("SELECT 1"))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns what a query finds; nothing where there is no store yet.

        Raises:
            DatabaseDamagedError: If the store is damaged; it was set aside if this one writes.
            StorageError: If the disk refuses.
        """
        if not self._writes and not self.path.exists():
            return []

        def query(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(sql, values).fetchall()

        with self._lock:
            try:
                return self._attempt(query)
            except DatabaseDamagedError:
                if self._writes:
                    self._set_aside()
                raise

    def write(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Returns what `work` gives, done in one transaction; done again if the store was damaged.

        Raises:
            StorageError: If the disk refuses, or a new store is damaged at once.
        """

        def transact(connection: sqlite3.Connection) -> _Result:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.rollback()
                raise
            return result

        with self._lock:
            try:
                return self._attempt(transact)
            except DatabaseDamagedError:
                self._set_aside()
            try:
                return self._attempt(transact)
            except DatabaseDamagedError as error:
                raise StorageError(
                    f"The new record store {self.path} is damaged already ({error}). Check the disk, or "
                    "choose another folder with --out."
                ) from error

    def insert(self, sql: str, values: Sequence[Any]) -> None:
        """Runs one statement as a transaction of its own.

        Raises:
            StorageError: As `write` does.
        """
        with self._lock:
            try:
                # one statement commits by itself, which is half the work of a transaction around it
                self._attempt(lambda connection: connection.execute(sql, values))
            except DatabaseDamagedError:
                self.write(lambda connection: connection.execute(sql, values))

    def close(self) -> None:
        """Closes the connection; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                connection.close()

    def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        import sqlite3  # noqa: PLC0415 - see above

        try:
            return work(self._connection or self._open())
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", _ERROR) & _PRIMARY
            if code in _DAMAGED:
                raise DatabaseDamagedError(str(error)) from error
            with storage_errors("write" if self._writes else "read", self.path):
                raise OSError(_REASONS.get(code, errno.EIO), str(error)) from error

    def _open(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 - see above

        if self._writes:
            with storage_errors("create", self.path.parent):
                self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            connection.execute("PRAGMA cell_size_check=ON")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if self._writes:
                shared = _is_shared(self.path.parent)
                connection.execute(f"PRAGMA journal_mode={'DELETE' if shared else 'WAL'}")
                connection.execute(f"PRAGMA synchronous={'FULL' if shared else 'NORMAL'}")
                if version == 0:
                    _create(connection)
                    version = SCHEMA_VERSION
            if version != SCHEMA_VERSION:
                raise DatabaseDamagedError(  # noqa: TRY301 - the connection has to be closed then too
                    f"it has format {version}, and this version of GridLoom writes {SCHEMA_VERSION}"
                )
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _set_aside(self) -> None:
        """Renames a damaged store, so that a new one can begin and a person can look at the old one."""
        self.close()
        with exclusive(self.path.with_suffix(".lock")):
            if self._sound():
                return  # another run was faster
            number = 1
            while (aside := self.path.with_name(f"{DATABASE_NAME}.damaged-{number}")).exists():
                number += 1
            with storage_errors("set aside", self.path):
                for ending in ("-wal", "-shm"):
                    self.path.with_name(DATABASE_NAME + ending).unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    self.path.rename(aside)
            self.set_aside = aside.name

    def _sound(self) -> bool:
        try:
            found = self._attempt(lambda connection: connection.execute("PRAGMA quick_check(1)").fetchone())
        except DatabaseDamagedError:
            found = None
        self.close()
        return bool(found == ("ok",))


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # another run may have been faster
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in DDL:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _is_shared(folder: Path) -> bool:
    """Returns whether a folder stands on a file system of several machines, where the system tells."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    real, best, kind = os.path.realpath(folder), "", ""
    for line in mounts:
        fields, _, rest = line.partition(" - ")
        point = fields.split()[4].encode().decode("unicode_escape")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ", 1)[0]
    return kind in _SHARED_SYSTEMS
