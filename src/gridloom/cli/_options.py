"""Options that commands share. Help texts of settings come from the settings model itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gridloom.files import given_path
from gridloom.pipelines.places import load_settings
from gridloom.pipelines.settings import HourlySettings

__all__ = [
    "PATH",
    "Manner",
    "answer_options",
    "dry_run_option",
    "folder_option",
    "setting_options",
    "verbosity_options",
]


class _GivenPath(click.Path):
    """A path as a user gives one: not empty, with ``~`` for the home folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            given = given_path(value)
        except ValueError as error:
            self.fail(f"'{value}' cannot be used: {error}.", param, ctx)
        return super().convert(given, param, ctx)


PATH: Final = _GivenPath(path_type=Path)
"""The type of an argument that names a file or folder."""

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
    default = ",".join(info.default) if isinstance(info.default, tuple) else info.default
    if default is not None:
        text += f"  [default: {default}]"
    return click.option(flag, field, metavar=_METAVARS[field], default=None, help=text)


dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Check everything and print the plan; ask and write nothing."
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a command is to answer.

    Attributes:
        as_json: With one JSON object on stdout.
        verbose: With every log line and finding.
        quiet: With nothing but warnings and errors.
    """

    as_json: bool = False
    verbose: bool = False
    quiet: bool = False


def answer_options(command: Callable[..., int]) -> Callable[..., int]:
    """Adds ``--json``, ``-v`` and ``-q`` to a command, which gets them as one argument `manner`."""
    text = "Print one JSON object on stdout, nothing else."
    return click.option("--json", "as_json", is_flag=True, help=text)(verbosity_options(command))


def verbosity_options(command: Callable[..., int]) -> Callable[..., int]:
    """Adds ``-v`` and ``-q`` to a command without a JSON form, which gets them as one argument `manner`."""

    @functools.wraps(command)
    def call(*, verbose: bool, quiet: bool, as_json: bool = False, **given: Any) -> int:
        return command(manner=Manner(as_json=as_json, verbose=verbose, quiet=quiet), **given)

    call = click.option("-q", "--quiet", is_flag=True, help="Say nothing but warnings and errors.")(call)
    text = "Say more: every log line and finding."
    return click.option("-v", "--verbose", is_flag=True, help=text)(call)


def folder_option(command: Callable[..., int]) -> Callable[..., int]:
    """Adds ``--out`` to a command, which gets the output folder as its argument `folder`."""

    @functools.wraps(command)
    def call(*, out: str | None, **given: Any) -> int:
        return command(folder=load_settings({"out": out}, folder=Path.cwd()).out, **given)

    return setting_options("out")(call)
