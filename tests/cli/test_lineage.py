from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.dag.toys import CachedWork, chain, pipeline
from tests.e2e.processes import Done

TABLE = "data/hourly/day.parquet"


def test_from_the_table_down_to_the_pages(made: Done, call: Call) -> None:
    done = call("lineage", TABLE)

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "hourly/day.parquet  (unchanged)"
    assert lines[1].startswith("  made by transform (gridloom.transform.steps.TransformStep, version ")
    assert '    respondents = ["ERCO","PACW"]' in lines
    assert "  from raw:" in lines
    assert any(line.startswith("    raw/sample-") for line in lines)
    assert any(line.startswith("      made by extract-region-data (gridloom.extract") for line in lines)
    assert not any("gridloom.transform.complete" in line for line in lines)
    assert "gridloom.transform.complete" in call("lineage", TABLE, "-v").out


def test_json(made: Done, call: Call) -> None:
    found = call("lineage", TABLE, "--json").json

    assert found.keys() == {"path", "digest", "state", "made_by"}
    assert found["made_by"].keys() == {
        "step_id",
        "run_id",
        "type",
        "version",
        "made_at",
        "settings",
        "code",
        "inputs",
    }
    (given,) = found["made_by"]["inputs"]
    assert given["made_by"]["settings"]["source"].startswith("sample:")


def test_a_file_with_four_hundred_steps_behind_it(call: Call) -> None:
    dag = pipeline(Path("data"))
    chain(dag, [CachedWork(f"s{number}") for number in range(400)])
    dag.execute().raise_for_failure()
    last = "data/steps/s399/note.txt"

    assert sum("made by s" in line for line in call("lineage", last).out.splitlines()) == 400
    assert call("lineage", last, "--json").out.count('"step_id"') == 400


def test_a_changed_and_a_gone_file(made: Done, call: Call) -> None:
    Path(TABLE).write_text("changed")
    assert "hourly/day.parquet  (changed)" in call("lineage", TABLE).out
    Path(TABLE).unlink()
    assert "hourly/day.parquet  (gone)" in call("lineage", TABLE).out


def test_files_from_nowhere(made: Done, call: Call) -> None:
    Path("data/mine.txt").write_text("mine")
    inside, outside, named = (
        call("lineage", "data/mine.txt"),
        call("lineage", "elsewhere.txt"),
        call("lineage", "elsewhere.txt", "--out", "data"),
    )

    assert inside.code == outside.code == named.code == 2
    assert "No step made" in inside.error
    assert "lies in no output folder of GridLoom" in outside.error
    assert "No step made" in named.error


def test_another_folder(made: Done, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Path("data").rename("moved")
    Path("link").symlink_to("moved", target_is_directory=True)

    assert call("lineage", "link/hourly/day.parquet").out.startswith("hourly/day.parquet  (unchanged)")
    assert call("lineage", "moved/hourly/day.parquet", "--out", "link").code == 0
    monkeypatch.chdir(tmp_path / "moved" / "hourly")
    assert call("lineage", "day.parquet").code == 0


def test_what_is_used_after_a_rerun_with_other_settings(made: Done, call: Call) -> None:
    call(*SMALL, "--regions", "PACW")

    assert 'respondents = ["PACW"]' in call("lineage", TABLE).out


def test_quiet_says_nothing(made: Done, call: Call) -> None:
    assert call("lineage", TABLE, "-q").out == ""


@pytest.mark.parametrize("part", ["", "receipt.json", "page-0000.json.gz"])
def test_a_landed_page_its_folder_and_its_receipt_name_the_window_and_the_set(
    made: Done, call: Call, part: str
) -> None:
    (receipt,) = Path("data/raw").glob("*/*/receipt.json")

    lines = call("lineage", receipt.parent / part).out.splitlines()
    found = call("lineage", receipt.parent / part, "--json").json

    assert lines[0].endswith("  (unchanged)")
    assert lines[2] == "  2019-01-01T00 to 2019-01-01T23 of ERCO, PACW"
    assert lines[3] == "  D, 48 rows"
    assert "made by extract-region-data in run" in lines[4]
    assert found["window"]["rows"] == 48
    assert [held["made_by"]["step_id"] for held in found["held_by"]] == ["extract-region-data"]
