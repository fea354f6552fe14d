"""The same loading by other libraries, in an environment of their own; imports nothing of GridLoom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


def polars_pivot(path: str) -> dict[str, float]:
    """Long to wide by polars."""
    import polars as pl

    started, cpu = time.perf_counter(), time.process_time()
    long = pl.read_parquet(path, columns=["period", "respondent", "series", "value"])
    wide = long.pivot(["respondent", "series"], index="period", values="value").sort("period")
    matrix = wide.drop("period").cast(pl.Float32).to_numpy()
    return _pivoted(long.height, started, cpu, matrix)


def duckdb_pivot(path: str) -> dict[str, float]:
    """Long to wide by DuckDB."""
    import duckdb

    started, cpu = time.perf_counter(), time.process_time()
    base = duckdb.connect()
    base.execute("SET threads = 2")
    rows = base.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0]
    source = f"(SELECT period, respondent || '.' || series AS feature, value FROM '{path}')"
    query = f"PIVOT {source} ON feature USING first(value::FLOAT) GROUP BY period ORDER BY period"
    columns = base.execute(query).fetchnumpy()
    del columns["period"]
    matrix = np.stack([np.ma.filled(column, np.nan) for column in columns.values()], axis=1)
    return _pivoted(rows, started, cpu, matrix)


def _pivoted(rows: int, started: float, cpu: float, matrix: Any) -> dict[str, float]:
    return {
        "rows_per_s": rows / (time.perf_counter() - started),
        "cpu_s": time.process_time() - cpu,
        "there": float(np.isfinite(matrix).mean()),
    }


def torch_loader(folder: str, length: int, batch: int, seconds: float, workers: int) -> dict[str, float]:
    """PyTorch's DataLoader over slices of a tensor."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    values = torch.from_numpy(_values(folder))

    class Slices(Dataset):
        def __len__(self) -> int:
            return len(values) - length + 1

        def __getitem__(self, start: int) -> Any:
            return values[start : start + length]

    loader = DataLoader(Slices(), batch, shuffle=True, drop_last=True, num_workers=workers)
    facts = _count(lambda: (len(each) for each in loader), seconds, length)
    if workers:
        del facts["per_cpu_s"]  # the workers' CPU is not of this process
    return facts


def mlx_data(folder: str, length: int, batch: int, seconds: float) -> dict[str, float]:
    """mlx-data: a buffer of starts, each turned into its slice."""
    import mlx.data as dx

    values = _values(folder)
    starts = [{"start": np.array(start, np.int64)} for start in range(len(values) - length + 1)]

    def epoch() -> Iterator[int]:
        slices = dx.buffer_from_vector(starts).shuffle().to_stream()
        cut = slices.key_transform("start", lambda start: values[int(start) : int(start) + length])
        for each in cut.batch(batch):
            yield len(each["start"])

    return _count(epoch, seconds, length)


def gluonts(folder: str, length: int, batch: int, seconds: float) -> dict[str, float]:
    """GluonTS: its instance splitter over one series of many dimensions, stacked into batches."""
    import pandas as pd
    from gluonts.dataset.field_names import FieldName
    from gluonts.transform import InstanceSplitter
    from gluonts.transform.sampler import InstanceSampler

    values = _values(folder)

    class Every(InstanceSampler):
        def __call__(self, ts: Any) -> Any:
            return np.arange(*self._get_bounds(ts))

    splitter = InstanceSplitter(
        target_field=FieldName.TARGET,
        is_pad_field=FieldName.IS_PAD,
        start_field=FieldName.START,
        forecast_start_field=FieldName.FORECAST_START,
        instance_sampler=Every(axis=-1, min_past=length - 24, min_future=24),
        past_length=length - 24,
        future_length=24,
    )
    entry = {"target": values.T, "start": pd.Period("2019-01-01", "h")}

    def epoch() -> Iterator[int]:
        made = []
        for instance in splitter([dict(entry)], is_train=True):
            made.append((instance["past_target"], instance["future_target"]))
            if len(made) == batch:
                np.stack([past for past, _ in made]), np.stack([future for _, future in made])
                yield batch
                made.clear()

    return _count(epoch, seconds, length)


def naive(folder: str, length: int, batch: int, seconds: float) -> dict[str, float]:
    """The loop that one writes first: an MLX array of every window, stacked."""
    import mlx.core as mx

    values = _values(folder)

    def epoch() -> Iterator[int]:
        starts = np.random.default_rng(7).permutation(len(values) - length + 1).tolist()
        for begin in range(0, len(starts) - batch + 1, batch):
            cut = [mx.array(values[start : start + length]) for start in starts[begin : begin + batch]]
            mx.eval(mx.stack(cut))
            yield batch

    return _count(epoch, seconds, length)


def mlx_load(folder: str) -> dict[str, float]:
    """MLX's own reading of the same file, up to the same window."""
    import mlx.core as mx

    started = time.perf_counter()
    tensors = mx.load(str(Path(folder, "tensors.safetensors")))
    opened_s = time.perf_counter() - started
    mx.eval(tensors["values"][:192], tensors["mask"][:192])
    return {"open_ms": 1e3 * opened_s, "first_ms": 1e3 * (time.perf_counter() - started)}


def _values(folder: str) -> Any:
    return np.load(Path(folder, "values.npy"))


def _count(epoch: Callable[[], Iterator[int]], seconds: float, length: int) -> dict[str, float]:
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
