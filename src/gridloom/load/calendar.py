"""Calendar features in the local time of each respondent: hour, weekday, day of the year, holiday.

They describe the hour itself, which begins one hour before its label: the hour from 23 to 24 is hour 23
of its own day, although its label is midnight of the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import holidays
import numpy as np
import numpy.typing as npt
import polars as pl

from gridloom.grid.respondents import find
from gridloom.load.select import CALENDAR, Selection
from gridloom.load.wide import Mask, Times, Values

__all__ = ["UNKNOWN_ZONE", "calendar_features", "fill_calendar", "time_zone_of"]

UNKNOWN_ZONE: Final = "UTC"
"""Time zone of a respondent that no table of ours knows."""

_WEEK: Final = 7


def time_zone_of(respondent: str) -> str:
    """Returns the IANA zone of a respondent."""
    known = find(respondent)
    return known.time_zone if known else UNKNOWN_ZONE


def calendar_features(times: Times, time_zone: str) -> Values:
    """Returns the features `CALENDAR` of some hours [time, 7].

    Hour, weekday (from Monday) and day of the year are points on a circle, as sine and cosine; a holiday
    is 1 on a US federal holiday and on the day on which it is observed, else 0. Daylight saving time is
    that of the zone.

    Args:
        times: Hours [time], seconds since 1970, each the END of its hour.
        time_zone: IANA zone.
    """
    begins = pl.from_epoch(pl.Series(times - 3_600), "s").dt.replace_time_zone("UTC")
    local = begins.dt.convert_time_zone(time_zone)
    day, leap = local.dt.ordinal_day().to_numpy() - 1, local.dt.is_leap_year().to_numpy()
    columns = [
        *_circle(local.dt.hour().to_numpy(), 24),
        *_circle(local.dt.weekday().to_numpy() - 1, _WEEK),
        *np.where(leap, _circle(day, 366), _circle(day, 365)),
        local.dt.date().is_in(_holidays(*_years(local)).implode()).to_numpy(),
    ]
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)


def fill_calendar(values: Values, mask: Mask, times: Times, selection: Selection) -> None:
    """Writes the calendar's columns of a matrix [time, feature], each respondent's in its own zone."""
    features = {zone: calendar_features(times, zone) for zone in map(time_zone_of, selection.respondents)}
    for column, (respondent, rest) in enumerate(selection.pairs):
        if rest in CALENDAR:
            values[:, column] = features[time_zone_of(respondent)][:, CALENDAR.index(rest)]
            mask[:, column] = 1


def _circle(place: npt.NDArray[np.integer], size: int) -> npt.NDArray[np.float64]:
    angles = [2 * math.pi * each / size for each in range(size + 1)]
    table = np.array([[math.sin(each) for each in angles], [math.cos(each) for each in angles]])
    return table[:, place]


def _years(local: pl.Series) -> Sequence[int]:
    years = local.dt.year()
    return years[0], years[-1]


@cache
def _holidays(first: int, last: int) -> pl.Series:
    days = holidays.country_holidays("US", years=range(first, last + 1))
    return pl.Series(sorted(days), dtype=pl.Date)
