from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done
from tests.support.interrupted import cut_off


@pytest.fixture
def run_id(made: Done, tmp_path: Path) -> str:
    return next((tmp_path / "data" / "runs").iterdir()).name


def test_they_are_listed_with_outcome_rows_and_requests(run_id: str, call: Call) -> None:
    again = call(*SMALL, "--json").json["run_id"]
    done = call("runs", "list")
    found = call("runs", "list", "--json").json["runs"]

    assert done.code == 0
    assert run_id in done.out
    assert again in done.out
    # Ids begin with the second of the start; within one second their order is chance.
    assert {run["run_id"]: run["http_requests"] for run in found} == {run_id: 2, again: 0}
    assert {run["rows"] for run in found} == {48}
    assert found[0].keys() == {
        "run_id",
        "outcome",
        "pipeline",
        "started_at",
        "duration_s",
        "rows",
        "http_requests",
    }


def test_the_newest_comes_first(call: Call, tmp_path: Path) -> None:
    for name in ("20190101T000000-aaaaaa", "20200101T000000-aaaaaa"):
        (tmp_path / "data" / "runs" / name).mkdir(parents=True)

    found = call("runs", "list", "--json").json["runs"]

    assert [run["run_id"][:4] for run in found] == ["2020", "2019"]


def test_one_is_shown_by_id_by_prefix_and_as_latest(run_id: str, call: Call) -> None:
    for name in (run_id, run_id[:-3], "latest"):
        done = call("runs", "show", name)
        assert done.code == 0
        assert run_id in done.out
        assert "transform made hourly/day.parquet" in done.out
        assert call("runs", "show", name, "--json").json["run_id"] == run_id


def test_verbose_shows_the_checks_that_passed(run_id: str, call: Call) -> None:
    assert "transform ok:" not in call("runs", "show", "latest").out
    assert "transform ok:" in call("runs", "show", "latest", "-v").out


def test_a_failed_run_is_shown_with_its_error(call: Call) -> None:
    # The sample has no interchange at all.
    failed = call(*SMALL, "--series", "TI", "--json")
    done = call("runs", "show", "latest")

    assert failed.code != 0
    assert done.code == 0
    assert f"Error: {failed.json['error']['message']}" in done.out


def test_unknown_and_ambiguous_ids(call: Call, tmp_path: Path) -> None:
    for name in ("20190101T000000-aaaaaa", "20190101T000000-bbbbbb"):
        (tmp_path / "data" / "runs" / name).mkdir(parents=True)

    unknown, near, several = (
        call("runs", "show", name) for name in ("x", "20190101T000000-aaaaab", "20190101")
    )

    assert unknown.code == near.code == several.code == 2
    assert "gridloom runs list" in unknown.error
    assert "Did you mean 20190101T000000-aaaaaa" in near.error
    assert "Several runs begin with '20190101'" in several.error


@pytest.mark.parametrize("record", [None, "", '{"run_id": "x"', "[]"])
def test_a_run_that_was_killed_is_listed_and_explained(
    record: str | None, call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "runs" / "20190101T000000-aaaaaa"
    folder.mkdir(parents=True)
    if record is not None:
        (folder / "results.json").write_text(record)

    listed = call("runs", "list", "--json").json["runs"]
    shown = call("runs", "show", "latest")

    assert [run["outcome"] for run in listed] == ["interrupted"]
    assert "interrupted" in call("runs", "list").out
    assert shown.code == 1
    assert "was killed" in shown.error
    assert "run the same command again" in shown.error


def test_another_folder_by_flag_environment_and_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there" / "runs" / "20190101T000000-aaaaaa").mkdir(parents=True)

    assert call("runs", "list", "--json").json["runs"] == []
    assert len(call("runs", "list", "--out", "there", "--json").json["runs"]) == 1
    monkeypatch.setenv("GRIDLOOM_OUT", "there")
    assert len(call("runs", "list", "--json").json["runs"]) == 1


def test_without_runs_it_says_how_to_start_one(call: Call, tmp_path: Path) -> None:
    done = call("runs", "list")

    assert done.code == 0
    assert "gridloom year --sample --out data" in done.out
    assert call("runs", "list", "-q").out == ""
    assert list(tmp_path.iterdir()) == []


def test_quiet_says_nothing(run_id: str, call: Call) -> None:
    assert call("runs", "list", "-q").out == ""
    assert call("runs", "show", run_id, "-q").out == ""


def test_a_run_that_was_cut_off_is_shown_as_far_as_it_came(run_id: str, call: Call) -> None:
    cut_off(Path("data"), run_id, "transform")
    done = call("runs", "show", run_id)

    assert done.code == 0
    assert done.out.splitlines()[0] == f"{run_id}  hourly  interrupted"
    assert [line.split()[:2] for line in done.out.splitlines()[4:6]] == [
        ["extract-region-data", "executed"],
        ["transform", "pending"],
    ]
    assert call("runs", "show", run_id, "--json").json["outcome"] == "interrupted"
    assert "interrupted" in call("runs", "list").out


def test_one_at_work_is_running(run_id: str, call: Call) -> None:
    cut_off(Path("data"), run_id, "transform", alive=True)

    assert call("runs", "list", "--json").json["runs"][0]["outcome"] == "running"
    assert call("runs", "show", "latest").out.splitlines()[0] == f"{run_id}  hourly  running"


class TestCompare:
    def test_settings_outcomes_rows_and_outputs(self, run_id: str, call: Call) -> None:
        call(*SMALL, "--regions", "PACW")
        done = call("runs", "compare", run_id, "latest")

        assert done.code == 0
        assert f"{run_id}  succeeded  " in done.out
        assert "transform: respondents ERCO,PACW → PACW" in done.out
        assert "48 → 24" in done.out
        assert "differ" in done.out

    def test_of_equal_runs_nothing_differs(self, run_id: str, call: Call) -> None:
        call(*SMALL)
        done = call("runs", "compare", run_id, "latest")

        assert "The settings are the same." in done.out
        assert "executed → cached" in done.out
        assert "differ" not in done.out

    def test_json(self, run_id: str, call: Call) -> None:
        call(*SMALL)
        found = call("runs", "compare", run_id, "latest", "--json").json

        assert found.keys() == {"runs", "settings", "steps"}
        assert found["settings"] == []
        assert found["steps"][0]["outcome"] == ["executed", "cached"]
        assert [step["same_outputs"] for step in found["steps"]] == [True, True]

    def test_one_that_was_cut_off(self, run_id: str, call: Call) -> None:
        cut_off(Path("data"), run_id, "transform")
        call(*SMALL)
        done = call("runs", "compare", run_id, "latest")

        assert done.code == 0
        assert f"{run_id}  interrupted\n" in done.out
        assert "The settings are the same." in done.out
        assert "pending → executed" in done.out

    def test_unknown_ones(self, run_id: str, call: Call) -> None:
        assert call("runs", "compare", run_id, "nothing").code == 2
        assert call("runs", "compare", run_id).code == 2
        assert call("runs", "compare", run_id, run_id, "-q").out == ""
