"""A year from a server to disk: by GridLoom's extract steps, and by bare loops."""

from __future__ import annotations

import asyncio
import math
from importlib import import_module
from pathlib import Path

from bare_clients import Job, answer_type, over_httpx2, over_streams
from clock import Clock
from gridloom.dag import PipelineDAG, PipelineDAGConfig
from gridloom.extract.plan import STANDARD_BATCH_DAYS, plan_windows
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.hours import HourRange
from gridloom.grid.respondents import STANDARD_EIGHT
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST
from gridloom.grid.series import route_requests

for late in ("httpcore2", "anyio._backends._asyncio"):
    import_module(late)  # or they come with the first request, and imports are not what is measured

SERIES = ("D", "NG.all")
KEY = "k3" * 20
"""As long as a real one, because it is searched for in every answer."""


def gridloom(url: str, out: str, last: str, in_flight: int) -> dict[str, float]:
    """Runs the two extract steps of ``gridloom year``."""
    with Clock() as clock:
        result = extract_dag(url, Path(out), last, in_flight).execute()
    result.raise_for_failure()
    totals = result.totals
    return _facts(clock, totals["rows_received"], totals["requests"])


def extract_dag(url: str, out: Path, last: str, in_flight: int, first: str = "2019-01-01T00") -> PipelineDAG:
    """Returns the DAG that fetches demand and fuels of the standard eight."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="bench", output_dir=out))
    for series in SERIES:
        config = EIAExtractConfig(
            series=(series,),
            respondents=STANDARD_EIGHT,
            first=first,
            last=last,
            base_url=url,
            api_key=KEY,
            rate_limit="off",
            concurrency=in_flight,
        )
        dag.add_step(EIAExtractStep(config))
    return dag


def bare(
    url: str, out: str, last: str, in_flight: int, client: str, *, durable: bool = True
) -> dict[str, float]:
    """Runs a bare loop over the same windows, as many in flight for each route."""
    hours = HourRange.of_labels("2019-01-01T00", last)
    plans = [
        plan_windows(hours, request, STANDARD_EIGHT, batch_days=STANDARD_BATCH_DAYS)
        for request in route_requests(SERIES)
    ]
    with Clock() as clock:
        jobs = [Job(url, windows, Path(out), answer_type(windows[0]), durable) for windows in plans]
        asyncio.run(_all(jobs, in_flight, client))
    return _facts(clock, sum(job.rows for job in jobs), sum(job.requests for job in jobs))


async def _all(jobs: list[Job], in_flight: int, client: str) -> None:
    if client == "streams":
        await asyncio.gather(*(job.run(over_streams, in_flight) for job in jobs))
        return
    connect, close = over_httpx2(in_flight * len(jobs))
    await asyncio.gather(*(job.run(connect, in_flight) for job in jobs))
    await close()


def _facts(clock: Clock, rows: int, requests: int) -> dict[str, float]:
    return {
        **clock.facts(rows),
        "requests": requests,
        "least_requests": math.ceil(rows / MAX_ROWS_PER_REQUEST),
    }
