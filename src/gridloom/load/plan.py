"""What a tensor dataset is to hold, checked against its table before any value is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gridloom.load.select import Selection, select
from gridloom.load.splits import Splits, check_window, split_hours
from gridloom.load.survey import Survey, survey

__all__ = ["DatasetPlan", "DatasetRequest", "ScalingMethod", "plan_dataset"]

ScalingMethod = Literal["standard", "robust", "none"]
"""How windows are scaled: by mean and standard deviation, by median and interquartile range, not at all."""


@dataclass(frozen=True, kw_only=True)
class DatasetRequest:
    """What is asked for.

    Attributes:
        name: Name of the dataset.
        context: Hours of context of a window.
        horizon: Hours to predict.
        stride: Hours from one window to the next.
        respondents: Codes; None for all in the table.
        series: Series names; None for all in the table.
        ends: Labels of the last hours of training and validation; None for 70 % and 15 %.
        scaling: How windows are scaled.
        calendar: Whether each respondent gets its calendar features.
    """

    name: str
    context: int
    horizon: int
    stride: int
    respondents: tuple[str, ...] | None = None
    series: tuple[str, ...] | None = None
    ends: tuple[str, str] | None = None
    scaling: ScalingMethod = "standard"
    calendar: bool = True


@dataclass(frozen=True)
class DatasetPlan:
    """A request that was found good, and what it comes to."""

    request: DatasetRequest
    survey: Survey
    selection: Selection
    splits: Splits


def plan_dataset(path: Path, request: DatasetRequest) -> DatasetPlan:
    """Returns what a request comes to for a table.

    Raises:
        FileFormatError: If the file is not an hourly table.
        UnknownCodeError: If it lacks a respondent or a series.
        ConfigError: If the splits do not fit its hours, or a window the training span.
        StorageError: If it cannot be read.
    """
    found = survey(path)
    selection = select(found, request.respondents, request.series, calendar=request.calendar)
    splits = split_hours(selection.hours, request.ends)
    check_window(splits, request.context, request.horizon)
    return DatasetPlan(request, found, selection, splits)
