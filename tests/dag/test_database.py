"""The record store: set aside when damaged, never twice; readers leave nothing; refusals are sentences."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.mounts import small_disk

from gridloom.dag.database import Database, DatabaseDamagedError
from gridloom.dag.sqlite import is_shared
from gridloom.errors import StorageError

INSERT = "INSERT INTO code VALUES (?, ?)"
COUNT = "SELECT count(*) FROM code"


def made(out: Path, rows: int = 1) -> Path:
    """Returns the file of a store that somebody wrote to."""
    with closing(Database(out, writes=True)) as database:
        for number in range(rows):
            database.insert(INSERT, (f"{number}", b"x" * 500))
        return database.path


def beside(store: Path) -> set[str]:
    return {path.name for path in store.parent.iterdir()}


def no_database(store: Path) -> None:
    store.write_bytes(b"not a database, whatever its name says" * 100)


def cut_short(store: Path) -> None:
    store.write_bytes(store.read_bytes()[:5000])


def malformed(store: Path) -> None:
    data = store.read_bytes()
    store.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))


def other_version(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA user_version=7")


def sealed(store: Path) -> None:
    """Says in the file's head that only a newer SQLite may write to it, as one flipped bit does."""
    data = bytearray(store.read_bytes())
    data[18] ^= 1 << 6
    store.write_bytes(data)


