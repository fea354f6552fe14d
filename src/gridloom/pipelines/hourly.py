"""From EIA to one Parquet: which steps, in what order, with which settings.

::

    extract-region-data ─────────┐
    extract-fuel-type-data ──────┤
    extract-interchange-data ────┼── transform ── hourly/<name>.parquet
    extract-region-sub-ba-data ──┘

There is one extract step for each route that has any of the series asked for; for what follows: `stages`.

`prepare` checks everything that can be checked before any work, `build` makes the DAG, `hourly` does
both and runs it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from gridloom.dag import PipelineDAG, PipelineDAGConfig
from gridloom.errors import ConfigError, GridLoomError, KeyMissingError, NoDataError
from gridloom.extract.keys import KEY_WAYS, resolve_key
from gridloom.extract.plan import BatchDays
from gridloom.extract.source import Source
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HISTORY_START, HourRange, label
from gridloom.grid.respondents import resolve
from gridloom.grid.series import new_fuels, route_requests
from gridloom.grid.table import table_name
from gridloom.pipelines.lookups import look_up, look_up_fuels
from gridloom.pipelines.settings import HourlySettings
from gridloom.sample import SAMPLE_HOURS
from gridloom.transform.steps import TransformConfig, TransformStep

__all__ = ["HOURLY", "Prepared", "build", "check_hours", "check_key", "hourly", "prepare"]

HOURLY = "hourly"
"""Name of this pipeline, also in the recipes of its runs."""
_TRAINING = frozenset({"load", "ring"})  # their room is loaded by runs that come so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Settings that were found good, and what they come to.

    Attributes:
        settings: As given.
        hours: The periods asked for.
        respondents: Valid codes, sorted.
        series: Canonical series names, sorted.
        batch_days: Days per request window, or ``auto``.
        name: File name of the table, without ending.
        source: Where the data comes from.
        api_key: The key, or None where the source needs none.
        warnings: Lines that the user should see, such as corrected codes.
        name_region: The region that the default file name carries.
        resumes: The run that this one carries on, if it does.
    """

    settings: HourlySettings
    hours: HourRange
    respondents: tuple[str, ...]
    series: tuple[str, ...]
    batch_days: BatchDays
    name: str
    source: Source
    api_key: SecretStr | None
    warnings: tuple[str, ...]
    name_region: str | None = None
    resumes: str | None = None

    @property
    def recipe(self) -> dict[str, Any]:
        """How to prepare this again, JSON-able; the output folder is where the recipe is found."""
        settings = self.settings.model_dump(mode="json", exclude_unset=True, exclude={"out"})
        return {"pipeline": HOURLY, "settings": settings, "name_region": self.name_region}

    @property
    def parquet(self) -> Path:
        """Where the table will stand."""
        return self.settings.out / "hourly" / f"{self.name}.parquet"


def prepare(
    settings: HourlySettings, *, api_key: SecretStr | None = None, name_region: str | None = None
) -> Prepared:
    """Returns what `settings` come to, checked as far as possible without asking for data.

    The source is asked for its list of respondents or fuels only where a code is in no table of ours.

    Args:
        settings: The settings.
        api_key: The key; by default that of the environment, a ``.env`` file or the keyring.
        name_region: A region that the default file name should carry.

    Raises:
        UsageError: If a setting, a code or the key cannot be used; the subclass says which.
        SourceError: If an unknown code had to be looked up and the source did not answer.
    """
    resolved = settings.resolved()
    source = Source.sample() if settings.sample else Source.of_url(settings.base_url)
    check_hours(source, resolved.hours)
    key = check_key(source, api_key)
    source.check_rate_limit(settings.rate_limit)
    codes, unknown, corrected = resolve(list(resolved.regions))
    if unknown:
        look_up(unknown, source, key)
    if fuels := new_fuels(resolved.series):
        look_up_fuels(fuels, source, key)
    name = settings.name or table_name(resolved.hours, name_region)
    if settings.through in _TRAINING:
        from gridloom.pipelines.stages import check_stages  # noqa: PLC0415 - see _TRAINING

        check_stages(settings.through, name, resolved.hours)
    return Prepared(
        settings=settings,
        hours=resolved.hours,
        respondents=tuple(sorted(codes)),
        series=resolved.series,
        batch_days=resolved.batch_days,
        name=name,
        source=source,
        api_key=key,
        warnings=tuple(corrected),
        name_region=name_region,
    )


def check_hours(source: Source, hours: HourRange) -> None:
    """Raises for hours that the source is known not to have, before it is asked.

    Raises:
        NoDataError: With the hours that it has.
    """
    if source.is_sample and (hours.start < SAMPLE_HOURS.start or hours.stop > SAMPLE_HOURS.stop):
        raise NoDataError(
            f"The embedded sample has {SAMPLE_HOURS}, you asked for {hours}. "
            f"Use --year {SAMPLE_HOURS.name} with --sample, or leave --sample out and set EIA_API_KEY."
        )
    if source.identity == "eia" and hours.stop <= HISTORY_START:
        raise NoDataError(
            f"You asked for {hours}, but the API's history starts at {label(HISTORY_START)}. "
            "Older years are in EIA's six-month files only."
        )


