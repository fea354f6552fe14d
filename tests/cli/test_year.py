from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call

DAY = ["--start", "2019-01-01T00", "--end", "2019-01-01T23"]
SMALL = ["--sample", "--regions", "PACW", "--series", "D", *DAY]
FILE = "data/hourly/eia930_2019-01-01T00_2019-01-01T23.parquet"


def test_a_run_says_where_the_file_is_what_it_holds_and_how_to_read_it(call: Call) -> None:
    done = call("year", *SMALL)

    assert done.code == 0
    assert f"\n{FILE}\n24 rows, every hour from 2019-01-01T00 to 2019-01-01T23 UTC of 1 series;" in done.out
    assert "PACW             1    24        0     0" in done.out
    assert f'    hourly = pl.read_parquet("{FILE}")' in done.out
    assert f"Prove it:  gridloom check {FILE}" in done.out
    assert "2 requests (0 retries) to sample:" in done.out
    assert "extract-region-data: executed, 24 rows, 2 requests" in done.err


def test_the_three_lines_that_it_prints_do_read_the_file(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    done = call("year", *SMALL)
    lines = done.out.split("Read it:\n")[1].split("\n\n")[0].splitlines()

    exec("\n".join(line.strip() for line in lines), {})  # noqa: S102 - it is what a user would paste

    assert len(lines) == 3
    assert "PACW" in capsys.readouterr().out


def test_the_command_that_it_prints_proves_the_file(call: Call) -> None:
    printed = call("year", *SMALL).out.split("Prove it:")[1].split()

    assert call(*printed[1:]).code == 0


def test_json_is_one_object_and_the_rest_is_on_stderr(call: Call) -> None:
    done = call("year", *SMALL, "--json")

    assert done.code == 0
    assert (done.json["outcome"], done.json["rows"], done.json["parquet"]) == ("succeeded", 24, FILE)
    assert "executed" in done.err


def test_json_and_quiet_leaves_only_the_object(call: Call) -> None:
    done = call("year", *SMALL, "--json", "-q")

    assert done.json["outcome"] == "succeeded"
    assert done.err == ""


def test_quiet_says_nothing(call: Call) -> None:
    done = call("year", *SMALL, "--regions", "SPP", "--quiet")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_verbose_says_every_finding(call: Call) -> None:
    plain = call("year", *SMALL)
    verbose = call("year", *SMALL, "--force", "-v")

    assert "grid-complete ok" not in plain.err
    assert "transform: grid-complete ok" in verbose.err


def test_a_corrected_code_is_one_line_of_warning(call: Call) -> None:
    done = call("year", *SMALL, "--regions", "SPP,SPP", "--json")

    assert done.code == 0
    assert done.err.count("'SPP' is not a code of EIA-930; using 'SWPP'") == 1
    assert len(done.json["warnings"]) == 1


def test_the_last_regions_given_count_and_duplicates_do_not(call: Call) -> None:
    done = call("plan", *SMALL, "--regions", "ERCO,pacw,ERCO", "--json")

    assert done.json["regions"] == ["ERCO", "PACW"]


def test_a_dry_run_writes_nothing_and_plan_is_the_same(call: Call, tmp_path: Path) -> None:
    dry = call("year", *SMALL, "--dry-run", "--json")
    plan = call("plan", *SMALL, "--json")

    assert dry.code == plan.code == 0
    assert dry.json == plan.json
    assert dry.json["outcome"] == "planned"
    assert (dry.json["windows"], dry.json["requests"]) == (1, {"least": 2, "most": 2, "metadata": 1})
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_for_people(call: Call, tmp_path: Path) -> None:
    done = call("year", *SMALL, "--dry-run")

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
