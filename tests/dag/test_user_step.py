"""A user's own step, as the README shows it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gridloom.dag import CacheableStep, PipelineDAG, PipelineDAGConfig, StepConfig, StepContext
from gridloom.grid.artifacts import TableArtifact


class Hours(TableArtifact):
    """Demand by respondent and hour."""


class PeakTable(TableArtifact):
    """The hours of highest demand."""


class MakeHours(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Hours:
        codes = ["ERCO", "PACW"]
        frame = pl.DataFrame(
            {
                "respondent": [code for code in codes for _ in range(24)],
                "hour": list(range(24)) * 2,
                "value": [float((hour * 7) % 24) for hour in range(48)],
            }
        )
        return Hours.write(ctx.path("hours.parquet"), frame)


class PeakHoursConfig(StepConfig):
    top: int = 10


class PeakHours(CacheableStep[PeakHoursConfig]):
    """The `top` hours of highest demand of each respondent."""

    version = "1"

    def _execute(self, hours: Hours, ctx: StepContext) -> PeakTable:
        peaks = hours.scan().sort("value").group_by("respondent").tail(self.config.top)
        return PeakTable.write(ctx.path("peaks.parquet"), peaks.sort("respondent", "value", "hour"))


def build(out: Path, top: int) -> PipelineDAG:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="peaks", output_dir=out))
    hours = dag.add_step(MakeHours(StepConfig()))
    dag.add_step(PeakHours(PeakHoursConfig(step_id="peaks", top=top)), dependencies=[hours])
    return dag


def test_a_step_of_twenty_lines_is_typed_parallel_cached_and_counted(tmp_path: Path) -> None:
    first = build(tmp_path, 3).execute()
    peaks = first["peaks"].output
    assert type(peaks) is PeakTable
    assert peaks.path == tmp_path / "steps" / "peaks" / "peaks.parquet"
    table = peaks.scan().collect()
    assert table["value"].to_list() == [21.0, 22.0, 23.0] * 2
    assert first.totals["rows"] == peaks.rows == 6
    content = peaks.path.read_bytes()

    again = build(tmp_path, 3).execute()
    assert {step.outcome.value for step in again.steps.values()} == {"cached"}
    assert again.totals["rows"] == 6

    more = build(tmp_path, 5)
    assert more.plan()["peaks"].reason == "config `top` 3 → 5"
    assert more.execute()["peaks"].output.rows == 10
    assert build(tmp_path, 3).execute()["peaks"].output.path.read_bytes() == content
