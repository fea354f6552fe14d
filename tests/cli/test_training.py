"""A run that goes on to tensors and ring shards: what it prints, and that the lines it prints work."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Call

RUN = [
    *["year", "--sample", "--regions", "PACW", "--series", "D", "--name", "small"],
    *["--start", "2019-01-01T00", "--end", "2019-02-28T23"],
]


def python_in(printed: str) -> str:
    """Returns the lines of Python at the end of what was printed."""
    lines = printed.partition("Train on them:\n")[2].splitlines()
    assert all(line.startswith("    ") for line in lines)
    return "\n".join(line.strip() for line in lines)


def test_through_ring_it_ends_with_three_lines_that_work(call: Call, tmp_path: Path) -> None:
    done = call(*RUN, "--through", "ring")

    assert done.code == 0
    assert (
        "\ndata/tensors/small\n1,416 hours x 8 features from 2019-01-01T00 to 2019-02-28T23 UTC" in done.out
    )
    assert "\ndata/ring/small\n1,416 hours from" in done.out
    assert done.out.count("-of-04.safetensors") == 4
    lines = python_in(done.out)
    assert lines.count("\n") == 2
    names: dict[str, object] = {}
    exec(lines, names)
    assert names["shard"].values.shape == (354, 8)  # type: ignore[attr-defined]
    assert next(iter(names["windows"].to_numpy())).context.shape == (32, 168, 8)  # type: ignore[attr-defined]


def test_through_load_it_names_the_tensors_only(call: Call, tmp_path: Path) -> None:
    done = call(*RUN, "--through", "load")

    assert done.code == 0
    assert python_in(done.out).startswith("from gridloom import GridDataset\nwindows = ")
    assert "ring" not in done.out
    assert not (tmp_path / "data" / "ring").exists()


def test_a_second_run_is_all_cached(call: Call) -> None:
    call(*RUN, "--through", "ring", "-q")

    steps = call(*RUN, "--through", "ring", "--json").json["steps"]

    assert {step["step_id"]: step["outcome"] for step in steps} == dict.fromkeys(
        ["extract-region-data", "transform", "load", "ring"], "cached"
    )


def test_a_plan_shows_every_stage(call: Call) -> None:
    found = call(*RUN, "--through", "ring", "--dry-run", "--json").json

    assert [step["step_id"] for step in found["steps"]][-2:] == ["load", "ring"]
    assert found["parquet"] == "data/hourly/small.parquet"


def test_a_missing_extra_is_said_before_anything_is_fetched(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)

    done = call(*RUN, "--through", "ring")

    assert done.code == 2
    assert "pip install 'gridloom[tensors]'" in done.error
    assert list(tmp_path.iterdir()) == []