def check_key(source: Source, given: SecretStr | None) -> SecretStr | None:
    """Returns the key for a source: None where it needs none, else the one given or found.

    Raises:
        KeyMissingError: If it needs one and there is none.
    """
    # The sample needs none, so nobody's keyring is opened for it.
    if not source.needs_key:
        return None
    key = resolve_key(given)
    if key is None:
        raise KeyMissingError(
            f"There is no API key. {KEY_WAYS} "
            "Or use --sample for the embedded data. For a server that checks no key, any text will do."
        )
    return key


def build(prepared: Prepared) -> PipelineDAG:
    """Returns the DAG of a prepared run: one extract step per route, the transform, what follows.

    Raises:
        ConfigError: If a step refuses its settings.
    """
    settings = prepared.settings
    dag = PipelineDAG(
        PipelineDAGConfig(
            pipeline_name=HOURLY,
            output_dir=settings.out,
            max_parallel_steps=settings.max_parallel,
            stop_on_failure=not settings.continue_on_failure,
            executor=settings.executor,
            force=settings.force,
            recipe=prepared.recipe,
            resumes=prepared.resumes,
        )
    )
    extracts = [dag.add_step(step) for step in _extract_steps(prepared)]
    if settings.through != "extract":
        config = TransformConfig(
            name=prepared.name,
            first=prepared.hours.first_label,
            last=prepared.hours.last_label,
            respondents=prepared.respondents,
            series=prepared.series,
        )
        table = dag.add_step(TransformStep(config), dependencies=extracts)
        if settings.through in _TRAINING:
            from gridloom.pipelines.stages import add_stages  # noqa: PLC0415 - see _TRAINING

            add_stages(dag, table, prepared.name, settings.through)
    return dag


def _extract_steps(prepared: Prepared) -> Iterable[EIAExtractStep]:
    settings = prepared.settings
    for request in route_requests(prepared.series):
        names = tuple(f"{request.route.prefix}{code}" for code in request.types or ("all",))
        yield EIAExtractStep(
            EIAExtractConfig(
                series=names,
                respondents=prepared.respondents,
                first=prepared.hours.first_label,
                last=prepared.hours.last_label,
                batch_days=prepared.batch_days,
                page_rows=settings.records_per_request,
                source=prepared.source.identity,
                base_url=prepared.source.base_url,
                api_key=prepared.api_key,
                concurrency=settings.concurrency,
                rate_limit=settings.rate_limit,
                refresh_days=settings.refresh_days,
                # where a forced run is carried on, the DAG knows which steps have asked already
                ask_again=settings.force and prepared.resumes is None,
            )
        )


def hourly(
    start: str | datetime | None = None,
    end: str | datetime | None = None,
    regions: Iterable[str] | str | None = None,
    series: Iterable[str] | str | None = None,
    **settings: object,
) -> HourlyTable:
    """Fetches hourly EIA-930 data and returns the one complete, checked table of it.

    Args:
        start: First period, ``YYYY-MM-DDTHH`` or an aware datetime in UTC (the hour's END), inclusive.
        end: Last period, inclusive.
        regions: Respondent codes; by default the standard eight.
        series: Series names; by default demand and every fuel (``D,NG.all``).
        **settings: Any other field of `HourlySettings`, such as ``year=2023``, ``out="data"``,
            ``sample=True`` or ``batch_days="auto"``.

    Returns:
        The table; ``.path`` is the Parquet file and ``.scan()`` a lazy polars frame.

    Raises:
        UsageError: If the input cannot be used; nothing was done then.
        GridLoomError: If the run failed; what was fetched is kept and not asked for again.

    Example:
        ``gridloom.hourly(regions=["PACW"], series="D", sample=True, out="data")``
    """
    if settings.pop("through", "transform") != "transform":
        raise ConfigError("hourly() returns the table, so it always runs through 'transform'.")
    values = {
        **settings,
        "start": _as_label(start),
        "end": _as_label(end),
        "regions": regions,
        "series": series,
    }
    prepared = prepare(HourlySettings.of({key: value for key, value in values.items() if value is not None}))
    for text in prepared.warnings:
        warnings.warn(text, stacklevel=2)
    result = build(prepared).execute()
    result.raise_for_failure()
    table = result["transform"].output
    if not isinstance(table, HourlyTable):
        raise GridLoomError(f"The transform step returned {table!r} instead of a table. Please report this.")
    return table


def _as_label(period: str | datetime | None) -> str | None:
    if not isinstance(period, datetime):
        return period
    if period.tzinfo is None:
        raise ConfigError(
            f"{period.isoformat()} has no time zone. Pass an aware datetime, such as one with tzinfo=UTC."
        )
    in_utc = period.astimezone(UTC)
    if in_utc.minute or in_utc.second or in_utc.microsecond:
        raise ConfigError(f"{in_utc.isoformat()} is not a full hour. Pass the end of the hour that you want.")
    return label(in_utc)
