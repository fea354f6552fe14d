"""Fault schedules drawn from a seed, and runs of GridLoom in their weather."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import polars as pl
from tests.e2e.servers import sample_part

from gridloom.dag import PipelineDAG, PipelineDAGConfig, RunResult
from gridloom.extract.replay import VERSIONS, Faults, ReplayData, ReplayOptions, ReplayServer, spoiled
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.artifacts import HourlyTable
from gridloom.transform.steps import TransformConfig, TransformStep

Rows = dict[tuple[str, str, datetime], float | None]
"""Values by respondent, series and hour."""

RESPONDENTS: Final = ("ERCO", "PACW")
SERIES: Final = ("D", *(f"NG.{code}" for code in ("COL", "NG", "NUC", "OTH", "SUN", "WAT", "WND")))
DAYS: Final = 8
HOURS: Final = {"first": "2019-01-01T00", "last": "2019-01-08T23"}
KEY: Final = "a-key-of-the-soak"

ANSWERS: Final = {
    "http500": 0.3,
    "html502": 0.1,
    "html503": 0.1,
    "html504": 0.1,
    "html200": 0.1,
    "notfound500": 0.1,
    "over_rate_limit": 0.15,
    "reset": 0.1,
    "cut": 0.1,
    "truncate": 0.1,
    "stall": 0.02,
}
"""Faults of an answer, with the largest probability that is drawn."""

WINDOWS: Final = {"moving_total": 1.0, "inserted": 1.0, "unordered": 1.0}
ROWS: Final = {
    "label_case": 0.2,
    "null_value": 0.1,
    "missing_value": 0.1,
    "absent_hour": 0.1,
    "unknown_fuel": 0.05,
    "spike": 0.05,
    "duplicate": 0.01,
    "duplicate_facets": 0.5,
}
RARE: Final = {"badkey": 1.0, "per_hour": 20}
"""Faults that cannot be waited out, drawn for one schedule in ten."""


@dataclass(frozen=True)
class Schedule:
    """Weather, and how it is met.

    Attributes:
        faults: What goes wrong.
        version: The API's version.
        batch_days: Days per window, or ``auto``.
        page_rows: Rows per request: few, so that windows have several pages.
        concurrency: Requests in flight for each route.
    """

    faults: Faults
    version: str
    batch_days: int | str
    page_rows: int
    concurrency: int

    @classmethod
    def draw(cls, seed: int) -> Schedule:
        """Returns the schedule of a seed: some of all faults, each with a probability of its own."""
        chances = Random(seed)
        values: dict[str, float] = {}
        for group, share in ((ANSWERS, 0.5), (WINDOWS, 0.5), (ROWS, 0.3)):
            drawn = {name: chances.uniform(0, most) for name, most in group.items()}
            values |= {name: value for name, value in drawn.items() if chances.random() < share}
        if chances.random() < 0.3:
            values["suspend"] = chances.randint(1, 3)
        if chances.random() < 0.1:
            values["rate"] = chances.randint(60, 120)
        if chances.random() < 0.1:
            name = chances.choice(sorted(RARE))
            values[name] = RARE[name]
        tuning = {"suspend_s": 0.3, "stall_s": 1.5, "retry_after": chances.choice([0, 0, 1])}
        return cls(
            faults=Faults(seed=seed, **values, **tuning),
            version=chances.choice(sorted(VERSIONS)),
            batch_days=chances.choice([3, 4, 8, "auto"]),
            page_rows=chances.choice([150, 400, 1000]),
            concurrency=chances.choice([1, 3, 5]),
        )

    def calmed(self) -> Schedule:
        """Returns the same without weather: the rows stay as they are, but none stands there twice."""
        rows = {
            item.name: getattr(self.faults, item.name)
            for item in fields(Faults)
            if item.name in ROWS or item.name == "seed"
        }
        return replace(self, faults=Faults(**rows))

    def server(self, data: ReplayData) -> ReplayServer:
        """Returns a server in this weather, to be used in a with block."""
        version = VERSIONS[self.version]
        return ReplayServer(data, ReplayOptions(key=KEY, version=version, faults=self.faults))

    def run(self, url: str, out: Path) -> RunResult:
        """Runs extraction and transform once."""
        return pipeline(self, url, out).execute()


def pipeline(
    schedule: Schedule, url: str, out: Path, *, key: str = KEY, give_up_after_s: float = 4.0
) -> PipelineDAG:
    """Returns extraction and transform as a schedule says, with short limits of time."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="soak", output_dir=out))
    extracts = []
    for series in ("D", "NG.all"):
        config = EIAExtractConfig(
            series=(series,),
            respondents=RESPONDENTS,
            **HOURS,
            batch_days=schedule.batch_days,
            page_rows=schedule.page_rows,
            concurrency=schedule.concurrency,
            base_url=url,
            api_key=key,
            rate_limit="off",
            timeout_s=0.7,
            give_up_after_s=give_up_after_s,
        )
        extracts.append(dag.add_step(EIAExtractStep(config)))
    asked = {"respondents": RESPONDENTS, "series": ("D", "NG.all")}
    dag.add_step(TransformStep(TransformConfig(name="soak", **HOURS, **asked)), dependencies=extracts)
    return dag


def sample_data() -> ReplayData:
    """Returns what the servers serve before their faults spoil it."""
    return ReplayData.of_frame(sample_part(RESPONDENTS, SERIES, days=DAYS))


def served(data: ReplayData, schedule: Schedule) -> Rows:
    """Returns the rows that a server has in some weather, read off its own table."""
    rows: Rows = {}
    for route in spoiled(data, schedule.faults).routes.values():
        frame = route.frame
        values = pl.when(pl.col("bare")).then(None).otherwise("value") if "bare" in frame.columns else "value"
        names = (route.route.respondent_facet, route.route.type_facet)
        for hour, respondent, code, value in frame.select(
            "hour", *(pl.col(name).cast(pl.String) for name in names), values
        ).iter_rows():
            period = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
            rows[respondent, f"{route.route.prefix}{code}", period] = value
    return rows


def table_rows(table: HourlyTable) -> Rows:
    """Returns the rows of a table that EIA sent, with or without a value."""
    sent = table.scan().filter(pl.col("status").cast(pl.String) != "missing")
    columns = [pl.col("respondent", "series").cast(pl.String), "period", "value"]
    return {
        (code, series, period): value for code, series, period, value in sent.select(columns).collect().rows()
    }
