"""``gridloom run FILE.yaml`` and ``gridloom plan FILE.yaml``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done

DAY = """\
pipeline: day
shared:
  first: 2019-01-01T00
  last: 2019-01-01T23
  respondents: [PACW, ERCO]
  series: D
  sample: true
steps:
  extract-region-data: {uses: extract}
  transform:
    uses: transform
    needs: [extract-region-data]
    settings: {name: day}
"""
"""The same as `SMALL`."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "day.yaml"
    path.write_text(DAY)
    return path


def test_it_runs_and_says_what_it_made(file: Path, call: Call) -> None:
    done = call("run", "day.yaml")

    assert done.code == 0, done.err
    assert "transform            executed" in done.out
    assert "2 requests (0 retries), 48 rows received" in done.out
    assert "transform made data/hourly/day.parquet" in done.out
    assert call(*done.out.split("Prove it:")[1].split()[1:]).code == 0


def test_what_year_made_is_a_hit_for_the_file_and_the_other_way_round(
    file: Path, call: Call, tmp_path: Path
) -> None:
    call(*SMALL)
    parquet = (tmp_path / "data/hourly/day.parquet").read_bytes()
    after_year = call("run", "day.yaml", "--json")
    call("run", "day.yaml", "--out", "other")
    after_file = call(*SMALL, "--out", "other", "--json")

    for done in (after_year, after_file):
        assert {step["outcome"] for step in done.json["steps"]} == {"cached"}
        assert done.json["http_requests"] == 0
    assert (tmp_path / "other/hourly/day.parquet").read_bytes() == parquet


def test_json_has_the_keys_of_year(made: Done, file: Path, call: Call) -> None:
    year, done = call(*SMALL, "--json").json, call("run", "day.yaml", "--json", "-q")

    assert done.err == ""
    of_a_table = {"source", "first", "last", "rows_first", "rows_last", "respondents", "series", "proof"}
    assert set(year) - of_a_table <= set(done.json)
    assert {key: done.json[key] for key in ("outcome", "parquet", "rows", "pipeline", "file")} == {
        "outcome": "succeeded",
        "parquet": "data/hourly/day.parquet",
        "rows": 48,
        "pipeline": "day",
        "file": "day.yaml",
    }


def test_a_dry_run_writes_nothing_and_plan_is_the_same(file: Path, call: Call, tmp_path: Path) -> None:
    dry, plan = call("run", "day.yaml", "--dry-run", "--json"), call("plan", "day.yaml", "--json")
    people = call("plan", "day.yaml")

    assert dry.code == plan.code == 0
    assert dry.json == plan.json
    assert (plan.json["outcome"], plan.json["windows"]) == ("planned", 1)
    assert plan.json["requests"] == {"least": 2, "most": 2, "metadata": 1}
    assert [step["decision"] for step in plan.json["steps"]] == ["run", "run"]
    assert "day of day.yaml to data" in people.out
    assert "Nothing was asked or written." in people.out
    assert [path.name for path in tmp_path.iterdir()] == ["day.yaml"]


def test_flags_win_over_environment_and_file(
    file: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f"out: of-the-file\nexecutor: process\n{DAY}")
    monkeypatch.setenv("GRIDLOOM_OUT", "of-the-environment")

    assert call("plan", "day.yaml", "--json").json["out"] == "of-the-environment"
    assert call("run", "day.yaml", "--out", "told", "--executor", "thread", "--max-parallel", "1").code == 0
    assert (tmp_path / "told/hourly/day.parquet").exists()
    forced = call("run", "day.yaml", "--out", "told", "--force", "--json").json
    assert {step["reason"] for step in forced["steps"]} == {"forced"}


def test_what_is_wrong_is_exit_2_with_file_and_line(file: Path, call: Call, tmp_path: Path) -> None:
    file.write_text(DAY.replace("{name: day}", "{name: day, batch_dayz: 3}"))
    done = call("run", "day.yaml", "--json")

    assert done.code == 2
    assert done.error.startswith("day.yaml:13: step 'transform': there is no setting `batch_dayz`.")
    assert done.json["error"]["type"] == "ConfigError"
    assert not (tmp_path / "data").exists()


