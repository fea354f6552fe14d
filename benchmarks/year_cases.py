"""GridLoom beside other clients: a year to one Parquet, extraction alone, extraction under the limit."""

from __future__ import annotations

import bisect
import os
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

import gridloom
from clock import Clock
from gridloom.dag import PipelineDAG, PipelineDAGConfig
from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.replay.faults import Faults
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.sample import sample_path

for late in ("gridloom.extract.connect", "gridloom.extract.pull", "httpcore2", "anyio._backends._asyncio"):
    import_module(late)  # the other clients are loaded before their clock starts, too


def to_parquet(
    url: str, out: str, last: str, in_flight: int, batch_days: int | str = "auto"
) -> dict[str, float]:
    """Runs all of ``gridloom year``: extraction, proof, and the one checked table."""
    settings = {
        "base_url": url,
        "rate_limit": "off",
        "concurrency": in_flight,
        "batch_days": batch_days,
        "out": out,
    }
    os.environ["EIA_API_KEY"] = "any"
    with Clock() as clock:
        table = gridloom.hourly("2019-01-01T00", last, STANDARD_EIGHT, ["D", "NG.all"], **settings)
    frame = table.scan().filter(pl.col("status").cast(pl.String) != "missing").collect()
    return {
        **clock.facts(frame.height),
        "lost_rows": frame.height - frame.select("period", "respondent", "series").n_unique(),
        "value_sum": float(frame["value"].sum()),
    }


def extract(
    url: str, out: str, last: str, in_flight: int, batch_days: int | str = "auto"
) -> dict[str, float]:
    """Runs the extract steps alone."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=Path(out)))
    for series in ("D", "NG.all"):
        asked = {"series": (series,), "first": "2019-01-01T00", "last": last, "batch_days": batch_days}
        dag.add_step(EIAExtractStep(_config(url, concurrency=in_flight, rate_limit="off", **asked)))
    with Clock() as clock:
        result = dag.execute()
    result.raise_for_failure()
    rows = result.totals["rows_received"]
    return {
        **clock.facts(rows),
        "lost_rows": 0,  # or it would have failed
        "requests": result.totals["requests"],
    }


def paced(out: str, latency_ms: float, days: int) -> dict[str, float]:
    """Extracts the sample's fuels with the limiter on, from a server that suspends who asks too fast.

    The time is that of the extract step; the arrivals are the server's own.
    """
    arrivals: list[float] = []
    options = ReplayOptions(latency_ms=latency_ms, faults=Faults(rate=5, per_hour=9_000))
    server = ReplayServer(ReplayData.load([sample_path()]), options)
    server._app = _Noting(server._app, arrivals)  # type: ignore[assignment]
    last = datetime(2019, 1, 1, 23, tzinfo=UTC) + timedelta(days=days - 1)
    with server:
        asked = {"first": "2019-01-01T00", "last": f"{last:%Y-%m-%dT%H}", "series": ("NG.all",)}
        dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=Path(out)))
        step = dag.add_step(EIAExtractStep(_config(server.url, batch_days=45, **asked)))
        result = dag.execute()
    result.raise_for_failure()
    took, requests = result[step.step_id], result.totals["requests"]
    bound_s = (requests - 1) / 5 + latency_ms / 1000
    return {
        "requests": requests,
        "retries": result.totals["retries"],
        "wall_s": took.duration_s,
        "bound_s": bound_s,
        "over_bound": took.duration_s / bound_s,
        "most_in_a_second": _most_in_a_second(arrivals),
        "rows": result.totals["rows_received"],
    }


class _Noting:
    """An application that notes when requests arrive."""

    def __init__(self, app: Any, arrivals: list[float]) -> None:
        self._app = app
        self._arrivals = arrivals

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Notes the time, and lets the application answer."""
        self._arrivals.append(time.monotonic())
        await self._app(scope, receive, send)


def _most_in_a_second(arrivals: list[float]) -> int:
    """Returns the most arrivals in any half-open second."""
    times = sorted(arrivals)
    return max(bisect.bisect_left(times, first + 1.0) - place for place, first in enumerate(times))


def _config(url: str, **settings: Any) -> EIAExtractConfig:
    return EIAExtractConfig(respondents=STANDARD_EIGHT, base_url=url, api_key="any", **settings)
