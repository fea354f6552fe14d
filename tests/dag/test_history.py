"""Runs of the past: found by id, in order, whatever is left of them; and what differs between two."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dag.killed import kill, working
from tests.dag.toys import CachedWork, chain, fail, pipeline

from gridloom.dag.compare import compare_runs
from gridloom.dag.database import Database
from gridloom.dag.earlier import expected_durations
from gridloom.dag.history import find_run_id, list_runs, load_run, run_recipe
from gridloom.errors import RawDataError, UsageError


def run(out: Path, *, text: str = "", **settings: Any) -> str:
    dag = pipeline(out, **settings)
    chain(dag, [CachedWork("a"), CachedWork("b", text=text)])
    return dag.execute().run_id


def change(out: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store, store:
        store.execute(sql, values)


def test_newest_first_even_within_one_second(tmp_path: Path) -> None:
    ids = [run(tmp_path) for _ in range(5)]

    assert [record["run_id"] for record in list_runs(tmp_path)] == ids[::-1]
    assert find_run_id(tmp_path, "latest") == ids[-1]


def test_runs_that_only_left_their_folder_are_among_the_others(tmp_path: Path) -> None:
    first = run(tmp_path)
    (tmp_path / ".gridloom" / "runs.db").unlink()
    second = run(tmp_path)
    (tmp_path / "runs" / "20190101T000000-aaaaaa").mkdir()
    (tmp_path / "runs" / "29990101T000000-aaaaaa").mkdir()

    assert [(record["run_id"], record["outcome"]) for record in list_runs(tmp_path)] == [
        ("29990101T000000-aaaaaa", "interrupted"),
        (second, "succeeded"),
        (first, "succeeded"),
        ("20190101T000000-aaaaaa", "interrupted"),
    ]


def test_a_moved_folder_keeps_its_runs(tmp_path: Path) -> None:
    run_id = run(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")

    assert load_run(tmp_path / "there", "latest")["run_id"] == run_id


def test_what_the_journal_knows_is_told_where_the_record_is_gone(tmp_path: Path) -> None:
    run_id = run(tmp_path)
    shutil.rmtree(tmp_path / "runs")
    record = load_run(tmp_path, run_id)

    assert record["outcome"] == "succeeded"
    assert record["totals"]["steps"]["executed"] == 2
    assert [(step["step_id"], step["outcome"], step["attempts"]) for step in record["steps"]] == [
        ("a", "executed", 1),
        ("b", "executed", 1),
    ]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("UPDATE runs SET owner = ?, outcome = NULL", b"no owner"),
        ("UPDATE runs SET step_ids = ?", b"[1, 2]"),
        ("UPDATE runs SET totals = ?", b"{"),
        ("UPDATE runs SET run_id = ?", b"\x00\x01"),
        ("UPDATE runs SET duration_s = ?", "long"),
    ],
)
def test_a_damaged_row_is_told_by_its_folder(tmp_path: Path, sql: str, value: object) -> None:
    run_id = run(tmp_path)
    change(tmp_path, sql, value)

    assert [(record["run_id"], record["outcome"]) for record in list_runs(tmp_path)] == [
        (run_id, "succeeded")
    ]
    assert load_run(tmp_path, "latest")["run_id"] == run_id


@pytest.mark.parametrize(
    ("sql", "value"), [("UPDATE steps SET metrics = ?", b"{"), ("DROP TABLE steps -- ?", None)]
)
def test_damaged_steps_are_an_error_in_words(tmp_path: Path, sql: str, value: object) -> None:
    run(tmp_path)
    shutil.rmtree(tmp_path / "runs")
    with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store, store:
        store.execute(sql, (value,) if value else ())
    with pytest.raises(RawDataError, match=r"is damaged .* Run the same command again to carry on"):
        load_run(tmp_path, "latest")


def test_a_damaged_store_hides_nothing_that_has_a_folder(tmp_path: Path) -> None:
    run_id = run(tmp_path)
    (tmp_path / ".gridloom" / "runs.db").write_bytes(b"x" * 5000)

    assert load_run(tmp_path, run_id)["outcome"] == "succeeded"
    with pytest.raises(RawDataError, match=f"The record of run {run_id} is damaged"):
        run_recipe(tmp_path, run_id)


def test_a_run_of_another_machine_may_be_at_work(tmp_path: Path) -> None:
    kill("working", tmp_path)
    owner = msgspec.json.encode({"host": "far-away", "pid": 1, "started": "then"})
    change(tmp_path, "UPDATE runs SET owner = ?", owner)
    (record,) = list_runs(tmp_path)

    assert (record["outcome"], record["elsewhere"]) == ("running", "far-away")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda _ids: "nothing", r"There is no run 'nothing' in .* `gridloom runs list --out .*` shows"),
        (lambda ids: ids[0][:-1] + "x", "Did you mean"),
        (lambda _ids: "2", "Several runs begin with '2': .* Give more of the id"),
    ],
)
def test_an_id_that_finds_none_or_several(
    tmp_path: Path, asked: Callable[[list[str]], str], said: str
) -> None:
    ids = [run(tmp_path) for _ in range(2)]
    with pytest.raises(UsageError, match=said):
        find_run_id(tmp_path, asked(ids))


def test_how_long_steps_took_is_the_mean_of_the_last_runs_that_executed_them(tmp_path: Path) -> None:
    run(tmp_path)
    change(tmp_path, "UPDATE steps SET duration_s = 3.0 WHERE step_id = 'a'")
    run(tmp_path, force=True)
    change(tmp_path, "UPDATE steps SET duration_s = 1.0 WHERE step_id = 'a' AND duration_s < 1")
    run(tmp_path)
    with closing(Database(tmp_path, writes=False)) as database:
        found = expected_durations(database, "toys")

        assert found["a"] == pytest.approx(2.0), "a hit does not count"
        assert found.keys() == {"a", "b"}
        assert expected_durations(database, "another pipeline") == {}


class TestCompare:
    def test_settings_outcomes_and_outputs(self, tmp_path: Path) -> None:
        one, other = run(tmp_path), run(tmp_path, text="new")
        compared = compare_runs(load_run(tmp_path, one), load_run(tmp_path, other))

        assert [head["run_id"] for head in compared["runs"]] == [one, other]
        assert compared["settings"] == [{"step_id": "b", "setting": "text", "before": "", "after": "new"}]
        a, b = compared["steps"]
        assert (a["outcome"], a["same_outputs"]) == (["executed", "cached"], True)
        assert (b["outcome"], b["same_outputs"]) == (["executed", "executed"], False)
        assert b["reason"] == ["never ran before", "config `text` '' → new"]

    def test_steps_that_only_one_of_them_has(self, tmp_path: Path) -> None:
        one = run(tmp_path)
        other = working(tmp_path).execute().run_id
        compared = compare_runs(load_run(tmp_path, one), load_run(tmp_path, other))

        assert [(step["step_id"], step["outcome"]) for step in compared["steps"]][-1] == (
            "c",
            [None, "executed"],
        )
        assert compared["steps"][-1]["same_outputs"] is None

    def test_of_a_run_that_was_cut_off_settings_and_outputs_are_not_known(self, tmp_path: Path) -> None:
        kill("working", tmp_path)
        cut_off = find_run_id(tmp_path, "latest")
        other = working(tmp_path).execute().run_id
        compared = compare_runs(load_run(tmp_path, cut_off), load_run(tmp_path, other))

        assert compared["settings"] is None
        assert [step["same_outputs"] for step in compared["steps"]] == [None] * 3
        assert [step["outcome"] for step in compared["steps"]] == [
            ["executed", "cached"],
            ["interrupted", "executed"],
            ["pending", "executed"],
        ]

    def test_failed_steps(self, tmp_path: Path) -> None:
        one = run(tmp_path)
        dag = pipeline(tmp_path, force=True)
        chain(dag, [CachedWork("a", fail()), CachedWork("b")])
        compared = compare_runs(load_run(tmp_path, one), load_run(tmp_path, dag.execute().run_id))

        assert [step["outcome"][1] for step in compared["steps"]] == ["failed", "cancelled"]
        assert [step["same_outputs"] for step in compared["steps"]] == [False, False]