def test_a_flag_that_belongs_into_the_file(file: Path, call: Call) -> None:
    done = call("plan", "day.yaml", "--year", "2019")

    assert done.code == 2
    assert "--year is set in the file. Flags that go with a file are --out, --max-parallel," in done.err


def test_a_file_that_is_not_there(call: Call) -> None:
    done = call("run", "none.yaml")

    assert done.code == 2
    assert done.error.startswith("There is no file 'none.yaml'.")


def test_a_corrected_code_is_one_line_of_warning(file: Path, call: Call) -> None:
    file.write_text(DAY.replace("ERCO", "ERCOT"))
    done = call("plan", "day.yaml")

    assert done.err.count("'ERCOT' is not a code of EIA-930; using 'ERCO'") == 1


@pytest.mark.parametrize(("flags", "code"), [([], 1), (["--continue-on-failure"], 3)])
def test_a_failure_has_the_exit_code_of_the_contract(
    flags: list[str], code: int, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "failing_steps.py").write_text(
        "from gridloom import BaseStep, StepConfig\n"
        "class Fails(BaseStep[StepConfig]):\n    def _execute(self) -> None: raise ValueError('it broke')\n"
        "class Works(BaseStep[StepConfig]):\n    def _execute(self) -> int: return 1\n"
    )
    (tmp_path / "p.yaml").write_text(
        "steps:\n  a: {uses: 'failing_steps:Works'}\n  b: {uses: 'failing_steps:Fails', after: [a]}\n"
        "  c: {uses: 'failing_steps:Works', after: [b]}\n"
    )
    done = call("run", "p.yaml", *flags)

    assert done.code == code
    assert done.error == "Step 'b' failed with ValueError: it broke (-v shows where.)"
    assert "runs/" in done.err


def test_a_run_of_a_file_can_be_carried_on(file: Path, call: Call, tmp_path: Path) -> None:
    call("run", "day.yaml", "-q", "--max-parallel", "1")
    resumed = call("resume", "latest", "--json")
    file.write_text(DAY.replace("{name: day}", "{name: other}"))
    changed = call("resume", "latest")
    file.unlink()
    gone = call("resume", "latest")

    assert resumed.code == 0
    assert {step["outcome"] for step in resumed.json["steps"]} == {"cached"}
    assert changed.code == gone.code == 2
    assert "`name` day → other" in changed.error
    assert "There is no file" in gone.error


def test_a_plan_of_a_file_may_be_a_flowchart(file: Path, call: Call) -> None:
    assert "flowchart" in call("plan", "day.yaml", "--mermaid").out


BREAKING = """\
from gridloom.dag import BaseStep, StepConfig


class Breaks(BaseStep[StepConfig]):
    def _execute(self) -> int:
        raise KeyError("x")
"""


def test_an_error_of_a_step_of_ones_own_names_step_and_class(call: Call, tmp_path: Path) -> None:
    (tmp_path / "breaking.py").write_text(BREAKING)
    (tmp_path / "b.yaml").write_text("steps:\n  peaks: {uses: 'breaking:Breaks'}\n")
    done, loud = call("run", "b.yaml"), call("run", "b.yaml", "-v")
    said = call("run", "b.yaml", "--json").json["error"]

    assert done.code == 1
    assert "gridloom: error: Step 'peaks' failed with KeyError: 'x' (-v shows where.)" in done.err
    assert "Traceback" not in done.err
    assert 'breaking.py", line 6, in _execute' in loud.err
    assert (said["type"], said["message"]) == ("KeyError", "Step 'peaks' failed with KeyError: 'x'")


def test_what_would_be_bad_input_is_a_failure_once_the_run_has_begun(call: Call, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        BREAKING.replace("Breaks", "Wrong")
        .replace('KeyError("x")', 'UsageError("No such thing.")')
        .replace("from gridloom.dag", "from gridloom.errors import UsageError\nfrom gridloom.dag")
    )
    (tmp_path / "w.yaml").write_text("steps:\n  a: {uses: 'wrong:Wrong'}\n")

    assert call("run", "w.yaml").code == 1
