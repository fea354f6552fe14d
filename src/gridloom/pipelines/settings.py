"""Settings of the hourly pipeline: one model that flags, environment, file and Python all fill.

A field's description is its help text on the command line. Where a preset (``optimized``) may
decide, the field's default is None and `HourlySettings.resolved` fills it, so explicit values win.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gridloom.errors import ConfigError, did_you_mean
from gridloom.extract.plan import AUTO, STANDARD_BATCH_DAYS, BatchDays
from gridloom.extract.source import DEFAULT_BASE_URL
from gridloom.files import given_path, plain_name
from gridloom.grid.hours import HourRange
from gridloom.grid.respondents import OPTIMIZED_FOUR, STANDARD_EIGHT
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST
from gridloom.grid.series import DEFAULT_SERIES, parse_series
from gridloom.pipelines.wording import as_setting, from_flags
from gridloom.sample import SAMPLE_HOURS

__all__ = ["HourlySettings", "Resolved"]

OPTIMIZED_BATCH_DAYS: Final = 90
DEFAULT_YEAR: Final = 2024

_EIGHT, _FOUR = ",".join(STANDARD_EIGHT), ",".join(OPTIMIZED_FOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the settings mean once presets and defaults are applied.

    Attributes:
        hours: The periods asked for.
        regions: Respondent codes as given or preset; aliases not yet corrected.
        series: Canonical series names.
        batch_days: Days per request window, or ``auto`` for windows of full pages.
    """

    hours: HourRange
    regions: tuple[str, ...]
    series: tuple[str, ...]
    batch_days: BatchDays


