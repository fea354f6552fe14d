"""The heat map of a table's hours: for each series and stretch of time, how much of it is there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from gridloom.report.words import share
from gridloom.words import count

__all__ = ["MOST_ROWS", "SHADES", "Coverage", "CoverageRow", "Patch", "Strip", "strips"]

MOST_ROWS: Final = 160
"""A table of more series is shown by respondent."""

SHADES: Final = {
    "full": "every hour reported",
    "null-1": "under 10 % of the hours null",
    "null-2": "10 to 90 % null",
    "null-3": "nearly all null",
    "missing-1": "under 10 % of the hours missing",
    "missing-2": "10 to 90 % missing",
    "missing-3": "nearly all missing",
    "outside": "no hour asked for",
}
"""Every shade of the heat map, and what it stands for; null or missing is whichever has more hours."""

_FEW, _MANY = 0.1, 0.9


class CoverageRow(msgspec.Struct, frozen=True):
    """Hours of one series of one respondent, counted by stretch of time.

    Attributes:
        respondent: Its code.
        series: The series.
        reported: Hours with a value.
        null: Hours that the source sent without a value.
        missing: Hours that the source did not send.
    """

    respondent: str
    series: str
    reported: list[int]
    null: list[int]
    missing: list[int]


class Coverage(msgspec.Struct, frozen=True):
    """What a table has of the hours that were asked for.

    Attributes:
        table: Its path in the output folder.
        edges: Label of the first hour of each stretch.
        last: Label of the last hour of all.
        rows: One for each series of each respondent, in the table's order.
        begins: Label of the first hour that has a row; empty where an earlier version counted.
        ends: Label of the last one.
    """

    table: str
    edges: list[str]
    last: str
    rows: list[CoverageRow]
    begins: str = ""
    ends: str = ""


class Patch(msgspec.Struct, frozen=True):
    """Neighbouring stretches of one shade."""

    first: int
    length: int
    shade: str


class Strip(msgspec.Struct, frozen=True):
    """One row of the heat map.

    Attributes:
        respondent: Its code.
        series: The series, or how many there are.
        hours: Hours in all.
        reported: Share of them that has a value, in words.
        null: Hours without a value.
        missing: Hours that were not sent.
        patches: Shades from left to right.
    """

    respondent: str
    series: str
    hours: str
    reported: str
    null: str
    missing: str
    patches: list[Patch]


def strips(coverage: Coverage, most_rows: int = MOST_ROWS) -> list[Strip]:
    """Returns the rows of the heat map; where there are too many, one for each respondent.

    Args:
        coverage: What was counted.
        most_rows: Rows at most before respondents are summed up.
    """
    rows = coverage.rows
    return [_strip(row) for row in (rows if len(rows) <= most_rows else _by_respondent(rows))]


def _by_respondent(rows: Iterable[CoverageRow]) -> list[CoverageRow]:
    grouped: dict[str, list[CoverageRow]] = {}
    for row in rows:
        grouped.setdefault(row.respondent, []).append(row)
    return [
        CoverageRow(
            respondent,
            f"{len(found)} series",
            *(
                [sum(column) for column in zip(*(getattr(row, name) for row in found), strict=True)]
                for name in ("reported", "null", "missing")
            ),
        )
        for respondent, found in grouped.items()
    ]


def _strip(row: CoverageRow) -> Strip:
    cells = list(zip(row.reported, row.null, row.missing, strict=True))
    shades = [_shade(*cell) for cell in cells]
    reported, null, missing = (sum(column) for column in (row.reported, row.null, row.missing))
    hours = reported + null + missing
    return Strip(
        respondent=row.respondent,
        series=row.series,
        hours=count(hours),
        reported=share(reported, hours),
        null=count(null),
        missing=count(missing),
        patches=_patches(shades),
    )


def _shade(reported: int, null: int, missing: int) -> str:
    hours = reported + null + missing
    if not hours:
        return "outside"
    absent = (null + missing) / hours
    if not absent:
        return "full"
    degree = 1 if absent < _FEW else 2 if absent < _MANY else 3
    return f"{'null' if null > missing else 'missing'}-{degree}"


def _patches(shades: list[str]) -> list[Patch]:
    found: list[Patch] = []
    for place, shade in enumerate(shades):
        if found and found[-1].shade == shade:
            found[-1] = Patch(found[-1].first, found[-1].length + 1, shade)
        else:
            found.append(Patch(place, 1, shade))
    return found
