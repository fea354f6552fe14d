"""What `year`, `demo`, `plan` and `resume` share for the hourly pipeline."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from gridloom.cli._job import Job
from gridloom.cli._summary import echo_plan, echo_summary
from gridloom.pipelines.hourly import Prepared, build, prepare
from gridloom.pipelines.places import load_settings
from gridloom.pipelines.plan_summary import planned
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.summary import ran

__all__ = ["YEAR_FIELDS", "hourly_job", "prepared_job", "read_settings"]

YEAR_FIELDS = tuple(HourlySettings.model_fields)
"""Every setting is a flag of `year`."""


def read_settings(flags: dict[str, Any]) -> HourlySettings:
    """Returns the settings of flags, environment and the settings file of the working folder."""
    return load_settings(flags, folder=Path.cwd())


def hourly_job(settings: HourlySettings, *, name_region: str | None = None) -> Job:
    """Returns the job of the hourly pipeline."""
    return prepared_job(prepare(settings, name_region=name_region))


def prepared_job(prepared: Prepared) -> Job:
    """Returns the job of what is prepared already."""
    return Job(
        warnings=prepared.warnings,
        run=partial(ran, prepared),
        echo=echo_summary,
        dag=partial(build, prepared),
        plan=partial(planned, prepared),
        echo_plan=echo_plan,
    )
