"""Bad input is one sentence on stderr, exit code 2, one JSON object where asked, and nothing written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Call

NEXT_YEAR = str(datetime.now(UTC).year + 1)

YEAR_DAY = ["year", "--sample", "--start", "2019-01-01T00", "--end", "2019-01-01T23"]

BAD = {
    "unknown region": (["year", "--sample", "--regions", "PACV"], "UnknownCodeError", "Did you mean PAC"),
    "unknown series": (["year", "--sample", "--series", "WND"], "UnknownCodeError", "NG.WND"),
    "sample of another year": (["year", "--sample", "--year", "2020"], "NoDataError", "2019-01-01T00"),
    "year before the history": (["year", "--year", "2015"], "NoDataError", "history starts"),
    "year to come": (["year", "--year", NEXT_YEAR], "ConfigError", "future"),
    "year that is none": (["year", "--year", "twenty"], "ConfigError", "whole number"),
    "end before start": (
        ["year", "--sample", "--start", "2019-02-01T00", "--end", "2019-01-01T00"],
        "ConfigError",
        "lies before the start",
    ),
    "end year before start year": (
        ["year", "--start-year", "2021", "--end-year", "2020"],
        "ConfigError",
        "before the start year",
    ),
    "bare date": (["year", "--start", "2019-01-01", "--end", "2019-02-01"], "ConfigError", "not an hour"),
    "two spans": (["year", "--year", "2019", "--start", "2019-01-01T00"], "ConfigError", "contradict"),
    "batch of 0 days": (["year", "--sample", "--batch-days", "0"], "ConfigError", "--batch-days cannot be"),
    "6,000 records": (["year", "--sample", "--records-per-request", "6000"], "ConfigError", "5000 or less"),
    "no region": (["year", "--sample", "--regions", ","], "ConfigError", "at least one region"),
    "no key": (["year"], "KeyMissingError", "EIA_API_KEY"),
    "rate of nothing": (["year", "--sample", "--rate-limit", "0"], "ConfigError", "no rate"),
    "base URL without scheme": (["year", "--base-url", "api.eia.gov/v2"], "ConfigError", "not the URL"),
    "two sources": (["year", "--sample", "--base-url", "http://127.0.0.1/v2"], "ConfigError", "two sources"),
    "name with a folder": (["year", "--sample", "--name", "../x"], "ConfigError", "without a folder"),
    "no such stage": (["year", "--sample", "--through", "train"], "ConfigError", "'transform'"),
    "too few hours for windows": (
        [*YEAR_DAY, "--through", "ring"],
        "ConfigError",
        "windows of 192 hours from the first 16 of the 24 hours asked for",
    ),
    "unknown flag": (["year", "--smaple"], "UsageError", "--sample"),
    "unknown command": (["yaer"], "UsageError", "yaer"),
    "two regions for demo": (["demo", "--region", "PACW,ERCO"], "UsageError", "gridloom year"),
    "no region for demo": (["demo", "--region", ""], "ConfigError", "at least one region"),
    "plan": (["plan", "--sample", "--batch-days", "0"], "ConfigError", "--batch-days cannot be"),
    "unknown kind": (["regions", "--kind", "state"], "UsageError", "balancing_authority"),
    "file that is not there": (["check", "nothing.parquet"], "FileFormatError", "nothing.parquet"),
    "no file": (["check"], "UsageError", "FILE.parquet"),
    "folder for a file": (["check", "."], "FileFormatError", "."),
    "unknown run": (["runs", "show", "latest"], "UsageError", "no run"),
    "no folder": (["year", "--sample", "--out", ""], "ConfigError", "--out cannot be ''"),
    "no URL": (["year", "--base-url", ""], "ConfigError", "--base-url cannot be ''"),
    "no name for tensors": (["load", "x.parquet", "--name", ""], "ConfigError", "--name cannot be ''"),
    "no file of lineage": (["year", "--sample", "--lineage", ""], "ConfigError", "--lineage is empty"),
    "no store of MLflow": (["year", "--sample", "--mlflow", ""], "ConfigError", "--mlflow is empty"),
    "a name too long": (["plan", "--sample", "--name", "a" * 300], "ConfigError", "at most 200 characters"),
    "an empty file name": (["check", ""], "UsageError", "it has to name a file or folder"),
    "no run": (["runs", "show"], "UsageError", "RUN_ID"),
}


@pytest.mark.parametrize(("arguments", "kind", "said"), BAD.values(), ids=BAD)
def test_it_is_said_in_one_line(
    arguments: list[str], kind: str, said: str, call: Call, tmp_path: Path
) -> None:
    done = call(*arguments)

    assert done.code == 2
    assert done.out == ""
    assert said in done.error
    assert done.error.endswith((".", ".)"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("arguments", "kind", "said"), BAD.values(), ids=BAD)
def test_it_is_one_json_object_too(arguments: list[str], kind: str, said: str, call: Call) -> None:
    done = call(*arguments, "--json")

    found = done.json
    assert done.code == 2
    assert found.keys() == {"outcome", "error"}
    assert found["outcome"] == "failed"
    assert found["error"].keys() == {"type", "message"}
    assert found["error"]["type"] == kind
    assert said in found["error"]["message"]


def test_a_flag_without_its_value(call: Call) -> None:
    done = call("year", "--json", "--regions")

    assert done.code == 2
    assert "--regions" in done.json["error"]["message"]


def test_no_rate_limit_is_for_this_machine_only(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIA_API_KEY", "key-of-the-tests")
    done = call("year", "--rate-limit", "off")

    assert done.code == 2
    assert "loopback" in done.error


def test_the_port_of_a_server_that_is_none(call: Call) -> None:
    done = call("replay", "--port", "70000")

    assert done.code == 2
    assert "65535" in done.error


def test_a_file_to_serve_that_is_not_there(call: Call) -> None:
    done = call("replay", "--data", "nothing.parquet")

    assert done.code == 2
    assert "There is no file nothing.parquet" in done.error


@pytest.mark.parametrize("text", [b"not parquet", b""])
def test_data_that_cannot_be_served(text: bytes, call: Call, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(text)

    assert "x.parquet" in call("replay", "--port", "0", "--data", "x.parquet").error


def test_ctrl_c_outside_of_a_run_is_130_too(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gridloom.transform.findings.check_file", interrupted)
    done = call("check", "any.parquet", "--json")

    assert done.code == 130
    assert done.json["error"] == {"type": "InterruptedRunError", "message": "Interrupted."}


@pytest.mark.parametrize("out", ["a-file", "a-file/data"])
def test_an_output_folder_that_cannot_be_made(out: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("in the way")
    done = call("year", "--sample", "--out", out, "--json")

    assert done.code == 2
    assert done.json["error"]["type"] == "ConfigError"
    assert "Choose another folder with --out." in done.json["error"]["message"]
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_a_bad_settings_file_is_bad_input(call: Call, tmp_path: Path) -> None:
    (tmp_path / "gridloom.toml").write_text("api_key = 'canary-of-the-file'")

    done = call("year", "--sample", "--json")

    assert done.code == 2
    assert "EIA_API_KEY" in done.json["error"]["message"]
    assert "canary-of-the-file" not in done.out + done.err
