"""What is measured of loading, by GridLoom itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from clock import Clock
from gridloom import GridDataset, MLXDatasetConfig, MLXDatasetStep, PipelineDAG, PipelineDAGConfig
from gridloom.grid.artifacts import TensorDataset
from gridloom.load.build import build_dataset
from gridloom.load.card import DatasetCard, SourceCard, SplitCard, write_card
from gridloom.load.plan import DatasetRequest, plan_dataset
from gridloom.load.select import select
from gridloom.load.steps import HourlyFileConfig, HourlyFileStep
from gridloom.load.survey import survey
from gridloom.load.tensor_file import write_tensors
from gridloom.load.wide import scatter

HORIZON = 24


def wide(path: str) -> dict[str, float]:
    """Long to wide, from the file to matrix and mask."""
    with Clock() as clock:
        found = survey(Path(path))
        _, mask = scatter(found, select(found, None, None, calendar=False))
    return {"rows_per_s": found.rows / clock.wall_s, "cpu_s": clock.cpu_s, "there": float(mask.mean())}


def step(path: str, out: str) -> dict[str, float]:
    """The whole load as a DAG: from the file to a committed dataset."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=Path(out)))
    with Clock() as clock:
        table = dag.add_step(HourlyFileStep(HourlyFileConfig.of(Path(path))))
        dag.add_step(MLXDatasetStep(MLXDatasetConfig(name="t")), dependencies=[table])
        result = dag.execute()
    result.raise_for_failure()
    rows, made = result["hourly-file"].metrics.rows, result["load"].output
    assert isinstance(made, TensorDataset)
    return {
        "rows_per_s": rows / clock.wall_s,
        "wall_s": clock.wall_s,
        "cpu_s": clock.cpu_s,
        "file_mb": made.size_bytes / 1e6,
    }


def make_matrix(folder: str, steps: int, features: int) -> dict[str, float]:
    """Writes a dataset of noise, 2 % of it masked; all of it is the training span."""
    rng = np.random.default_rng(7)
    mask = (rng.random((steps, features)) > 0.02).astype(np.uint8)
    values = rng.standard_normal((steps, features), np.float32) * mask
    names = tuple(f"R{number:03}.D" for number in range(features))
    spans = {"train": SplitCard(start=0, stop=steps, first=None, last=None)}
    spans |= {name: SplitCard(start=steps, stop=steps, first=None, last=None) for name in ("valid", "test")}
    card = DatasetCard(
        name="bench",
        features=names,
        units=("MWh",) * features,
        known_ahead=(),
        constant=(),
        steps=steps,
        first="",
        last="",
        splits=spans,
        context=168,
        horizon=24,
        stride=1,
        scaling="standard",
        time_zones={},
        source=SourceCard(identity="custom:bench", digest="", rows_digest="", column="value"),
    )
    arrays: dict[str, Any] = {
        "values": values,
        "mask": mask,
        "time": 3_600 * np.arange(steps),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
    }
    write_tensors(Path(folder, "tensors.safetensors"), arrays, {})
    write_card(Path(folder), card)
    np.save(Path(folder, "values.npy"), values)
    return {"mb": (values.nbytes + mask.nbytes) / 1e6}


def windows(
    folder: str,
    *,
    length: int,
    batch: int,
    seconds: float,
    output: str,
    scaled: bool,
    memory_mb: float = 1024,
) -> dict[str, float]:
    """Shuffled windows of `length` hours, the last 24 of them to predict, with their masks."""
    dataset = GridDataset.open(folder, memory_mb=memory_mb)
    loop = dataset.windows(
        "train", length - HORIZON, HORIZON, batch_size=batch, shuffle=True, scaled=scaled, drop_last=True
    )
    if output == "mlx":
        import mlx.core as mx

        return count(lambda: (mx.eval(*_arrays(each)) or len(each) for each in loop), seconds, length)
    loop = getattr(loop, f"to_{output}")()
    return count(lambda: (len(each) for each in loop), seconds, length)


def _arrays(batch: Any) -> list[Any]:
    return [batch.context, batch.context_mask, batch.target, batch.target_mask]


def count(epoch: Callable[[], Iterator[int]], seconds: float, length: int) -> dict[str, float]:
    """Returns windows a second over epochs that last so long together; what comes before them counts."""
    done, started, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        for size in epoch():
            done += size
            passed = time.perf_counter() - started
            if passed > seconds:
                return {
                    "windows_per_s": done / passed,
                    "per_cpu_s": done / (time.process_time() - cpu),
                    "steps_per_s": done / passed * length,
                }


def copies(folder: str, length: int, batch: int, seconds: float, fresh: bool) -> dict[str, float]:
    """The bound: the same bytes, values and masks, copied window by window.

    If `fresh`, into new memory for each batch, as everyone has to whose batches outlive the next one.
    """
    dataset = GridDataset.open(folder)
    values, mask = np.array(dataset.values), np.array(dataset.mask)
    shape = (batch, length, values.shape[1])
    starts = np.random.default_rng(7).permutation(len(values) - length + 1).tolist()
    to = np.empty(shape, np.float32), np.empty(shape, np.uint8)

    def epoch() -> Iterator[int]:
        nonlocal to
        for begin in range(0, len(starts) - batch + 1, batch):
            if fresh:
                to = np.empty(shape, np.float32), np.empty(shape, np.uint8)
            for place, start in enumerate(starts[begin : begin + batch]):
                to[0][place] = values[start : start + length]
                to[1][place] = mask[start : start + length]
            yield batch

    return count(epoch, seconds, length)


def opened(folder: str) -> dict[str, float]:
    """Opens a dataset and takes one window of a week and a day, in physical units."""
    started = time.perf_counter()
    dataset = GridDataset.open(folder)
    opened_s = time.perf_counter() - started
    next(iter(dataset.windows("train", scaled=False, batch_size=1).to_numpy()))
    return {"open_ms": 1e3 * opened_s, "first_ms": 1e3 * (time.perf_counter() - started)}


def imported() -> dict[str, float]:
    """Imports what opening imports, for its memory."""
    import gridloom.load.batches

    return {"modules": float(gridloom.load.batches is not None)}


def build(path: str, out: str) -> dict[str, float]:
    """The functions behind the step, without the DAG."""
    with Clock() as clock:
        plan = plan_dataset(Path(path), DatasetRequest(name="t", context=168, horizon=24, stride=1))
        build_dataset(Path(out, "t"), plan, source="", digest="", rows_digest="")
    return {"rows_per_s": plan.survey.rows / clock.wall_s, "wall_s": clock.wall_s, "cpu_s": clock.cpu_s}
