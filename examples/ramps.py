"""The steepest rise of demand of each respondent, by a step that says what it does and can be stopped."""

from functools import partial
from pathlib import Path

import polars as pl
from pydantic import Field

from gridloom import (
    CacheableStep,
    EIAExtractConfig,
    EIAExtractStep,
    Finding,
    HourlyTable,
    PipelineDAG,
    PipelineDAGConfig,
    StepConfig,
    StepContext,
    TableArtifact,
    TransformConfig,
    TransformStep,
)


class RampTable(TableArtifact):
    """The steepest rise of each respondent."""


class RampConfig(StepConfig):
    hours: int = Field(1, ge=1, le=24, description="Hours from the foot of a rise to its top.")
    most_mwh: float = Field(20_000, gt=0, description="A steeper rise is taken for a fault of the meter.")


class Ramps(CacheableStep[RampConfig]):
    """The steepest rise of demand of each respondent over `hours` hours."""

    version = "1"

    def _execute(self, hourly: HourlyTable, ctx: StepContext) -> RampTable:
        found = []
        for done, code in enumerate(hourly.respondents, start=1):
            ctx.raise_if_cancelled()
            steepest = ctx.checkpoint(code, partial(self._write_steepest, hourly, code))
            found.append(pl.read_parquet(steepest.path))
            ctx.progress(done, len(hourly.respondents), "respondents")
        table = pl.concat(found)
        rise_mwh = table["rise_mwh"].max()
        ctx.metric("steepest_rise", rise_mwh, "MWh")
        ctx.finding(
            Finding(
                name="ramps-plausible",
                why="A meter that jumps looks like a ramp.",
                required=False,
                passed=rise_mwh <= self.config.most_mwh,
                detail=f"the steepest rise is {rise_mwh:,.0f} MWh",
            )
        )
        return RampTable.write(ctx.path("ramps.parquet"), table)

    def _write_steepest(self, hourly: HourlyTable, code: str, path: Path) -> None:
        demand = hourly.scan().filter(pl.col("respondent") == code, pl.col("series") == "D").sort("period")
        rise = pl.col("value") - pl.col("value").shift(self.config.hours)
        ramps = demand.select("respondent", "period", rise_mwh=rise).drop_nulls()
        ramps.sort("rise_mwh", "period").tail(1).collect().write_parquet(path)


def main() -> None:
    hours = {
        "first": "2019-01-01T00",
        "last": "2019-12-31T23",
        "respondents": ("ERCO", "PACW"),
        "series": ("D",),
    }
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="ramps", output_dir=Path("data"), executor="process"))
    raw = dag.add_step(EIAExtractStep(EIAExtractConfig(**hours, sample=True)))
    table = dag.add_step(TransformStep(TransformConfig(**hours, name="ramps_2019")), dependencies=[raw])
    dag.add_step(Ramps(RampConfig(hours=3, retries=2, time_limit_s=600)), dependencies=[table])
    result = dag.execute()
    result.raise_for_failure()
    for step in result.steps.values():
        print(f"{step.step_id}: {step.outcome} ({step.reason})")
    for finding in result["ramps"].findings:
        print(f"{finding.name}: {finding.detail}")
    print(result["ramps"].output.scan().collect())


if __name__ == "__main__":
    main()
