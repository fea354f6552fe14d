"""Numbers, times and texts as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

__all__ = ["clock", "count", "duration", "named", "parted", "share", "short", "size", "without_places"]

_PLACE: Final = re.compile(r"(?<![\w.:/~-])/(?:[\w.@+-]+/)+(?=[\w.@+-])")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def count(value: float) -> str:
    """Returns a number with thousands separators.

    Example:
        >>> count(1234567), count(0.25), count(12.5)
        ('1,234,567', '0.25', '12.5')
    """
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"


def duration(seconds: float) -> str:
    """Returns a length of time in the units that a person would take.

    Example:
        >>> duration(0.0123), duration(2.5), duration(75), duration(7325)
        ('12 ms', '2.5 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def size(size_bytes: float) -> str:
    """Returns a size in units of 1,000.

    Example:
        >>> size(999), size(1_049_000)
        ('999 B', '1.0 MB')
    """
    value = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1_000:  # noqa: PLR2004 - the next unit
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} TB"


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


def short(text: str, most: int) -> str:
    """Returns a text of at most so many characters.

    Example:
        >>> short("extract-region-data", 10)
        'extract-r…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


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
