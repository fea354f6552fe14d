"""Hours of EIA-930: half-open ranges inside, EIA's inclusive labels outside.

A period is labelled by the END of its hour, in UTC: ``2019-01-01T00`` is the hour from 23:00 to
24:00 of 2018-12-31 (EIA, "About the EIA-930 data"). Ranges here are half-open over those labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from gridloom.errors import ConfigError

__all__ = ["HISTORY_START", "HOUR", "HourRange", "label", "parse_label"]

HOUR = timedelta(hours=1)
HISTORY_START = datetime(2019, 1, 1, tzinfo=UTC)
"""First period that the API serves on its hourly routes (metadata ``startPeriod``, seen 2026-09)."""

_HOURS = tuple(f"T{hour:02}" for hour in range(24))
_LABEL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}", re.ASCII)


def label(period: datetime) -> str:
    """Returns EIA's label of a period, ``YYYY-MM-DDTHH``.

    Example:
        >>> label(datetime(2019, 12, 31, 23, tzinfo=UTC))
        '2019-12-31T23'
    """
    # Not strftime: its %Y drops leading zeros on some platforms, and it is slower.
    return period.isoformat()[:13]


def parse_label(text: str) -> datetime:
    """Returns the period of an hourly label, in UTC.

    Raises:
        ConfigError: If `text` is not ``YYYY-MM-DDTHH`` or no calendar has that hour. A bare date is
            refused: the API reads it as hour 00 and drops the other 23.

    Example:
        >>> parse_label("2019-01-01T00").isoformat()
        '2019-01-01T00:00:00+00:00'
    """
    if _LABEL.fullmatch(text):
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC)
        except ValueError:
            raise ConfigError(
                f"There is no hour '{text}': days are those of the calendar, and hours go from T00 to T23."
            ) from None
    raise ConfigError(
        f"'{text}' is not an hour. Write it as YYYY-MM-DDTHH in UTC, such as 2019-01-01T00 "
        "(the label is the end of the hour, and both ends are inclusive)."
    )


@dataclass(frozen=True, slots=True, order=True)
class HourRange:
    """The periods from `start` up to but not including `stop`, both aware UTC full hours.

    Attributes:
        start: First period.
        stop: The period after the last one.

    Raises:
        ConfigError: If the range is empty, naive or not on full hours.
    """

    start: datetime
    stop: datetime

    def __post_init__(self) -> None:
        for end in (self.start, self.stop):
            if end.utcoffset() != timedelta(0) or end.minute or end.second or end.microsecond:
                raise ConfigError(f"{end.isoformat()} is not a full hour in UTC.")
        if self.start >= self.stop:
            last = label(self.stop - HOUR)
            raise ConfigError(f"The end {last} lies before the start {label(self.start)}. Swap them.")

    @classmethod
    def of_labels(cls, first: str, last: str) -> Self:
        """Returns the range between two inclusive labels.

        Raises:
            ConfigError: If a label is malformed or the end lies before the start.
        """
        return cls(parse_label(first), parse_label(last) + HOUR)

    @classmethod
    def of_years(cls, first: int, last: int | None = None) -> Self:
        """Returns the periods labelled ``first-01-01T00`` to ``last-12-31T23``: whole UTC years.

        Example:
            >>> len(HourRange.of_years(2019)), len(HourRange.of_years(2020))
            (8760, 8784)
        """
        return cls(datetime(first, 1, 1, tzinfo=UTC), datetime((last or first) + 1, 1, 1, tzinfo=UTC))

    def __len__(self) -> int:
        return (self.stop - self.start) // HOUR

    def __contains__(self, period: object) -> bool:
        return isinstance(period, datetime) and self.start <= period < self.stop

    def __str__(self) -> str:
        return f"{self.first_label} to {self.last_label}"

    @property
    def first_label(self) -> str:
        """EIA's label of the first period."""
        return label(self.start)

    @property
    def last_label(self) -> str:
        """EIA's label of the last period; the API's inclusive ``end``."""
        return label(self.stop - HOUR)

    def labels(self) -> list[str]:
        """Returns EIA's labels of all periods, in order.

        Example:
            >>> HourRange.of_labels("2019-12-31T22", "2020-01-01T01").labels()
            ['2019-12-31T22', '2019-12-31T23', '2020-01-01T00', '2020-01-01T01']
        """
        # By days: to format every hour takes five times as long.
        first, last = (end.date().toordinal() for end in (self.start, self.stop - HOUR))
        days = (date.fromordinal(day).isoformat() for day in range(first, last + 1))
        labels = [f"{day}{hour}" for day in days for hour in _HOURS]
        return labels[self.start.hour :][: len(self)]

    @property
    def name(self) -> str:
        """Short name for files: the year, the span of years, or both labels."""
        whole_years = (self.start.month, self.start.day, self.start.hour) == (1, 1, 0) and (
            self.stop.month,
            self.stop.day,
            self.stop.hour,
        ) == (1, 1, 0)
        if not whole_years:
            return f"{self.first_label}_{self.last_label}".replace(":", "")
        first, last = self.start.year, self.stop.year - 1
        return str(first) if first == last else f"{first}-{last}"

    def batches(self, days: int) -> Iterator[HourRange]:
        """Yields consecutive ranges of `days` days (the last may be shorter) that make up this one.

        Raises:
            ConfigError: If `days` is below 1.
        """
        if days < 1:
            raise ConfigError(f"A batch needs at least 1 day, got {days}. The standard is 45.")
        yield from self.spans(24 * days)

    def spans(self, hours: int) -> Iterator[HourRange]:
        """Yields consecutive ranges of `hours` hours (the last may be shorter) that make up this one.

        Args:
            hours: Hours of each, 1 or more.
        """
        start, step = self.start, max(1, hours) * HOUR
        while start < self.stop:
            stop = min(start + step, self.stop)
            yield HourRange(start, stop)
            start = stop

    def intersection(self, other: HourRange) -> HourRange | None:
        """Returns the periods in both ranges, or None where there are none."""
        start, stop = max(self.start, other.start), min(self.stop, other.stop)
        return HourRange(start, stop) if start < stop else None
