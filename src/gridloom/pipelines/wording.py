"""Validation errors of settings in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from gridloom.dag.config import setting_errors
from gridloom.errors import ConfigError

__all__ = ["from_flags", "in_words"]

_Model = TypeVar("_Model", bound=BaseModel)


def from_flags(model: type[_Model], values: Mapping[str, Any]) -> _Model:
    """Returns settings from flags.

    Raises:
        ConfigError: In words, naming each flag whose value cannot be used.
    """
    wrong = setting_errors(model, values)
    if wrong:
        raise ConfigError(" ".join(in_words(model, item) for item in wrong))
    return model(**values)


def in_words(model: type[BaseModel], item: Any) -> str:
    """Returns one validation error as a sentence: the flag, what it got, what is allowed.

    Args:
        model: The settings model; its fields' descriptions explain the flags.
        item: One of pydantic's error records.
    """
    field, rule, facts = str(item["loc"][0]), item["type"], item.get("ctx", {})
    flag = f"--{field.replace('_', '-')}"
    allowed = {
        "greater_than_equal": f"it has to be {facts.get('ge')} or more",
        "less_than_equal": f"it has to be {facts.get('le')} or less",
        "int_parsing": "it has to be a whole number",
        "literal_error": f"it has to be {facts.get('expected')}",
        "value_error": str(facts.get("error", "")),
    }.get(rule, item["msg"])
    about = (model.model_fields[field].description or "").split("  [")[0].split("; None")[0].rstrip(".")
    return f"{flag} cannot be {item['input']!r}: {allowed}. ({about}.)"
