"""Numbers, lengths of time and sizes as a person reads them."""

from __future__ import annotations

from typing import Final

__all__ = ["count", "duration", "several", "short", "size"]

_WHOLE_FROM: Final = 100
"""Of numbers from here on nobody reads what comes after the point."""

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def count(value: float) -> str:
    """Returns a number with thousands separators.

    Example:
        >>> count(1234567), count(1234.5), count(12.5), count(0.25)
        ('1,234,567', '1,234', '12.5', '0.25')
    """
    return f"{value:,.3g}" if abs(value) < _WHOLE_FROM and value % 1 else f"{value:,.0f}"


def several(number: float, one: str, more: str = "") -> str:
    """Returns a number of things.

    Args:
        number: How many.
        one: What one of them is called.
        more: What more of them are called; by default with an s.

    Example:
        >>> several(1, "request"), several(1200, "request"), several(0, "retry", "retries")
        ('1 request', '1,200 requests', '0 retries')
    """
    return f"{count(number)} {one if number == 1 else more or f'{one}s'}"


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


def short(text: str, most: int) -> str:
    """Returns a text of at most so many characters.

    Example:
        >>> short("extract-region-data", 10)
        'extract-r…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"
