"""Options that commands share. Help texts of settings come from the settings model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from gridloom.pipelines.settings import HourlySettings

__all__ = ["json_option", "out_option", "setting_options", "verbosity_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_METAVARS: Final = {
    "year": "YYYY",
    "start_year": "YYYY",
    "end_year": "YYYY",
    "start": "YYYY-MM-DDTHH",
    "end": "YYYY-MM-DDTHH",
    "regions": "A,B",
    "batch_days": "N|auto",
    "records_per_request": "N",
    "series": "A,B",
    "name": "NAME",
    "through": "extract|transform|load|ring",
    "max_parallel": "N",
    "executor": "thread|process",
    "concurrency": "N",
    "rate_limit": "N|off",
    "refresh_days": "N",
    "base_url": "URL",
    "out": "DIR",
}
"""What stands behind an option in the help; a setting that is not here is a switch."""


def setting_options(*fields: str) -> Callable[[_Command], _Command]:
    """Returns a decorator that adds one option per settings field, without a default.

    An option that is not given stays None, so that presets, environment and file can speak.
    """

    def decorate(command: _Command) -> _Command:
        for field in reversed(fields):
            command = _setting(field)(command)
        return command

    return decorate


def _setting(field: str) -> Callable[[_Command], _Command]:
    info = HourlySettings.model_fields[field]
    flag = "--" + field.replace("_", "-")
    text = info.description or ""
    if field not in _METAVARS:
        return click.option(flag, field, is_flag=True, default=None, help=text)
    plain = (
        info.default if isinstance(info.default, int | str) and not isinstance(info.default, bool) else None
    )
    if plain is not None:
        text += f"  [default: {plain}]"
    return click.option(flag, field, metavar=_METAVARS[field], default=None, help=text)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout, nothing else."
)


def out_option(command: _Command) -> _Command:
    """Adds ``--out`` to a command that reads an output folder."""
    return setting_options("out")(command)


def verbosity_options(command: _Command) -> _Command:
    """Adds ``-v`` and ``-q``."""
    command = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")(command)
    return click.option("-v", "--verbose", is_flag=True, help="Say more: every log line and finding.")(
        command
    )
