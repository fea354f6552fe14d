"""Times, shares, lists and settings as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gridloom.words import count

__all__ = ["clock", "named", "parted", "share", "without_places"]

_PLACE: Final = re.compile(r"(?<![\w.:/~-])/(?:[\w.@+-]+/)+(?=[\w.@+-])")


def share(part: float, whole: float) -> str:
    """Returns a share in per cent; never 100 % or 0 % unless it is exactly that.

    Example:
        >>> share(1, 1), share(99_999, 100_000), share(1, 100_000), share(1, 3), share(0, 0)
        ('100 %', '> 99.9 %', '< 0.1 %', '33.3 %', '-')
    """
    if not whole:
        return "-"
    if part in {0, whole}:
        return "100 %" if part else "0 %"
    percent = 100 * part / whole
    if percent > 99.9:  # noqa: PLR2004 - one decimal is shown
        return "> 99.9 %"
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"  # noqa: PLR2004 - one decimal is shown


def clock(at: datetime | None) -> str:
    """Returns a time in UTC to the second; a dash where nobody knows."""
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def named(names: Sequence[str], most: int = 12) -> str:
    """Returns the first names of a list, and how many more there are.

    Example:
        >>> named(["a", "b"]), named(["a", "b", "c"], most=1)
        ('a, b', 'a and 2 more')
    """
    first = ", ".join(names[:most])
    return first if len(names) <= most else f"{first} and {count(len(names) - most)} more"


def parted(value: Any) -> str:
    """Returns a setting's value as a person reads it.

    Example:
        >>> parted(["D", "NG.all"]), parted(None), parted(True), parted({"a": 1})
        ('D, NG.all', '-', 'yes', 'a: 1')
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case None | "" | []:
            return "-"
        case list():
            return ", ".join(parted(item) for item in value)
        case dict():
            return ", ".join(f"{name}: {parted(item)}" for name, item in value.items()) or "-"
        case _:
            return str(value)


def without_places(value: Any, out: Path) -> Any:
    """Returns JSON-able data whose texts name no folder of a machine.

    What lies in the output folder is named from there; of any other absolute path the last part is left.

    Args:
        value: The data.
        out: The output folder.
    """
    own = f"{out.absolute().as_posix()}/"
    if isinstance(value, str):
        return _PLACE.sub("…/", value.replace(own, ""))
    if isinstance(value, dict):
        return {name: without_places(item, out) for name, item in value.items()}
    if isinstance(value, list):
        return [without_places(item, out) for item in value]
    return value
