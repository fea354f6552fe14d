from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Call
from tests.e2e.processes import Done

from gridloom.sample import sample_path

SMALL = ["--context", "6", "--horizon", "2", "--series", "D"]


@pytest.fixture
def file(made: Done, tmp_path: Path) -> Path:
    return tmp_path / "data" / "hourly" / "day.parquet"


def test_it_makes_tensors_of_what_year_made(call: Call, file: Path, tmp_path: Path) -> None:
    done = call("load", file, *SMALL)
    again = call("load", file, *SMALL, "--json")

    assert done.code == again.code == 0
    assert "data/tensors/day\n24 hours x 16 features from 2019-01-01T00 to 2019-01-01T23 UTC" in done.out
    assert re.search(r"train +2019-01-01T00 +2019-01-01T15 +16 +9", done.out)
    assert "Note: A window has 8 hours, more than a split: valid 3, test 5." in done.out
    assert [step["outcome"] for step in again.json["steps"]] == ["cached", "cached"]
    assert again.json["dataset"] == "data/tensors/day"
    assert again.json["splits"][0] == {
        "split": "train",
        "first": "2019-01-01T00",
        "last": "2019-01-01T15",
        "hours": 16,
        "windows": 9,
    }
    assert (tmp_path / "data" / "tensors" / "day" / "tensors.safetensors").is_file()
    assert json.loads((tmp_path / "data" / "tensors" / "day" / "dataset.json").read_text())["context"] == 6


def test_the_lines_that_it_prints_run(call: Call, file: Path, tmp_path: Path) -> None:
    said = call("load", file, *SMALL).out.partition("Use it:\n")[2]
    lines = "\n".join(line.removeprefix("    ") for line in said.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )

    assert len(said.splitlines()) == 3
    assert done.stdout.split("\n")[0] == "(9, 6, 16) (9, 2, 2) (9, 2, 14)"


def test_every_option_is_heard(call: Call, file: Path) -> None:
    done = call(
        "load",
        file,
        *SMALL,
        "--name",
        "mine",
        "--stride",
        "3",
        "--respondents",
        "pacw,ERCOT",
        "--splits",
        "2019-01-01T09, 2019-01-01T19",
        "--scaling",
        "robust",
        "--out",
        "other",
        "--json",
    )

    assert done.code == 0
    assert done.json["dataset"] == "other/tensors/mine"
    assert [split["last"] for split in done.json["splits"]] == [
        "2019-01-01T09",
        "2019-01-01T19",
        "2019-01-01T23",
    ]
    assert [split["windows"] for split in done.json["splits"]] == [1, 1, 0]
    assert "'ERCOT' is not a code of EIA-930; using 'ERCO'" in done.err
    card = json.loads(Path("other/tensors/mine/dataset.json").read_text())
    assert (card["scaling"], card["stride"]) == ("robust", 3)


BAD = {
    "unknown series": (["--series", "NG.WND"], "UnknownCodeError", "no series 'NG.WND'"),
    "no series": (["--series", "WIND"], "UnknownCodeError", "is not a series"),
    "unknown respondent": (["--respondents", "PACE"], "UnknownCodeError", "Did you mean PACW?"),
    "context longer than the data": (["--context", "9000"], "ConfigError", "longer than the training span"),
    "splits out of order": (
        ["--splits", "2019-01-01T20,2019-01-01T10"],
        "ConfigError",
        "train_end,valid_end in this order",
    ),
    "splits outside": (["--splits", "2018-01-01T20,2019-01-01T10"], "ConfigError", "outside of the data"),
    "one split": (["--splits", "2019-01-01T20"], "ConfigError", "--splits takes two hours"),
    "split of a day": (["--splits", "2019-01-01,2019-01-02"], "ConfigError", "is not an hour"),
    "no context": (["--context", "0"], "ConfigError", "--context cannot be 0: it has to be 1 or more"),
    "no number": (["--stride", "often"], "UsageError", "--stride"),
    "name with a folder": (["--name", "a/b"], "ConfigError", "--name cannot be 'a/b'"),
    "scaling of another kind": (["--scaling", "minmax"], "UsageError", "standard"),
}


@pytest.mark.parametrize(("arguments", "kind", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_said_before_any_work(
    arguments: list[str], kind: str, said: str, call: Call, file: Path
) -> None:
    done = call("load", file, *arguments, "--json")

    assert done.code == 2
    assert done.json["error"]["type"] == kind
    assert said in done.json["error"]["message"]
    assert not Path("data/tensors").exists()


def test_a_parquet_that_is_not_of_the_contract(call: Call, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("x")

    for name, said in {
        "text.parquet": "not a whole Parquet file",
        "none.parquet": "There is no file",
    }.items():
        done = call("load", name)
        assert done.code == 2
        assert said in done.error
    assert not Path("data").exists()


@pytest.mark.parametrize("absent", ["numpy", "holidays"])
def test_an_extra_that_is_missing(absent: str, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: None if name == absent else True)

    done = call("load", sample_path())

    assert done.code == 2
    assert f"`gridloom load` needs {absent}, which is not installed" in done.error
    assert "pip install 'gridloom[tensors]'" in done.error


def test_quiet_says_nothing(call: Call, file: Path) -> None:
    done = call("load", file, *SMALL, "-q")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_run_that_fails_says_why(call: Call, file: Path) -> None:
    Path("data/tensors").write_text("in the way")

    done = call("load", file, *SMALL)

    assert done.code == 1
    assert "gridloom: error:" in done.err
