"""The hours of highest demand, by a step of your own in twenty lines."""

import polars as pl

from gridloom import (
    CacheableStep,
    EIAExtractStep,
    HourlyTable,
    PipelineDAG,
    PipelineDAGConfig,
    StepConfig,
    StepContext,
    TableArtifact,
    TransformStep,
)


class PeakTable(TableArtifact):
    """Peak hours by respondent."""


class PeakHoursConfig(StepConfig):
    top: int = 10


class PeakHours(CacheableStep[PeakHoursConfig]):
    """The `top` hours of highest demand of each respondent."""

    version = "1"

    def _execute(self, hourly: HourlyTable, ctx: StepContext) -> PeakTable:
        demand = hourly.scan().filter(pl.col("series") == "D")
        peaks = demand.sort("value").group_by("respondent").tail(self.config.top).sort("respondent", "period")
        return PeakTable.write(ctx.path("peaks.parquet"), peaks)


