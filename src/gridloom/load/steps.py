"""Loading as steps of a DAG: an hourly Parquet that is there already, and the tensors of a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import AfterValidator, Field

from gridloom.dag import CacheableStep, StepConfig, StepContext, operational
from gridloom.errors import FileFormatError
from gridloom.extras import need
from gridloom.files import digest_file, plain_name, storage_errors
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable, TensorDataset
from gridloom.grid.respondents import find
from gridloom.grid.table import Status
from gridloom.load.plan import DatasetPlan, DatasetRequest, ScalingMethod, plan_dataset
from gridloom.load.splits import SPLITS
from gridloom.load.survey import survey, whole_parquet

__all__ = ["HourlyFileConfig", "HourlyFileStep", "MLXDatasetConfig", "MLXDatasetStep"]


class HourlyFileConfig(StepConfig):
    """Which hourly Parquet; what counts is its content, not where it stands."""

    file: Path = operational(description="An hourly Parquet.")
    digest: str = Field(description="Digest of its bytes.")

    @classmethod
    def of(cls, file: Path) -> Self:
        """Returns the settings for a file as it is now.

        Raises:
            StorageError: If it cannot be read.
        """
        with storage_errors("read", file):
            return cls(file=file, digest=digest_file(file))


class HourlyFileStep(CacheableStep[HourlyFileConfig]):
    """Hands an hourly Parquet that is there already to the steps that take a table; it stays where it is."""

    version = "1"
    default_id: ClassVar[str] = "hourly-file"

    def _execute(self) -> HourlyTable:
        path = self.config.file
        found = survey(path)
        try:
            source, rows_digest = found.footer["source"], found.footer["rows_digest"]
        except KeyError as error:
            raise FileFormatError(
                f"{path} is not an hourly table: its footer lacks gridloom.{error.args[0]}."
            ) from error
        missing, null = (pl.col("status") == status.value for status in (Status.MISSING, Status.NULL))
        with whole_parquet(path):
            counts = pl.scan_parquet(path).select(missing=missing.sum(), null=null.sum()).collect().row(0)
        table = HourlyTable.of(
            path,
            rows=found.rows,
            first=found.footer.get("first", found.hours.first_label),
            last=found.footer.get("last", found.hours.last_label),
            respondents=found.respondents,
            series=found.series,
            hours_missing=counts[0],
            hours_null=counts[1],
            rows_digest=rows_digest,
            source=source,
        )
        return table.still(self.config.digest)


class MLXDatasetConfig(StepConfig):
    """What a tensor dataset is to hold, and how windows are to be cut from it."""

    name: Annotated[str, AfterValidator(plain_name)] = Field(
        description="Name of the dataset: its folder in 'tensors'."
    )
    context: int = Field(default=168, ge=1, description="Hours that a model sees.")
    horizon: int = Field(default=24, ge=1, description="Hours that it is to predict, right after them.")
    stride: int = Field(default=1, ge=1, description="Hours from one window to the next.")
    respondents: tuple[str, ...] | None = Field(
        default=None, description="Respondent codes; None for all in the table."
    )
    series: tuple[str, ...] | None = Field(
        default=None,
        description="Series, in MWh; NG.all and its like for every one; None for all in the table.",
    )
    splits: tuple[str, str] | None = Field(
        default=None,
        description="Last hours of training and of validation, YYYY-MM-DDTHH in UTC, inclusive; the rest is "
        "for the test. None gives 70 % and 15 % of the hours.",
    )
    scaling: ScalingMethod = Field(
        default="standard",
        description="How windows are scaled, by statistics of the training span: 'standard' by mean and "
        "standard deviation, 'robust' by median and interquartile range, or 'none'.",
    )
    calendar: bool = Field(
        default=True, description="Hour, weekday, day of the year and holidays beside the series."
    )

    @property
    def request(self) -> DatasetRequest:
        """The settings without the step's own."""
        return DatasetRequest(
            name=self.name,
            context=self.context,
            horizon=self.horizon,
            stride=self.stride,
            respondents=self.respondents,
            series=self.series,
            ends=self.splits,
            scaling=self.scaling,
            calendar=self.calendar,
        )


class MLXDatasetStep(CacheableStep[MLXDatasetConfig]):
    """Makes one matrix of hours by features of an hourly table, with its mask and statistics.

    It makes ``tensors/<name>/``, which MLX, NumPy, PyTorch and JAX read without GridLoom, and from which
    `GridDataset` cuts windows.
    """

    version = "1"
    default_id: ClassVar[str] = "load"

    def output_folder(self) -> str:
        """Returns the folder of tensor datasets below the output root."""
        return "tensors"

    def validate_input(self, inputs: Mapping[str, Any]) -> None:  # noqa: ARG002 - the step's signature
        """Checks that what the step works with is installed.

        Raises:
            MissingExtraError: If it is not.
        """
        need("tensors", "Loading tensors")

    def _execute(self, hourly: HourlyTable, ctx: StepContext) -> TensorDataset:
        from gridloom.load.build import build_dataset

        plan = plan_dataset(hourly.path, self.config.request)

        def on_rows(done: int, total: int) -> None:
            ctx.raise_if_cancelled()
            ctx.progress(done, total)

        with whole_parquet(hourly.path):
            made = build_dataset(
                ctx.path(self.config.name),
                plan,
                source=hourly.source,
                digest=hourly.digest,
                rows_digest=hourly.rows_digest,
                on_rows=on_rows,
            )
        ctx.add(rows=made.steps)
        for finding in (_windows_fit(plan), _zones_known(plan)):
            ctx.finding(finding)
        return made


def _windows_fit(plan: DatasetPlan) -> Finding:
    length = plan.request.context + plan.request.horizon
    short = [f"{split} {hours:,}" for split in SPLITS if (hours := len(plan.splits.rows(split))) < length]
    return Finding(
        name="windows-fit",
        why="A split that is shorter than a window cannot be used with it.",
        required=False,
        passed=not short,
        detail=f"A window has {length:,} hours, more than a split: {', '.join(short)}."
        if short
        else "Every split holds a window.",
    )


def _zones_known(plan: DatasetPlan) -> Finding:
    unknown = [code for code in plan.selection.respondents if find(code) is None]
    return Finding(
        name="time-zones-known",
        why="The calendar is that of the respondent's local time.",
        required=False,
        passed=not (unknown and plan.request.calendar),
        detail=f"No time zone is known of {', '.join(unknown)}; their calendar is in UTC."
        if unknown
        else "Every respondent's time zone is known.",
    )
