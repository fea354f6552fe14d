"""The record store of an output folder: one SQLite file, ``<out>/.gridloom/runs.db``.

It keeps what runs were, what steps made (the manifests), and the checkpoints inside of steps. Where it is
damaged it is set aside and begun anew: whatever it knew is forgotten, nothing is trusted.

In WAL mode with ``synchronous=NORMAL`` a commit survives a killed process; a power cut may forget the last
ones, but tears none (https://www.sqlite.org/wal.html). On a shared file system, where WAL is unsafe, the
older rollback journal is used, synced at every commit.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gridloom.dag.locks import exclusive
from gridloom.dag.sqlite import (
    DatabaseDamagedError,
    cannot_write_beside,
    check_seal,
    check_version,
    connect,
    create_tables,
    empty_store,
    explain,
    inode,
    is_empty,
    is_shared,
)
from gridloom.errors import StorageError
from gridloom.files import storage_errors

if TYPE_CHECKING:
    import sqlite3  # at run time by those who open a store, not by all who import

__all__ = ["DATABASE_NAME", "Database", "DatabaseDamagedError"]

DATABASE_NAME: Final = "runs.db"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database; one of them must never meet another database."""

_Result = TypeVar("_Result")


class Database:
    """One connection to the record store; every method may be called from any thread.

    One that only reads leaves nothing behind: where there is no store an empty one answers, and one in a
    folder that cannot be written to is read from a copy.

    Args:
        out: Output folder of the pipeline.
        writes: Whether this one may create the file, and set it aside where it is damaged.

    Attributes:
        path: The file.
        openings: How often it was opened.
        set_aside: Name of the damaged store that this one set aside last, and what was wrong with it.

    Raises:
        StorageError: If it is to be created and the disk refuses.
    """

    def __init__(self, out: Path, *, writes: bool) -> None:
        self.path = out / ".gridloom" / DATABASE_NAME
        self.set_aside = ""
        self._writes = writes
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self.openings = 0
        self._copy: TemporaryDirectory[str] | None = None
        if writes:
            self.write(lambda connection: connection.execute("SELECT 1"))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns what a query finds.

        Raises:
            DatabaseDamagedError: If the store is damaged; it was set aside if this one writes.
            StorageError: If the disk refuses.
        """
        with self._lock:
            try:
                return self._attempt(lambda connection: connection.execute(sql, values).fetchall())
            except DatabaseDamagedError as error:
                if self._writes:
                    self._set_aside(error)
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
            except DatabaseDamagedError as error:
                self._set_aside(error)
            try:
                return self._attempt(transact)
            except DatabaseDamagedError as error:
                raise StorageError(
                    f"The new record store {self.path} is damaged already ({error}). Check the disk, or "
                    "choose another folder with --out."
                ) from error

    def version(self, connection: sqlite3.Connection | None = None) -> tuple[int, int]:
        """Returns what changes when others have written to the store, or it was opened anew.

        Args:
            connection: The one of a transaction that is under way, if there is one.

        Raises:
            DatabaseDamagedError: As `rows` does.
            StorageError: As `rows` does.
        """
        ask = "PRAGMA data_version"
        with self._lock:
            found = connection.execute(ask).fetchall() if connection else self.rows(ask)
            return self.openings, found[0][0]

    def insert(self, sql: str, values: Sequence[Any]) -> int:
        """Runs one statement as a transaction of its own, and returns how many rows it changed.

        Raises:
            StorageError: As `write` does.
        """
        with self._lock:
            try:
                # one statement commits by itself, which is half the work of a transaction around it
                return self._attempt(lambda connection: connection.execute(sql, values).rowcount)
            except DatabaseDamagedError:
                return self.write(lambda connection: connection.execute(sql, values).rowcount)

    def close(self) -> None:
        """Closes the connection; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                connection, self._connection = self._connection, None
                connection.close()
            if self._copy is not None:
                self._copy.cleanup()
                self._copy = None

    def _attempt(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        import sqlite3  # noqa: PLC0415 - see above

        if self._writes and self._connection is not None and inode(self.path) != self._opened:
            # another run set the file aside, or somebody removed it: what is written there is lost
            self.close()
        try:
            if self._connection is None:
                self._connection = self._open() if self._writes else self._open_to_read()
            return work(self._connection)
        except sqlite3.Error as error:
            with storage_errors("write" if self._writes else "read", self.path):
                raise explain(error, self.path if self._writes else None) from error

    def _open(self) -> sqlite3.Connection:
        with storage_errors("create", self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self.openings += 1
        before = inode(self.path)
        connection = connect(self.path)
        self._opened = before or inode(self.path)
        try:
            with storage_errors("read", self.path):
                check_seal(self.path)
            shared = is_shared(self.path.parent)
            connection.execute(f"PRAGMA journal_mode={'DELETE' if shared else 'WAL'}")
            connection.execute(f"PRAGMA synchronous={'FULL' if shared else 'NORMAL'}")
            create_tables(connection)
            check_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        import sqlite3  # noqa: PLC0415 - see above

        if not self.path.exists():
            return empty_store()
        connection = connect(self.path, "?mode=rw")
        try:
            with storage_errors("read", self.path):
                check_seal(self.path)
            try:
                empty = is_empty(connection)
            except sqlite3.Error as error:
                if not cannot_write_beside(error):
                    raise
                connection.close()
                connection = connect(self._copied(), "?mode=rw")
                empty = is_empty(connection)
            if not empty:
                connection.execute("PRAGMA query_only=ON")
                check_version(connection)
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return empty_store()

    def _copied(self) -> Path:
        self._copy = TemporaryDirectory(prefix="gridloom-")
        place = Path(self._copy.name) / DATABASE_NAME
        with storage_errors("read", self.path):
            shutil.copyfile(self.path, place)
            for ending in _BESIDE:
                with suppress(FileNotFoundError):
                    shutil.copyfile(f"{self.path}{ending}", f"{place}{ending}")
        return place

    def _set_aside(self, damage: DatabaseDamagedError) -> None:
        """Renames a damaged store, so that a new one can begin and a person can look at the old one."""
        self.close()
        with exclusive(self.path.with_suffix(".lock")):
            if inode(self.path) != self._opened:
                return  # another run was faster
            number = 1
            while (aside := self.path.with_name(f"{DATABASE_NAME}.damaged-{number}")).exists():
                number += 1
            with storage_errors("set aside", self.path):
                for ending in _BESIDE:
                    self.path.with_name(DATABASE_NAME + ending).unlink(missing_ok=True)
                with suppress(FileNotFoundError):
                    self.path.rename(aside)
            self.set_aside = f"{aside.name} ({damage})"
