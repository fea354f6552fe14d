"""The hours of highest demand, by a step of your own in twenty lines."""

from pathlib import Path

import polars as pl

from gridloom import (
    CacheableStep,
    EIAExtractConfig,
    EIAExtractStep,
    HourlyTable,
    PipelineDAG,
    PipelineDAGConfig,
    StepConfig,
    StepContext,
    TableArtifact,
    TransformConfig,
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


def main() -> None:
    hours = {
        "first": "2019-01-01T00",
        "last": "2019-12-31T23",
        "respondents": ("ERCO", "PACW"),
        "series": ("D",),
    }
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="peaks", output_dir=Path("data")))
    raw = dag.add_step(EIAExtractStep(EIAExtractConfig(**hours, sample=True)))
    table = dag.add_step(TransformStep(TransformConfig(**hours, name="peaks_2019")), dependencies=[raw])
    dag.add_step(PeakHours(PeakHoursConfig(top=3)), dependencies=[table])
    result = dag.execute()
    result.raise_for_failure()
    for step in result.steps.values():
        print(f"{step.step_id}: {step.outcome} ({step.reason})")
    print(result["peak-hours"].output.scan().collect())


if __name__ == "__main__":
    main()
