"""What the cache holds: whole, replaced or damaged; and what is forgotten, which is never too much."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.dag.killed import kill, parted, started
from tests.dag.toys import CachedWork, Note, Work, chain, fail, pipeline

from gridloom.dag import CacheableStep, StepConfig, StepContext
from gridloom.dag.inventory import (
    CacheEntry,
    forget,
    leftovers,
    list_entries,
    removable,
    runs_at_work,
    select_entries,
    sweep,
)
from gridloom.errors import RawDataError, UsageError


def run(out: Path, text: str = "", **settings: Any) -> None:
    dag = pipeline(out, **settings)
    chain(dag, [CachedWork("a"), CachedWork("b", text=text)])
    dag.execute().raise_for_failure()


def states(out: Path, *, verify: bool = False) -> list[tuple[str, str, str]]:
    return [(entry.step_id, entry.state, entry.reason) for entry in list_entries(out, verify=verify)]


def outcomes(out: Path) -> list[str]:
    dag = pipeline(out)
    chain(dag, [CachedWork("a"), CachedWork("b")])
    return [step.outcome.value for step in dag.execute().steps.values()]


def note(out: Path, step_id: str) -> Path:
    return out / "steps" / step_id / "note.txt"


def test_nothing_is_listed_and_nothing_made_where_nothing_ran(tmp_path: Path) -> None:
    assert list_entries(tmp_path / "out") == []
    assert leftovers(tmp_path / "out") == []
    assert forget(tmp_path / "out", []) == 0
    assert sweep(tmp_path / "out", []) == 0
    assert list(tmp_path.iterdir()) == []


def test_records_are_listed_newest_first_with_size_and_age(tmp_path: Path) -> None:
    run(tmp_path)
    newest, oldest = list_entries(tmp_path, verify=True)

    assert (newest.step_id, oldest.step_id) == ("b", "a")
    assert newest.state == "whole"
    assert newest.size_bytes == len("b(a())")
    assert [file.path for file in newest.files] == [note(tmp_path, "b")]
    assert newest.made_at is not None
    assert oldest.made_at is not None
    assert newest.made_at >= oldest.made_at
    assert newest.manifest is not None


def test_what_was_replaced_deleted_or_damaged_is_said(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, "longer")
    note(tmp_path, "a").unlink()
    with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store, store:
        store.execute("UPDATE manifests SET record = x'00' WHERE number = 3")

    assert states(tmp_path) == [
        ("b", "damaged", "the record of the last run is damaged"),
        ("b", "replaced", "note.txt has another size than was written"),
        ("a", "replaced", "note.txt was deleted"),
    ]


def test_other_content_of_the_same_size_is_seen_when_files_are_read(tmp_path: Path) -> None:
    run(tmp_path)
    note(tmp_path, "a").write_text("x()")

    assert states(tmp_path)[1] == ("a", "whole", "")
    assert states(tmp_path, verify=True)[1] == (
        "a",
        "replaced",
        "note.txt has other content than was written",
    )


def test_a_damaged_store_is_an_error_in_words(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / ".gridloom" / "runs.db").write_bytes(b"x" * 5000)
    with pytest.raises(RawDataError, match=r"is damaged .* The next run sets it aside and begins a new one"):
        list_entries(tmp_path)


class TestSelect:
    @pytest.fixture
    def entries(self, tmp_path: Path) -> list[CacheEntry]:
        run(tmp_path)
        run(tmp_path, "other")
        return list_entries(tmp_path)

    def test_by_step_and_by_the_beginning_of_a_key(self, entries: list[CacheEntry]) -> None:
        short = entries[0].key.removeprefix("sha256:")[:8]

        assert select_entries(entries, ["b"]) == entries[:2]
        assert select_entries(entries, [short]) == entries[:1]
        assert select_entries(entries, [short, "b", "a"]) == entries

    def test_the_name_of_a_step_is_not_the_beginning_of_a_key(self, tmp_path: Path) -> None:
        """Else `clear a` would forget every record whose key begins with an a."""
        dag = pipeline(tmp_path)
        for number in range(40):
            dag.add_step(CachedWork(f"s{number}", text=f"{number}"))
        dag.add_step(CachedWork("a"))
        dag.execute().raise_for_failure()
        entries = list_entries(tmp_path)
        assert sum(entry.key.startswith("sha256:a") for entry in entries) > 0

        assert [entry.step_id for entry in select_entries(entries, ["a"])] == ["a"]

    def test_what_fits_several_keys_or_none_is_an_error(self, tmp_path: Path) -> None:
        dag = pipeline(tmp_path)
        for number in range(40):
            dag.add_step(CachedWork(f"step{number}", text=f"{number}"))
        dag.execute().raise_for_failure()
        entries = list_entries(tmp_path)
        beginnings = [entry.key.removeprefix("sha256:")[0] for entry in entries]
        common = max(beginnings, key=beginnings.count)

        with pytest.raises(UsageError, match=f"Several keys begin with '{common}': .* Give more of it"):
            select_entries(entries, [common])
        with pytest.raises(UsageError, match=r"The cache has no record of 'stepp1'.* Did you mean step"):
            select_entries(entries, ["stepp1"])
        with pytest.raises(UsageError, match="no record of ''"):
            select_entries(entries, [""])
        with pytest.raises(UsageError, match="There are no records yet"):
            select_entries([], ["b"])


class TestForget:
    def test_what_is_forgotten_runs_again_and_the_files_stay(self, tmp_path: Path) -> None:
        run(tmp_path)
        assert forget(tmp_path, select_entries(list_entries(tmp_path), ["b"])) == 1

        assert note(tmp_path, "b").exists()
        assert outcomes(tmp_path) == ["cached", "executed"]

    def test_outputs_go_too_where_they_are_what_was_written(self, tmp_path: Path) -> None:
        run(tmp_path)
        note(tmp_path, "a").write_text("x()")
        forget(tmp_path, list_entries(tmp_path), outputs=True)

        assert note(tmp_path, "a").exists(), "somebody else wrote it"
        assert not note(tmp_path, "b").exists()
        assert list_entries(tmp_path) == []

    def test_the_file_of_a_newer_record_stays(self, tmp_path: Path) -> None:
        """Both have the same place and size."""
        run(tmp_path, "one")
        run(tmp_path, "two")
        older = list_entries(tmp_path)[1]
        forget(tmp_path, [older], outputs=True)

        assert note(tmp_path, "b").read_text() == "btwo(a())"

    def test_a_file_from_outside_is_nobody_s_to_remove(self, tmp_path: Path) -> None:
        source = tmp_path / "mine.txt"
        source.write_text("mine")

        class Takes(CacheableStep[StepConfig]):
            def _execute(self, ctx: StepContext) -> Note:
                return Note.of(source)

        dag = pipeline(tmp_path / "out")
        dag.add_step(Takes(StepConfig(step_id="takes")))
        dag.execute().raise_for_failure()
        entries = list_entries(tmp_path / "out")
        assert entries[0].state == "whole"
        assert removable(tmp_path / "out", entries) == []
        forget(tmp_path / "out", entries, outputs=True)

        assert source.read_text() == "mine"

    def test_a_folder_goes_as_a_whole(self, tmp_path: Path) -> None:
        class Gives(CacheableStep[StepConfig]):
            def _execute(self, ctx: StepContext) -> Note:
                ctx.path("folder/one").write_text("1")
                ctx.path("folder/two").write_text("2")
                return Note.of(ctx.path("folder"))

        dag = pipeline(tmp_path)
        dag.add_step(Gives(StepConfig(step_id="gives")))
        dag.execute().raise_for_failure()
        forget(tmp_path, list_entries(tmp_path), outputs=True)

        assert not (tmp_path / "steps" / "gives" / "folder").exists()


class TestLeftovers:
    def test_checkpoints_that_the_next_run_finds_are_none(self, tmp_path: Path) -> None:
        kill("parted", tmp_path)
        found = leftovers(tmp_path)
        assert [item.what for item in found] == ["staging of a dead run"]
        sweep(tmp_path, found)
        dag = parted(tmp_path)
        said: list[str] = []
        dag.subscribe(lambda event: said.append(getattr(event, "message", "")))
        dag.execute().raise_for_failure()

        assert "found one two three" in said
        assert leftovers(tmp_path) == []

    def test_those_of_other_settings_are(self, tmp_path: Path) -> None:
        kill("parted", tmp_path)
        parted(tmp_path, text="other").execute().raise_for_failure()
        (item,) = leftovers(tmp_path)
        assert (item.what, item.size_bytes) == ("checkpoints of parted", len("two") + len("three"))
        assert sweep(tmp_path, [item]) == item.size_bytes

        assert leftovers(tmp_path) == []
        with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store:
            assert store.execute("SELECT * FROM checkpoints").fetchall() == [], "values go too"

    def test_those_of_a_step_that_is_not_cacheable_are(self, tmp_path: Path) -> None:
        def action(ctx: StepContext) -> None:
            ctx.checkpoint("part", lambda path: path.write_text("x"))
            fail()(ctx)

        dag = pipeline(tmp_path)
        dag.add_step(Work("a", action))
        dag.execute()

        assert [item.what for item in leftovers(tmp_path)] == ["checkpoints of a"]

    def test_while_a_run_is_at_work_checkpoints_stay(self, tmp_path: Path) -> None:
        kill("parted", tmp_path)
        parted(tmp_path, text="other").execute().raise_for_failure()
        with started("working", tmp_path):
            assert len(runs_at_work(tmp_path)) == 1
            assert leftovers(tmp_path) == []
            sweep(tmp_path, [])
        assert [item.what for item in leftovers(tmp_path)] == [
            "staging of a dead run",
            "checkpoints of parted",
        ]
        assert runs_at_work(tmp_path) == []

    def test_stores_that_were_set_aside_are(self, tmp_path: Path) -> None:
        run(tmp_path)
        (tmp_path / ".gridloom" / "runs.db").write_bytes(b"x" * 5000)
        run(tmp_path)
        found = leftovers(tmp_path)
        assert [(item.path.name, item.what, item.size_bytes) for item in found] == [
            ("runs.db.damaged-1", "a damaged record store", 5000)
        ]
        assert sweep(tmp_path, found) == 5000

        assert leftovers(tmp_path) == []
