"""Checkpoints: found after a crash and only if whole; of this work only; gone when the step is committed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.dag import killed
from tests.dag.killed import kill, parted
from tests.dag.toys import CachedWork, Note, Trial, Work, fail, pipeline

from gridloom.dag import RunResult, StepContext
from gridloom.dag.events import CheckpointReached, Event
from gridloom.errors import UsageError

SAVED = ["one", "two", "three"]


def run(out: Path, **settings: Any) -> tuple[RunResult, dict[str, bool]]:
    """Returns how a run of `Parted` ended, and which of its checkpoints it found."""
    said: list[Event] = []
    dag = parted(out, **settings)
    dag.subscribe(said.append)
    result = dag.execute()
    result.raise_for_failure()
    return result, {event.name: event.found for event in said if isinstance(event, CheckpointReached)}


@pytest.fixture(scope="module")
def _crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crashed")
    kill("parted", folder)
    return folder


@pytest.fixture
def crashed(_crashed: Path, tmp_path: Path) -> Path:
    """The output folder of a run that was killed after its checkpoints."""
    return Path(shutil.copytree(_crashed, tmp_path / "out"))


def place(out: Path, name: str) -> Path:
    (found,) = (out / ".gridloom" / "checkpoints" / "parted").glob(f"*/{name}")
    return found


def change(out: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store, store:
        assert store.execute(sql, values).rowcount


def names(out: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store:
        return store.execute("SELECT name FROM checkpoints").fetchall()


def test_after_a_crash_all_of_them_are_found_and_give_the_same(crashed: Path) -> None:
    result, found = run(crashed)

    assert found == dict.fromkeys(SAVED, True)
    assert result["parted"].output.text == "one++two+three"
    assert names(crashed) == []
    assert list((crashed / ".gridloom" / "checkpoints").rglob("*/*/*")) == []


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


@pytest.mark.parametrize("harm", [truncated, flipped, Path.unlink, replaced_by_a_folder])
def test_a_torn_file_is_made_again(crashed: Path, harm: Callable[[Path], None]) -> None:
    harm(place(crashed, "two"))
    result, found = run(crashed)

    assert found == {"one": True, "two": False, "three": True}
    assert result["parted"].output.text == "one++two+three"


def test_so_is_a_folder_of_which_a_file_is_gone_or_that_is_a_file_now(crashed: Path) -> None:
    folder = place(crashed, "three")
    (folder / "deep" / "x").unlink()
    (folder / "deep").rmdir()
    folder.rmdir()
    folder.write_text("a file now")

    assert run(crashed)[1] == {"one": True, "two": True, "three": False}


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        (
            "UPDATE checkpoints SET record = ? WHERE name = 'one'",
            b'{"value":{"words":["two",""]},"digest":""}',
        ),
        ("UPDATE checkpoints SET record = ? WHERE name = 'one'", "text"),
        ("UPDATE checkpoints SET checksum = ? WHERE name = 'one'", "sha256:0"),
        ("DELETE FROM checkpoints WHERE name = 'one' AND ?", 1),
    ],
)
def test_a_damaged_record_is_not_believed(crashed: Path, sql: str, value: object) -> None:
    change(crashed, sql, value)
    result, found = run(crashed)

    assert found == {"one": False, "two": True, "three": True}
    assert result["parted"].output.text == "one++two+three"


def test_the_record_of_another_one_is_not_believed(crashed: Path) -> None:
    change(
        crashed,
        "UPDATE checkpoints SET (record, checksum) ="
        " (SELECT record, checksum FROM checkpoints WHERE name = 'one') WHERE name = 'two'",
    )
    assert run(crashed)[1] == {"one": True, "two": False, "three": True}


def test_where_the_store_is_gone_they_are_made_again(crashed: Path) -> None:
    (crashed / ".gridloom" / "runs.db-wal").unlink()
    (crashed / ".gridloom" / "runs.db").write_bytes(b"no database" * 500)

    assert run(crashed)[1] == dict.fromkeys(SAVED, False)


def test_other_settings_find_none_and_leave_those_that_are_there(crashed: Path) -> None:
    result, found = run(crashed, text="other")

    assert found == dict.fromkeys(SAVED, False)
    assert result["parted"].output.text == "one+other+two+three"
    assert run(crashed)[1] == dict.fromkeys(SAVED, True)


def test_a_moved_folder_keeps_them(crashed: Path) -> None:
    assert run(crashed.rename(crashed.with_name("there")))[1] == dict.fromkeys(SAVED, True)


def test_a_forced_run_after_a_commit_finds_none(tmp_path: Path) -> None:
    run(tmp_path)
    dag = pipeline(tmp_path, force=True)
    said: list[Event] = []
    dag.subscribe(said.append)
    dag.add_step(killed.Parted(killed.PartedConfig(step_id="parted")))
    dag.execute().raise_for_failure()

    assert [event.found for event in said if isinstance(event, CheckpointReached)] == [False] * 3


class Counted:
    """An action that makes a checkpoint, and counts how often it had to."""

    def __init__(self, *, fails: int = 0) -> None:
        self.made = 0
        self.fails = fails

    def __call__(self, ctx: StepContext) -> None:
        ctx.checkpoint("part", self.make)
        if self.fails:
            self.fails -= 1
            fail("not yet")(ctx)

    def make(self, path: Path) -> None:
        self.made += 1
        path.write_text("part")


@pytest.mark.parametrize("kind", [CachedWork, Work])
def test_a_second_attempt_finds_them(tmp_path: Path, kind: type[Work]) -> None:
    action = Counted(fails=2)
    dag = pipeline(tmp_path)
    dag.add_step(kind("a", action, retries=2, retry_backoff_s=0))
    dag.execute().raise_for_failure()

    assert action.made == 1
    assert names(tmp_path) == []


def test_a_later_run_finds_those_of_a_step_that_failed(tmp_path: Path) -> None:
    first, second = Counted(fails=1), Counted()
    for action in (first, second):
        dag = pipeline(tmp_path)
        dag.add_step(Trial("a", action))
        dag.execute()

    assert (first.made, second.made) == (1, 0)


def test_a_step_that_is_not_cacheable_never_finds_those_of_another_run(tmp_path: Path) -> None:
    """Nobody knows what decides its outputs, so nobody knows whether they are of the same work."""
    for fails in (1, 0, 0):
        action = Counted(fails=fails)
        dag = pipeline(tmp_path)
        dag.add_step(Work("a", action))
        dag.execute()
        assert action.made == 1


@pytest.mark.parametrize("name", ["", ".hidden", "../out", "a/b", "a" * 101, "two words", "ü", "a\n"])
def test_a_name_that_could_not_be_a_file_is_refused(tmp_path: Path, name: str) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", lambda ctx: ctx.checkpoint(name, lambda _path: None)))
    result = dag.execute()

    assert isinstance(result.error, UsageError)
    assert f"named a checkpoint {name!r}. Take letters, digits" in str(result.error)


def test_a_value_without_a_json_form_is_refused(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", lambda ctx: ctx.checkpoint("part", lambda _path: object())))

    assert "The value of checkpoint 'part' of step 'a' has no JSON form" in str(dag.execute().error)


def test_values_come_back_as_they_will_be_found(tmp_path: Path) -> None:
    seen: list[Any] = []

    def action(ctx: StepContext) -> None:
        made = ctx.checkpoint("part", lambda _path: {"pair": (1, 2), "path": Path("x")})
        seen.append(made.value)
        assert not made.path.exists()
        assert made.size_bytes == 0
        if len(seen) < 2:
            fail()(ctx)

    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", action, retries=1, retry_backoff_s=0))
    dag.execute().raise_for_failure()

    assert seen == [{"pair": [1, 2], "path": "x"}] * 2


def test_a_context_without_a_run_has_them_too(tmp_path: Path) -> None:
    ctx = StepContext(out=tmp_path, step_id="alone", staging=tmp_path / "staging")
    try:
        made = ctx.checkpoint("part", lambda path: path.write_text("x"))
        again = ctx.checkpoint("part", lambda path: path.write_text("y"))
    finally:
        ctx.close()

    assert (made.found, again.found, again.path.read_text(), again.size_bytes) == (False, True, "x", 1)
    assert Note.of(again.path).text == "x"