def no_tables(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TABLE code")


HARMS = [no_database, cut_short, malformed, sealed, other_version, no_tables]


@pytest.mark.parametrize("harm", [*HARMS, sealed])
def test_a_damaged_store_is_set_aside_and_begun_anew(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    store = made(tmp_path, rows=50)
    harm(store)
    damaged = store.read_bytes()

    with closing(Database(tmp_path, writes=True)) as database:
        database.insert(INSERT, ("new", b""))
        found = database.rows("SELECT digest FROM code")

    assert found == [("new",)]
    assert database.set_aside.startswith("runs.db.damaged-1 (")
    assert store.with_name("runs.db.damaged-1").read_bytes() == damaged, "a person may look at it"
    assert beside(store) == {"runs.db", "runs.db.damaged-1", "runs.lock"}


def test_damage_met_while_reading_is_said_and_set_aside(tmp_path: Path) -> None:
    store = made(tmp_path)
    with closing(Database(tmp_path, writes=True)) as database:
        no_tables(store)
        with pytest.raises(DatabaseDamagedError, match="no such table"):
            database.rows(COUNT)
        assert database.rows(COUNT) == [(0,)]


def test_each_damaged_store_gets_a_name_of_its_own(tmp_path: Path) -> None:
    for _ in range(3):
        no_database(made(tmp_path))
    made(tmp_path)

    assert sorted(path.name for path in (tmp_path / ".gridloom").glob("*.damaged-*")) == [
        f"runs.db.damaged-{number}" for number in (1, 2, 3)
    ]


def test_no_file_beside_a_damaged_store_meets_the_new_one(tmp_path: Path) -> None:
    """A journal left by a killed run would be played back into whatever has the store's name."""
    store = made(tmp_path)
    no_database(store)
    for ending in ("-wal", "-shm", "-journal"):
        store.with_name(store.name + ending).write_bytes(b"old pages")

    made(tmp_path)

    assert beside(store) == {"runs.db", "runs.db.damaged-1", "runs.lock"}


def test_another_version_is_named(tmp_path: Path) -> None:
    other_version(made(tmp_path))
    with (
        closing(Database(tmp_path, writes=False)) as database,
        pytest.raises(DatabaseDamagedError, match="it has format 7, and this version of GridLoom writes 1"),
    ):
        database.rows(COUNT)


_WRITER = """
import sys
from pathlib import Path
from gridloom.dag.database import Database
database = Database(Path(sys.argv[1]), writes=True)
print("open", flush=True)
sys.stdin.readline()
for number in range(5):
    database.insert("INSERT INTO code VALUES (?, ?)", (f"{sys.argv[2]}-{number}", b""))
database.close()
"""


def writers(out: Path, count: int) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(out), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("harm", [None, no_database, other_version])
def test_processes_that_begin_at_once_agree_on_one_store(
    tmp_path: Path, harm: Callable[[Path], None] | None
) -> None:
    if harm:
        harm(made(tmp_path))
    started = writers(tmp_path, 4)
    said = [process.communicate("go\n")[1] for process in started]

    assert said == [""] * 4
    with closing(Database(tmp_path, writes=False)) as database:
        assert database.rows(COUNT) == [(20,)]
    assert len(list((tmp_path / ".gridloom").glob("*.damaged-*"))) == (1 if harm else 0)


def test_two_that_have_it_open_set_it_aside_once(tmp_path: Path) -> None:
    store = made(tmp_path)
    with closing(Database(tmp_path, writes=True)) as one, closing(Database(tmp_path, writes=True)) as other:
        no_tables(store)
        threads = [
            threading.Thread(target=database.insert, args=(INSERT, (name, b"")))
            for name, database in (("one", one), ("other", other))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert one.rows("SELECT digest FROM code ORDER BY 1") == [("one",), ("other",)]
        assert other.rows(COUNT) == [(2,)]
    assert len(list(store.parent.glob("*.damaged-*"))) == 1


def test_one_that_another_run_set_aside_is_not_written_to_any_more(tmp_path: Path) -> None:
    store = made(tmp_path)
    with closing(Database(tmp_path, writes=True)) as database:
        store.rename(store.with_name("elsewhere"))
        made(tmp_path, rows=3)
        database.insert(INSERT, ("mine", b""))
    with closing(Database(tmp_path, writes=False)) as reader:
        assert reader.rows(COUNT) == [(4,)]


def test_one_that_somebody_removed_is_begun_anew(tmp_path: Path) -> None:
    with closing(Database(tmp_path, writes=True)) as database:
        shutil.rmtree(tmp_path / ".gridloom")
        database.insert(INSERT, ("mine", b""))
        assert database.rows(COUNT) == [(1,)]


def test_a_mistake_of_ours_does_not_look_like_damage(tmp_path: Path) -> None:
    store = made(tmp_path)
    with closing(Database(tmp_path, writes=True)) as database, pytest.raises(sqlite3.ProgrammingError):
        database.insert(INSERT, ("too few",))

    assert not list(store.parent.glob("*.damaged-*"))


def test_what_fails_in_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute(INSERT, ("half", b""))
        raise KeyError("the other half")

    with closing(Database(tmp_path, writes=True)) as database:
        with pytest.raises(KeyError):
            database.write(work)
        database.insert(INSERT, ("whole", b""))
        assert database.rows("SELECT digest FROM code") == [("whole",)]


class TestReaders:
    def test_there_is_no_store_and_none_is_made(self, tmp_path: Path) -> None:
        with closing(Database(tmp_path, writes=False)) as database:
            assert database.rows(COUNT) == [(0,)]
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("begun", [b"", None])
    def test_one_that_was_only_begun_is_empty(self, tmp_path: Path, begun: bytes | None) -> None:
        store = tmp_path / ".gridloom" / "runs.db"
        store.parent.mkdir()
        if begun is None:
            with closing(sqlite3.connect(store)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        else:
            store.write_bytes(begun)
        with closing(Database(tmp_path, writes=False)) as database:
            assert database.rows(COUNT) == [(0,)]
        with closing(Database(tmp_path, writes=True)) as database:
            assert database.set_aside == ""

    @pytest.mark.parametrize("harm", HARMS)
    def test_damage_is_said_and_nothing_changed(self, tmp_path: Path, harm: Callable[[Path], None]) -> None:
        store = made(tmp_path, rows=50)
        harm(store)
        before = store.read_bytes()
        with closing(Database(tmp_path, writes=False)) as database, pytest.raises(DatabaseDamagedError):
            database.rows("SELECT digest, parts FROM code")

        assert store.read_bytes() == before
        assert beside(store) == {"runs.db"}

    def test_they_cannot_write(self, tmp_path: Path) -> None:
        made(tmp_path)
        with closing(Database(tmp_path, writes=False)) as database, pytest.raises(StorageError):
            database.rows("DELETE FROM code")

    def test_what_a_killed_run_left_in_the_log_is_seen(self, tmp_path: Path) -> None:
        store = killed_writer(tmp_path)
        assert store.with_name("runs.db-wal").stat().st_size
        with closing(Database(tmp_path, writes=False)) as database:
            assert database.rows(COUNT) == [(5,)]

    @pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
    def test_a_folder_that_cannot_be_written_to(self, tmp_path: Path, killed: bool) -> None:
        source = tmp_path / "source"
        store = killed_writer(source) if killed else made(source, rows=5)
        with small_disk(tmp_path / "disk", size="1m") as disk:
            shutil.copytree(store.parent, disk.path / ".gridloom")
            # its index in shared memory lives only where there is a run
            (disk.path / ".gridloom" / "runs.db-shm").unlink(missing_ok=True)
            disk.make_read_only()
            with closing(Database(disk.path, writes=False)) as database:
                assert database.rows(COUNT) == [(5,)]
            with pytest.raises(StorageError, match=r"Could not .*runs\.db.*choose another folder with --out"):
                Database(disk.path, writes=True)


def killed_writer(out: Path) -> Path:
    """Returns the file of a store whose writer was killed, with its log."""
    code = _WRITER.replace("database.close()", "print('written', flush=True); sys.stdin.readline()")
    with subprocess.Popen(
        [sys.executable, "-c", code, str(out), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == ["open\n", "written\n"]
        process.send_signal(signal.SIGKILL)
    return out / ".gridloom" / "runs.db"


def fill(database: Database) -> None:
    for number in range(100):
        database.insert(INSERT, (f"{number}", b"x" * 10_000))


class TestRefusals:
    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        with closing(Database(tmp_path, writes=True)) as database:
            yield database

    def test_a_full_disk(self, database: Database, tmp_path: Path) -> None:
        assert database._connection is not None
        ((pages,),) = database._connection.execute("PRAGMA page_count").fetchall()
        database._connection.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StorageError, match=r"Could not write .*runs\.db.*The disk is full\. Free some"):
            database.insert(INSERT, ("large", b"x" * 100_000))
        database._connection.execute("PRAGMA max_page_count=1000000")
        database.insert(INSERT, ("with room again", b"x" * 100_000))

    def test_a_disk_that_is_really_full(self, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", size="200k") as disk:
            database = Database(disk.path, writes=True)
            with closing(database), pytest.raises(StorageError, match=r"runs\.db.*The disk is full"):
                fill(database)

    def test_a_lock_that_another_process_holds_is_waited_for(self, database: Database) -> None:
        with closing(sqlite3.connect(database.path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            release = threading.Timer(0.1, other.execute, ("COMMIT",))
            release.start()
            database.insert(INSERT, ("after it", b""))
            release.join()
        assert database.rows(COUNT) == [(1,)]

    def test_a_lock_that_is_never_released(self, database: Database) -> None:
        assert database._connection is not None
        database._connection.execute("PRAGMA busy_timeout=10")
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageError, match=r"database is locked\. Another program keeps it busy\."):
                database.insert(INSERT, ("never", b""))
            other.execute("ROLLBACK")
        database.insert(INSERT, ("now", b""))

    def test_a_file_where_the_folder_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / ".gridloom").write_text("in the way")
        with pytest.raises(StorageError, match="A file stands where a folder is needed"):
            Database(tmp_path / "out", writes=True)

    def test_a_folder_where_the_file_should_be(self, tmp_path: Path) -> None:
        (tmp_path / "out" / ".gridloom" / "runs.db").mkdir(parents=True)
        for writes in (True, False):
            with pytest.raises(StorageError, match=r"runs\.db: unable to open database file"):
                Database(tmp_path / "out", writes=writes).rows(COUNT)


@pytest.mark.parametrize("name", ["with blanks", "100% # ? & more", "Übung ∑"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    store = made(tmp_path / name, rows=2)
    with closing(Database(tmp_path / name, writes=False)) as database:
        assert database.rows(COUNT) == [(2,)]
    assert beside(store) == {"runs.db"}


MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:30 / /proc rw - proc proc rw
40 22 0:40 / /shares/team rw,relatime shared:1 - nfs4 server:/team rw,vers=4.2
41 40 0:41 / /shares/team/local rw - xfs /dev/sdb1 rw
42 22 0:42 / /shares/two\040words rw - cifs //server/share rw
43 22 0:43 / /shares/Übung rw - fuse.sshfs me@host: rw
44 22 0:44 / /shares/auto rw - autofs systemd-1 rw
45 44 0:45 / /shares/auto rw - nfs server:/auto rw
a line that says nothing
"""


@pytest.mark.parametrize(
    ("folder", "shared"),
    [
        ("/somewhere/else/data", False),
        ("/shares/team", True),
        ("/shares/team/data/deep", True),
        ("/shares/teams", False),
        ("/shares/team/local/data", False),
        ("/shares/two words/data", True),
        ("/shares/Übung/data", True),
        ("/shares/auto/data", True),
    ],
)
def test_a_file_system_of_several_machines_is_known(tmp_path: Path, folder: str, shared: bool) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, encoding="utf-8")

    assert is_shared(Path(folder), mounts) is shared


def test_where_the_system_does_not_tell_it_is_taken_for_local(tmp_path: Path) -> None:
    assert not is_shared(tmp_path, tmp_path / "no such file")


@pytest.mark.parametrize(("shared", "mode"), [(True, "delete"), (False, "wal")])
def test_on_a_shared_file_system_the_log_needs_no_shared_memory(
    tmp_path: Path, shared: bool, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloom.dag.database.is_shared", lambda _folder: shared)
    with closing(Database(tmp_path, writes=True)) as database:
        database.insert(INSERT, ("a", b""))
        assert database.rows("PRAGMA journal_mode") == [(mode,)]
