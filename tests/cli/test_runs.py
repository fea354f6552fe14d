from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call

DAY = ["--start", "2019-01-01T00", "--end", "2019-01-01T23"]
SMALL = ["year", "--sample", "--regions", "PACW", "--series", "D", *DAY]


@pytest.fixture
def two_runs(call: Call) -> tuple[str, str]:
    first, second = (call(*SMALL, "--json").json["run_id"] for _ in range(2))
    # Ids begin with the second of the start; two runs of one second would sort by chance.
    return first, second


def test_they_are_listed_with_outcome_rows_and_requests(call: Call, two_runs: tuple[str, str]) -> None:
    done = call("runs", "list")
    found = call("runs", "list", "--json").json

    assert done.code == 0
    assert all(run_id in done.out for run_id in two_runs)
    assert {run["run_id"] for run in found["runs"]} == set(two_runs)
    assert sorted(run["http_requests"] for run in found["runs"]) == [0, 2]
    assert {run["rows"] for run in found["runs"]} == {24}
    assert found["runs"][0].keys() == {
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


def test_one_is_shown_by_id_by_prefix_and_as_latest(call: Call) -> None:
    run_id = call(*SMALL, "--json").json["run_id"]

    for name in (run_id, run_id[:-3], "latest"):
        done = call("runs", "show", name)
        assert done.code == 0
        assert run_id in done.out
        assert "transform made hourly/eia930_2019-01-01T00_2019-01-01T23.parquet" in done.out
        assert call("runs", "show", name, "--json").json["run_id"] == run_id


def test_verbose_shows_the_checks_that_passed(call: Call) -> None:
    call(*SMALL)

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


def test_quiet_says_nothing(call: Call, two_runs: tuple[str, str]) -> None:
    assert call("runs", "list", "-q").out == ""
    assert call("runs", "show", two_runs[0], "-q").out == ""
