"""Ring shards in a DAG: once made, once cached, once torn; made anew when anything changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.datasets import make_dataset

from gridloom.dag import PipelineDAG, PipelineDAGConfig, RunResult
from gridloom.errors import ConfigError, RawDataError
from gridloom.grid.artifacts import RingShards, TensorDataset
from gridloom.load.ring import RingShard
from gridloom.load.ring_steps import (
    RingAttentionPrepConfig,
    RingAttentionPrepStep,
    TensorFolderConfig,
    TensorFolderStep,
)


def run(out: Path, dataset: Path, **settings: Any) -> RunResult:
    dag = PipelineDAG(PipelineDAGConfig(output_dir=out))
    source = dag.add_step(TensorFolderStep(TensorFolderConfig.of(dataset)))
    dag.add_step(RingAttentionPrepStep(RingAttentionPrepConfig(**settings)), dependencies=[source])
    return dag.execute()


def outcomes(result: RunResult) -> list[str]:
    return [step.outcome.value for step in result.steps.values()]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "tensors" / "small", 50).path


def test_shards_stand_at_their_place(tmp_path: Path, dataset: Path) -> None:
    made = run(tmp_path, dataset)["ring"].output

    assert isinstance(made, RingShards)
    assert made.path == tmp_path / "ring" / "small"
    assert (made.name, made.ranks, made.layout, made.length) == ("small", 4, "zigzag", 50)
    assert RingShard.open(made.path, 3).positions.shape == (14,)


def test_a_second_run_makes_nothing(tmp_path: Path, dataset: Path) -> None:
    run(tmp_path, dataset)

    assert outcomes(run(tmp_path, dataset)) == ["cached", "cached"]


def test_a_dataset_that_was_moved_is_the_same(tmp_path: Path, dataset: Path) -> None:
    run(tmp_path, dataset)

    moved = dataset.rename(tmp_path / "moved")

    assert outcomes(run(tmp_path, moved))[1] == "cached"


def test_another_setting_or_dataset_is_made_anew_in_the_same_place(tmp_path: Path, dataset: Path) -> None:
    run(tmp_path, dataset)

    assert outcomes(run(tmp_path, dataset, ranks=2)) == ["cached", "executed"]
    folder = tmp_path / "ring" / "small"
    assert len(list(folder.iterdir())) == 3
    make_dataset(dataset, 60)
    assert outcomes(run(tmp_path, dataset, ranks=2)) == ["executed", "executed"]
    assert RingShard.open(folder, 0).layout.length == 60


def test_names_keep_shards_apart(tmp_path: Path, dataset: Path) -> None:
    run(tmp_path, dataset, name="joint")
    run(tmp_path, dataset, name="each", by="respondent")

    assert RingShard.open(tmp_path / "ring" / "joint", 0).values.ndim == 2
    assert RingShard.open(tmp_path / "ring" / "each", 0).values.ndim == 3


def test_a_torn_shard_is_made_again(tmp_path: Path, dataset: Path) -> None:
    run(tmp_path, dataset)
    shard = tmp_path / "ring" / "small" / "rank-01-of-04.safetensors"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1])

    assert outcomes(run(tmp_path, dataset)) == ["cached", "executed"]
    assert shard.read_bytes() == whole


def test_a_sequence_that_cannot_be_cut_fails_the_step_in_words(tmp_path: Path, dataset: Path) -> None:
    result = run(tmp_path, dataset, ranks=51)

    assert isinstance(result.error, ConfigError)
    assert "51 ranks are more than the 50 steps" in str(result.error)
    assert not (tmp_path / "ring").exists()


@pytest.mark.parametrize("settings", [{"ranks": 0}, {"length": 0}, {"name": "a/b"}, {"layout": "spiral"}])
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        RingAttentionPrepConfig(**settings)


def test_a_dataset_that_changes_meanwhile_is_refused(dataset: Path) -> None:
    step = TensorFolderStep(TensorFolderConfig.of(dataset))
    make_dataset(dataset, 51)

    with pytest.raises(RawDataError, match="was changed while it was read"):
        step._execute()


def test_the_dataset_is_described_as_it_is(dataset: Path) -> None:
    found = TensorFolderStep(TensorFolderConfig.of(dataset))._execute()

    assert isinstance(found, TensorDataset)
    assert (found.name, found.steps, len(found.features)) == ("small", 50, 5)
