"""Landed pages to one Parquet: by GridLoom's transform step, and by polars alone."""

from __future__ import annotations

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from clock import Clock
from extract_cases import SERIES, extract_dag
from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig
from gridloom.extract.replay import ReplayData, ReplayServer
from gridloom.grid.artifacts import RawPages, WindowSet
from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.grid.table import KEY
from gridloom.sample import sample_path
from gridloom.transform.steps import TransformConfig, TransformStep


def land(data: str, out: str, first: str, last: str) -> dict[str, float]:
    """Lands what is to be transformed, by the extract steps themselves; an empty `data` is the sample."""
    with ReplayServer(ReplayData.load([Path(data) if data else sample_path()])) as server:
        result = extract_dag(server.url, Path(out), last, in_flight=5, first=first).execute()
    result.raise_for_failure()
    return {"rows": result.totals["rows_received"]}


class LandedConfig(StepConfig):
    index: Path


class Landed(BaseStep[LandedConfig]):
    """Hands over pages that landed before, so that only the transform is measured."""

    def _execute(self) -> RawPages:
        index = RawPages.of(self.config.index, rows=0, windows=0, route="").index()
        rows = sum(window.rows for window in index.windows)
        return RawPages.of(self.config.index, rows=rows, windows=len(index.windows), route=index.route)


def gridloom(landed: str, out: str, first: str, last: str) -> dict[str, float]:
    """Runs the transform step on landed pages."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=Path(out)))
    sources = [
        dag.add_step(Landed(LandedConfig(step_id=f"landed-{number}", index=index)))
        for number, index in enumerate(_indexes(landed))
    ]
    config = TransformConfig(name="bench", first=first, last=last, respondents=STANDARD_EIGHT, series=SERIES)
    dag.add_step(TransformStep(config), dependencies=sources)
    with Clock() as clock:
        result = dag.execute()
    result.raise_for_failure()
    received = sum(result[source.step_id].metrics.rows for source in sources)
    return _facts(clock, received, Path(out, "hourly", "bench.parquet"))


def bare(landed: str, out: str, *, ordered: bool) -> dict[str, float]:
    """Reads each page with polars, two threads, and writes Parquet; `ordered` drops doubles and sorts too."""
    path = Path(out, "bare.parquet")
    with Clock() as clock:
        jobs = [
            (page, _schema(index), prefix, code)
            for index, prefix, code in (_facets(index) for index in _indexes(landed))
            for window in _windows(index)
            for page in sorted((index.parent.parent / window).glob("page-*.json.gz"))
        ]
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            table = pl.concat(pool.map(_page, jobs))
        if ordered:
            keys = [pl.col(name).cast(pl.String) if name != "period" else pl.col(name) for name in KEY]
            table = table.unique(KEY).sort(keys)
        table.write_parquet(path, compression="zstd")
    return _facts(clock, table.height, path)


def _indexes(landed: str) -> list[Path]:
    return sorted(Path(landed, "raw").glob("*/sets/*.json"))


def _facets(index: Path) -> tuple[Path, str, str]:
    route = RawPages.of(index, rows=0, windows=0, route="").index().route
    return (index, "NG.", "fueltype") if route == "fuel-type-data" else (index, "", "type")


def _windows(index: Path) -> list[str]:
    found: WindowSet = RawPages.of(index, rows=0, windows=0, route="").index()
    return [window.folder for window in found.windows]


def _schema(index: Path) -> pl.Schema:
    fields = dict.fromkeys(("period", "respondent", _facets(index)[2], "value"), pl.String())
    return pl.Schema({"response": pl.Struct({"data": pl.List(pl.Struct(fields))})})


def _page(job: tuple[Path, pl.Schema, str, str]) -> pl.DataFrame:
    path, schema, prefix, code = job
    answer = pl.read_json(gzip.decompress(path.read_bytes()), schema=schema)
    return (
        answer["response"]
        .struct.field("data")[0]
        .struct.unnest()
        .select(
            (pl.col("period") + ":00").str.to_datetime("%Y-%m-%dT%H:%M", time_unit="ms", time_zone="UTC"),
            pl.col("respondent").cast(pl.Categorical()),
            (prefix + pl.col(code)).cast(pl.Categorical()).alias("series"),
            pl.col("value").cast(pl.Float64),
        )
    )


def _facts(clock: Clock, rows: int, path: Path) -> dict[str, float]:
    return {**clock.facts(rows), "file_mb": path.stat().st_size / 1e6}
