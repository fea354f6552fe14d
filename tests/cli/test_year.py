from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done

FILE = "data/hourly/day.parquet"


def test_a_run_says_where_the_file_is_what_it_holds_and_how_to_read_it(made: Done) -> None:
    assert made.code == 0
    assert f"\n{FILE}\n48 rows, every hour from 2019-01-01T00 to 2019-01-01T23 UTC of 1 series;" in made.out
    assert "ERCO             1    24        0     0" in made.out
    assert f'    hourly = pl.read_parquet("{FILE}")' in made.out
    assert f"Prove it:  gridloom check {FILE}" in made.out
    assert "2 requests (0 retries) to sample:" in made.out
    assert "extract-region-data: executed, 48 rows, 2 requests" in made.err


def test_the_three_lines_that_it_prints_do_read_the_file(
    made: Done, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = made.out.split("Read it:\n")[1].split("\n\n")[0].splitlines()

    exec("\n".join(line.strip() for line in lines), {})  # it is what a user would paste

    assert len(lines) == 3
    assert "PACW" in capsys.readouterr().out


def test_the_command_that_it_prints_proves_the_file(made: Done, call: Call) -> None:
    printed = made.out.split("Prove it:")[1].split()

    assert call(*printed[1:]).code == 0


def test_json_is_one_object_and_the_rest_is_on_stderr(made: Done, call: Call) -> None:
    done = call(*SMALL, "--json")

    assert done.code == 0
    assert (done.json["outcome"], done.json["rows"], done.json["parquet"]) == ("succeeded", 48, FILE)
    assert "transform: cached" in done.err


def test_json_and_quiet_leaves_only_the_object(made: Done, call: Call) -> None:
    done = call(*SMALL, "--json", "-q")

    assert done.json["outcome"] == "succeeded"
    assert done.err == ""


def test_quiet_says_nothing(made: Done, call: Call) -> None:
    done = call(*SMALL, "--regions", "PACW,ERCOT", "--quiet")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_verbose_says_every_finding(made: Done, call: Call) -> None:
    done = call(*SMALL, "--force", "-v")

    assert "grid-complete ok" not in made.err
    assert "transform: grid-complete ok" in done.err


def test_a_corrected_code_is_one_line_of_warning(made: Done, call: Call) -> None:
    done = call(*SMALL, "--regions", "ERCOT,PACW,ERCOT", "--json")

    assert done.code == 0
    assert done.err.count("'ERCOT' is not a code of EIA-930; using 'ERCO'") == 1
    assert len(done.json["warnings"]) == 1


def test_the_last_regions_given_count_and_duplicates_do_not(call: Call) -> None:
    done = call("plan", *SMALL[1:], "--regions", "ERCO,pacw,ERCO", "--json")

    assert done.json["regions"] == ["ERCO", "PACW"]


def test_a_dry_run_writes_nothing_and_plan_is_the_same(call: Call, tmp_path: Path) -> None:
    dry = call(*SMALL, "--dry-run", "--json")
    plan = call("plan", *SMALL[1:], "--json")

    assert dry.code == plan.code == 0
    assert dry.json == plan.json
    assert dry.json["outcome"] == "planned"
    assert (dry.json["windows"], dry.json["requests"]) == (1, {"least": 2, "most": 2, "metadata": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_for_people(call: Call, tmp_path: Path) -> None:
    done = call(*SMALL, "--dry-run")

    assert done.code == 0
    assert "1 windows, 2 requests, no rate limit. Nothing was asked or written." in done.out
    assert FILE in done.out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_needs_the_key_too_but_asks_nobody(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    without = call("year", "--year", "2024", "--dry-run")
    monkeypatch.setenv("EIA_API_KEY", "key-of-the-tests")
    plan = call("year", "--year", "2024", "--dry-run", "--json")

    assert without.code == 2
    assert plan.json["source"] == "eia"
    assert plan.json["limiter_s"] > 0
    assert "key-of-the-tests" not in plan.out


@pytest.mark.parametrize(
    ("flags", "regions", "hours_per_batch"),
    [
        (["--optimized"], ["ERCO", "NYIS", "PACW", "PJM"], 90),
        (["--optimized", "--batch-days", "60"], ["ERCO", "NYIS", "PACW", "PJM"], 60),
        (
            ["--optimized", "--all-regions"],
            ["CAR", "ERCO", "ISNE", "MISO", "NYIS", "PACW", "PJM", "SWPP"],
            90,
        ),
        ([], ["CAR", "ERCO", "ISNE", "MISO", "NYIS", "PACW", "PJM", "SWPP"], 45),
    ],
)
def test_presets(flags: list[str], regions: list[str], hours_per_batch: int, call: Call) -> None:
    plan = call("plan", "--sample", *flags, "--json").json

    fuels = next(step for step in plan["steps"] if step["step_id"] == "extract-fuel-type-data")
    assert plan["regions"] == regions
    assert fuels["windows"] == len(regions) * -(-365 // hours_per_batch)


def test_demo_is_one_region_and_uses_the_sample_without_a_key(call: Call) -> None:
    plan = call("demo", "--region", "pacw", "--dry-run", "--json")

    assert plan.code == 0
    assert "EIA_API_KEY is not set; using the embedded real data of 2019" in plan.err
    assert plan.json["parquet"] == "data/hourly/eia930_PACW_2019.parquet"
    assert plan.json["regions"] == ["PACW"]
    assert plan.json["source"].startswith("sample:")


def test_demo_with_a_key_asks_eia(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIA_API_KEY", "key-of-the-tests")
    live = call("demo", "--dry-run", "--json").json
    sample = call("demo", "--sample", "--dry-run", "--json").json

    assert (live["source"], live["parquet"]) == ("eia", "data/hourly/eia930_PACW_2024.parquet")
    assert sample["source"].startswith("sample:")


def test_demo_knows_what_is_meant(call: Call) -> None:
    plan = call("demo", "--region", "ERCOT", "--dry-run", "--json").json

    assert plan["parquet"] == "data/hourly/eia930_ERCO_2019.parquet"


def test_demo_is_quiet_too(call: Call) -> None:
    done = call("demo", "--dry-run", "-q")

    assert (done.out, done.err) == ("", "")


def test_settings_come_from_the_environment_and_the_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gridloom.toml").write_text('regions = "ERCO"\nout = "from-file"\n')
    monkeypatch.setenv("GRIDLOOM_OUT", "from-environment")

    plan = call("plan", "--sample", "--json").json
    flag = call("plan", "--sample", "--out", "from-flag", "--regions", "PACW", "--json").json

    assert plan["parquet"] == "from-environment/hourly/eia930_2019.parquet"
    assert plan["regions"] == ["ERCO"]
    assert flag["parquet"] == "from-flag/hourly/eia930_2019.parquet"
    assert flag["regions"] == ["PACW"]


def test_the_process_executor_makes_the_same_file(made: Done, call: Call, tmp_path: Path) -> None:
    done = call(*SMALL, "--executor", "process", "--out", "other", "--json")
    record = json.loads((tmp_path / done.json["run_dir"] / "results.json").read_text())
    scopes = {step["step_id"]: step["metrics"]["peak_rss_scope"] for step in record["steps"]}

    assert done.code == 0, done.err
    assert (tmp_path / "other/hourly/day.parquet").read_bytes() == (tmp_path / FILE).read_bytes()
    # requests of all steps go through one limiter, so extract steps stay in one process
    assert scopes == {"extract-region-data": "process", "transform": "step"}
