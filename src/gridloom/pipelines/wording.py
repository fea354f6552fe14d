"""Validation errors of settings in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from gridloom.dag.config import setting_errors
from gridloom.errors import ConfigError

__all__ = ["as_flag", "as_setting", "from_flags", "in_words"]

_Model = TypeVar("_Model", bound=BaseModel)


def as_flag(field: str) -> str:
    """Returns the flag of a setting.

    Example:
        >>> as_flag("max_parallel")
        '--max-parallel'
    """
    return f"--{field.replace('_', '-')}"


def as_setting(field: str) -> str:
    """Returns the name of a setting where it is none of a flag: in Python or in a file.

    Example:
        >>> as_setting("max_parallel")
        '`max_parallel`'
    """
    return f"`{field}`"


def from_flags(
    model: type[_Model], values: Mapping[str, Any], *, named: Callable[[str], str] = as_flag
) -> _Model:
    """Returns settings from flags, or from another place.

    Args:
        model: The settings model.
        values: What was given.
        named: Returns what the user calls a setting there.

    Raises:
        ConfigError: In words, naming each setting whose value cannot be used.
    """
    wrong = setting_errors(model, values)
    if wrong:
        raise ConfigError(" ".join(in_words(model, item, named=named) for item in wrong))
    return model(**values)


def in_words(model: type[BaseModel], item: Any, *, named: Callable[[str], str] = as_flag) -> str:
    """Returns one validation error as a sentence: the setting, what it got, what is allowed.

    Args:
        model: The settings model; its fields' descriptions explain them.
        item: One of pydantic's error records.
        named: Returns what the user calls a setting.
    """
    field, rule, facts = str(item["loc"][0]), item["type"], item.get("ctx", {})
    allowed = {
        "greater_than_equal": f"it has to be {facts.get('ge')} or more",
        "less_than_equal": f"it has to be {facts.get('le')} or less",
        "int_parsing": "it has to be a whole number",
        "literal_error": f"it has to be {facts.get('expected')}",
        "value_error": str(facts.get("error", "")),
    }.get(rule, item["msg"])
    about = (model.model_fields[field].description or "").split("  [")[0].split("; None")[0].rstrip(".")
    return f"{named(field)} cannot be {item['input']!r}: {allowed}. ({about}.)"
