"""Loading in a DAG: once run, once cached, once torn; and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.load.tables import frame_of, hour, ramp, write

from gridloom.dag import PipelineDAG, PipelineDAGConfig, RunResult, StepContext
from gridloom.dag.events import ProgressMade
from gridloom.errors import (
    ConfigError,
    FileFormatError,
    InterruptedRunError,
    MissingExtraError,
    RawDataError,
    UnknownCodeError,
)
from gridloom.grid.artifacts import HourlyTable, TensorDataset
from gridloom.load.dataset import GridDataset
from gridloom.load.steps import HourlyFileConfig, HourlyFileStep, MLXDatasetConfig, MLXDatasetStep
from gridloom.sample import sample_path

COLUMNS = {("CAR", "D"): ramp(100), ("PACW", "D"): [*ramp(99), None]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "table.parquet", COLUMNS).path


def run(out: Path, file: Path, **settings: Any) -> RunResult:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="load", output_dir=out))
    table = dag.add_step(HourlyFileStep(HourlyFileConfig.of(file)))
    config = {"name": "t", "context": 5, "horizon": 2, **settings}
    dag.add_step(MLXDatasetStep(MLXDatasetConfig(**config)), dependencies=[table])
    return dag.execute()


def outcomes(result: RunResult) -> list[str]:
    return [step.outcome.value for step in result.steps.values()]


def test_it_runs_once_and_is_cached(tmp_path: Path, file: Path) -> None:
    first, second = run(tmp_path / "out", file), run(tmp_path / "out", file)

    made = first["load"].output
    assert isinstance(made, TensorDataset)
    assert (made.path, made.steps) == (tmp_path / "out" / "tensors" / "t", 100)
    assert made.features[0] == "CAR.D"
    assert sorted(each.name for each in made.path.iterdir()) == ["dataset.json", "tensors.safetensors"]
    assert (made.tensors.exists(), made.description.exists()) == (True, True)
    assert outcomes(first) == ["executed", "executed"]
    assert outcomes(second) == ["cached", "cached"]
    assert second["load"].output == made
    assert first["load"].metrics.rows == 100
    assert len(GridDataset.open(made).windows("train").to_numpy()) == 2


def test_a_torn_file_is_made_again(tmp_path: Path, file: Path) -> None:
    made = run(tmp_path / "out", file)["load"].output
    whole = made.tensors.read_bytes()
    made.tensors.write_bytes(whole[:-1])

    again = run(tmp_path / "out", file)

    assert outcomes(again) == ["cached", "executed"]
    assert made.tensors.read_bytes() == whole


def test_what_is_not_asked_for_is_no_part_of_the_progress(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloom.load.wide.SLICE_ROWS", 10)
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="load", output_dir=tmp_path / "out"))
    table = dag.add_step(HourlyFileStep(HourlyFileConfig.of(file)))
    config = MLXDatasetConfig(name="t", context=5, horizon=2, respondents=("PACW",))
    dag.add_step(MLXDatasetStep(config), dependencies=[table])
    said: list[ProgressMade] = []
    dag.subscribe(said.append, ProgressMade)

    dag.execute().raise_for_failure()

    assert (said[-1].done, said[-1].total) == (100, 100)


def test_a_file_is_known_by_its_content(tmp_path: Path, file: Path) -> None:
    run(tmp_path / "out", file)
    moved = file.rename(tmp_path / "moved.parquet")

    assert outcomes(run(tmp_path / "out", moved)) == ["executed", "cached"]

    write(moved, {**COLUMNS, ("CAR", "D"): ramp(100, 1)})
    result = run(tmp_path / "out", moved)
    assert outcomes(result) == ["executed", "executed"]
    assert "config `digest` " in result["hourly-file"].reason


def test_what_changes_the_tensors_runs_again(tmp_path: Path, file: Path) -> None:
    first = run(tmp_path / "out", file)["load"].output
    for settings in (
        {"scaling": "robust"},
        {"calendar": False},
        {"splits": (hour(49), hour(79))},
        {"stride": 2},
    ):
        result = run(tmp_path / "out", file, **settings)
        assert outcomes(result) == ["cached", "executed"]
        assert result["load"].output.digest != first.digest


def test_the_table_of_a_file_is_the_table_that_was_written(tmp_path: Path) -> None:
    written = write(tmp_path / "table.parquet", COLUMNS)

    ctx = StepContext(out=tmp_path, step_id="hourly-file", staging=tmp_path / "staging")
    table = HourlyFileStep(HourlyFileConfig.of(written.path)).run({}, ctx)

    assert table == written


def test_the_embedded_sample_is_such_a_file(tmp_path: Path) -> None:
    result = run(tmp_path, sample_path(), context=168, horizon=24)
    result.raise_for_failure()
    table = result["hourly-file"].output

    assert isinstance(table, HourlyTable)
    assert (table.rows, table.hours_missing, table.hours_null) == (998_640, 12_879, 0)
    dataset = GridDataset.open(result["load"].output)
    assert dataset.card.source.digest == table.digest
    assert dataset.card.source.rows_digest == table.rows_digest
    series = [place for place, unit in enumerate(dataset.card.units) if unit]
    assert int((dataset.mask[:, series] == 0).sum()) == 12_879
    assert np.isfinite(dataset.values).all()


def test_a_file_without_a_digest_of_its_rows_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame_of(COLUMNS).write_parquet(path, metadata={"gridloom.schema_version": "1", "gridloom.source": "eia"})

    with pytest.raises(FileFormatError, match=r"its footer lacks gridloom\.rows_digest"):
        run(tmp_path / "out", path).raise_for_failure()


def test_a_file_that_changes_after_it_was_planned_is_seen(tmp_path: Path, file: Path) -> None:
    step = HourlyFileStep(HourlyFileConfig.of(file))
    pl.read_parquet(file).write_parquet(file, metadata=pl.read_parquet_metadata(file), compression="lz4")

    with pytest.raises(RawDataError, match="was changed while it was read"):
        step.run({}, StepContext(out=tmp_path, step_id="hourly-file", staging=tmp_path / "staging"))


def test_findings_say_what_a_user_should_know(tmp_path: Path) -> None:
    file = write(tmp_path / "table.parquet", {("NEW1", "D"): ramp(100)}).path

    result = run(tmp_path / "out", file, context=60, horizon=5)

    failed = {finding.name: finding.detail for finding in result["load"].findings if not finding.passed}
    assert failed == {
        "windows-fit": "A window has 65 hours, more than a split: valid 15, test 15.",
        "time-zones-known": "No time zone is known of NEW1; their calendar is in UTC.",
    }
    plain = run(tmp_path / "out", file, calendar=False)
    assert all(finding.passed for finding in plain["load"].findings)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"context": 500}, ConfigError),
        ({"series": ("TI",)}, UnknownCodeError),
        ({"respondents": ("PACE",)}, UnknownCodeError),
        ({"splits": (hour(70), hour(60))}, ConfigError),
    ],
)
def test_what_does_not_fit_the_table_fails_the_run(
    tmp_path: Path, file: Path, settings: dict[str, Any], error: type[Exception]
) -> None:
    result = run(tmp_path / "out", file, **settings)

    assert isinstance(result.error, error)
    assert not (tmp_path / "out" / "tensors").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "../x"}, "without a folder"),
        ({"context": 0}, "`context`"),
        ({"scaling": "minmax"}, "'standard', 'robust' or 'none'"),
        ({"splits": (hour(1),)}, "`splits"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MLXDatasetConfig(**{"name": "t", **settings})


def test_without_numpy_it_says_what_to_install(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: None if name == "numpy" else True)

    result = run(tmp_path / "out", file)

    assert isinstance(result.error, MissingExtraError)
    assert "pip install 'gridloom[tensors]'" in str(result.error)


def test_it_stops_when_the_run_is_cancelled(tmp_path: Path, file: Path) -> None:
    table = HourlyTable.of(
        file,
        rows=200,
        first=hour(0),
        last=hour(99),
        respondents=("CAR", "PACW"),
        series=("D",),
        hours_missing=0,
        hours_null=0,
        rows_digest="sha256:0",
        source="custom:test",
    )
    ctx = StepContext(out=tmp_path, step_id="load", staging=tmp_path / "staging")
    ctx._token.cancel("enough")

    with pytest.raises(InterruptedRunError, match="enough"):
        MLXDatasetStep(MLXDatasetConfig(name="t", context=5, horizon=2)).run({"hourly": table}, ctx)
