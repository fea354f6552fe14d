"""Where settings come from: flags over the environment over the settings file of the working folder."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gridloom.errors import ConfigError
from gridloom.files import storage_errors
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.wording import as_flag, as_setting

__all__ = ["SETTINGS_FILES", "load_settings"]

SETTINGS_FILES: Final = ("gridloom.toml", "gridloom.yaml")
"""Settings files of which one may stand in the working folder; their keys are the fields of the settings."""

_ENVIRONMENT: Final = {"base_url": "GRIDLOOM_BASE_URL", "out": "GRIDLOOM_OUT"}
_RIVALS: Final = (
    frozenset({"sample", "base_url"}),
    frozenset({"year", "start_year", "end_year", "start", "end"}),
)
"""Settings that answer one question: where one of them is given, the others of a farther place are not."""


def load_settings(
    flags: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ, folder: Path
) -> HourlySettings:
    """Returns settings from flags, then environment, then one of `SETTINGS_FILES` in `folder`, in that order.

    Args:
        flags: Values given explicitly; None and absent count as not given.
        environ: ``GRIDLOOM_BASE_URL`` and ``GRIDLOOM_OUT`` are read from it.
        folder: Where to look for the settings file.

    Raises:
        ConfigError: If a value is unknown or out of range, in whichever place it stands, or there are two
            settings files.
    """
    given = {field: value for field, value in flags.items() if value is not None}
    around = {
        field: environ[variable]
        for field, variable in _ENVIRONMENT.items()
        if environ.get(variable, "").strip()
    }
    path, in_file = _from_file(folder)
    names = {
        **{field: f"{path.name}: {as_setting(field)}" for field in in_file},
        **{field: _ENVIRONMENT[field] for field in around},
        **{field: as_flag(field) for field in given},
    }
    return HourlySettings.of(_over(_over(in_file, around), given), named=lambda field: names[field])


def _over(values: dict[str, Any], nearer: dict[str, Any]) -> dict[str, Any]:
    """Returns `values` under `nearer` ones, without those that answer the same question another way."""
    answered = {field for rivals in _RIVALS if rivals & nearer.keys() for field in rivals}
    return {field: value for field, value in values.items() if field not in answered} | nearer


def _from_file(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Returns the settings file, and what it says; that of a file that is not there says nothing."""
    found = [path for name in SETTINGS_FILES if (path := folder / name).is_file()]
    if len(found) > 1:
        raise ConfigError(f"There are two settings files, {' and '.join(SETTINGS_FILES)}. Keep one of them.")
    if not found:
        return folder / SETTINGS_FILES[0], {}
    path = found[0]
    values = _toml(path) if path.suffix == ".toml" else _yaml(path)
    if "api_key" in values:
        raise ConfigError(f"{path.name} holds an api_key. Keys belong in the environment: set EIA_API_KEY.")
    return path, values


def _toml(path: Path) -> dict[str, Any]:
    try:
        with storage_errors("read", path):
            return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}.") from error


def _yaml(path: Path) -> dict[str, Any]:
    from gridloom.pipelines.lines import read_lines  # noqa: PLC0415 - few write one, and YAML takes a while

    values = read_lines(path).plain()
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name} has to be settings with their values, such as `year: 2024`.")
    return {field: value for field, value in values.items() if value is not None}