class HourlySettings(BaseModel):
    """Everything that ``gridloom year`` can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    year: int | None = Field(
        None,
        description=f"Year of UTC periods.  [default: {DEFAULT_YEAR}; {SAMPLE_HOURS.name} with --sample]",
    )
    start_year: int | None = Field(None, description="First year of a span of whole years.")
    end_year: int | None = Field(None, description="Last year of the span, inclusive.")
    start: str | None = Field(None, description="First period, YYYY-MM-DDTHH in UTC (the hour's end).")
    end: str | None = Field(None, description="Last period, YYYY-MM-DDTHH, inclusive.")
    regions: tuple[str, ...] | None = Field(
        None, description=f"Respondent codes, separated by commas.  [default: {_EIGHT}]"
    )
    optimized: bool = Field(
        False, description=f"Preset: {_FOUR} in {OPTIMIZED_BATCH_DAYS}-day batches. Explicit flags win."
    )
    all_regions: bool = Field(False, description="The standard eight, also with --optimized.")
    batch_days: BatchDays | None = Field(
        None,
        description="Days per request window, or 'auto' for windows that fill whole pages, with the fewest "
        f"requests.  [default: {STANDARD_BATCH_DAYS}]",
    )
    records_per_request: int = Field(
        MAX_ROWS_PER_REQUEST,
        ge=1,
        le=MAX_ROWS_PER_REQUEST,
        description=f"Rows asked for per request, 1 to {MAX_ROWS_PER_REQUEST:,} (the API's limit).",
    )
    series: tuple[str, ...] = Field(
        DEFAULT_SERIES,
        description="Series, separated by commas: D, DF, NG, TI, NG.<fuel>, ID.<neighbour> (interchange), "
        "D.<sub-area> (demand; ids as EIA writes them), or NG.all, ID.all, D.all for every one.",
    )
    name: str | None = Field(
        None,
        description="File name without ending.  [default: eia930_<years>, eia930_<region>_<year> for demo]",
    )
    through: Literal["extract", "transform", "load", "ring"] = Field("transform", description="Last stage.")
    max_parallel: int = Field(4, ge=1, le=1024, description="Steps that run at the same time at most.")
    executor: Literal["thread", "process"] = Field("thread", description="Run steps in threads or processes.")
    concurrency: int = Field(5, ge=1, le=100, description="Requests in flight per step at most.")
    rate_limit: float | Literal["off"] | None = Field(
        None,
        description="Requests per second at most, over all steps; 'off' for loopback URLs only."
        "  [default: 5; off with --sample]",
    )
    continue_on_failure: bool = Field(
        False, description="After a failure, still run the steps that do not depend on it (exit code 3)."
    )
    force: bool = Field(False, description="Fetch and compute again, whatever is cached.")
    refresh_days: int = Field(
        45,
        ge=0,
        description="Ask again for windows that were fetched less than this many days after their last hour "
        "(EIA revises recent hours).",
    )
    sample: bool = Field(
        False,
        description=f"Use the embedded real data of {SAMPLE_HOURS.name}, through real HTTP; needs no key.",
    )
    base_url: str | None = Field(
        None, description=f"API to ask, including the version.  [default: {DEFAULT_BASE_URL}]"
    )
    out: Path = Field(Path("data"), description="Output folder.")

    @field_validator("regions", mode="before")
    @classmethod
    def _split_regions(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else value
        if parts is not None and not [part for part in parts if str(part).strip()]:
            raise ValueError("it has to name at least one region, such as PACW")
        if any(len(str(part).split()) > 1 for part in parts or ()):
            raise ValueError("codes have commas between them, such as PACW,ERCO")
        return parts

    @field_validator("series", mode="before")
    @classmethod
    def _parse_series(cls, value: Any) -> tuple[str, ...]:
        return parse_series(value)

    @field_validator("batch_days", mode="before")
    @classmethod
    def _days_or_auto(cls, value: Any) -> Any:
        if value is None or value == AUTO:
            return value
        try:
            days = int(value) if isinstance(value, int | str) else None
        except ValueError:
            days = None
        if days is None:
            raise ValueError(f"it has to be a whole number or '{AUTO}'")
        if days < 1:
            raise ValueError("it has to be 1 or more")
        return days

    @field_validator("rate_limit", mode="before")
    @classmethod
    def _number_or_off(cls, value: Any) -> Any:
        if not isinstance(value, str) or value == "off":
            return value
        try:
            return float(value)
        except ValueError:
            raise ValueError("it has to be a number or 'off'") from None

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str | None) -> str | None:
        return None if value is None else plain_name(value).removesuffix(".parquet")

    @field_validator("base_url")
    @classmethod
    def _some_url(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("it has to be a URL; leave it out for that of EIA")
        return value

    @field_validator("out", mode="before")
    @classmethod
    def _given_folder(cls, value: Any) -> Path:
        if not isinstance(value, str | Path):
            raise ValueError("it has to be a path")  # noqa: TRY004 - pydantic takes no other error
        return given_path(value)

    @classmethod
    def of(cls, values: Mapping[str, Any], *, named: Callable[[str], str] = as_setting) -> Self:
        """Returns settings from plain values.

        Args:
            values: Values by the names of the settings.
            named: Returns what the user calls a setting where it was given.

        Raises:
            ConfigError: In words, for every value that is unknown or out of range.
        """
        unknown = [key for key in values if key not in cls.model_fields]
        if unknown:
            hint = did_you_mean(unknown[0], cls.model_fields)
            raise ConfigError(
                f"{named(unknown[0])} is not a setting.{hint} Settings are {', '.join(cls.model_fields)}."
            )
        return from_flags(cls, values, named=named)

    def hours(self) -> HourRange:
        """Returns the periods asked for.

        Raises:
            ConfigError: If years and labels contradict each other, or the span is out of order or in
                the future, or begins before the API's history.
        """
        span = self._span()
        # EIA's forecasts run a day ahead; nothing lies further in the future.
        if span.start.year > datetime.now(UTC).year:
            raise ConfigError(f"{span} lies in the future: there is no data for it yet.")
        return span

    def _span(self) -> HourRange:
        ways = {
            "--year": self.year is not None,
            "--start-year/--end-year": self.start_year is not None or self.end_year is not None,
            "--start/--end": self.start is not None or self.end is not None,
        }
        given = [way for way, used in ways.items() if used]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} contradict each other. Use one of them.")
        if self.start is not None or self.end is not None:
            if self.start is None or self.end is None:
                raise ConfigError("--start and --end belong together. Give both, as YYYY-MM-DDTHH.")
            return HourRange.of_labels(self.start, self.end)
        if self.start_year is not None or self.end_year is not None:
            return self._years(self.start_year, self.end_year)
        if self.year is not None:
            return self._years(self.year, self.year)
        return SAMPLE_HOURS if self.sample else HourRange.of_years(DEFAULT_YEAR)

    def _years(self, first: int | None, last: int | None) -> HourRange:
        if first is None or last is None:
            raise ConfigError(
                "--start-year and --end-year belong together. Give both, or --year for one year."
            )
        for year in (first, last):
            if not 1900 <= year <= 2200:  # noqa: PLR2004 - a year of four digits that datetime can hold
                raise ConfigError(f"{year} is not a year. Write it with four digits, such as {DEFAULT_YEAR}.")
        if last < first:
            raise ConfigError(f"The end year {last} lies before the start year {first}. Swap them.")
        return HourRange.of_years(first, last)

    def resolved(self) -> Resolved:
        """Returns what the settings mean once presets and defaults are applied.

        Raises:
            ConfigError: If they contradict each other.
        """
        if self.sample and self.base_url is not None:
            raise ConfigError("--sample and --base-url name two sources. Use one of them.")
        regions: tuple[str, ...] = (
            OPTIMIZED_FOUR if self.optimized and not self.all_regions else STANDARD_EIGHT
        )
        batch_days = OPTIMIZED_BATCH_DAYS if self.optimized else STANDARD_BATCH_DAYS
        return Resolved(
            hours=self.hours(),
            regions=self.regions or regions,
            series=self.series,
            batch_days=self.batch_days or batch_days,
        )
