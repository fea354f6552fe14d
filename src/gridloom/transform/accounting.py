"""What came of the rows received, as records: none lost, none unasked, and what the source lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import polars as pl

from gridloom.finding import Finding
from gridloom.grid.hours import HourRange, label
from gridloom.grid.respondents import find
from gridloom.grid.series import ALL_OF, route_of
from gridloom.transform.complete import period_of
from gridloom.transform.duplicates import Drops
from gridloom.transform.facts import Facts
from gridloom.transform.findings import listed
from gridloom.transform.received import Received

__all__ = [
    "conflicts",
    "duplicates",
    "rows_accounted",
    "rows_as_asked",
    "series_present",
    "text_values",
    "windows_complete",
]

_NO_LOAD_SERIES: Final = frozenset({"D", "DF"})


def rows_as_asked(received: Received, asked: Iterable[tuple[str, str]], hours: HourRange) -> Finding:
    """Returns whether every row received is of a respondent, series and hour that was asked for.

    Args:
        received: What was received.
        asked: Pairs of respondent and series asked for; the series may be ``NG.all`` and the like.
        hours: The periods asked for.
    """
    pairs = set(asked)
    unasked = [
        (f"{respondent} {series}", count)
        for (respondent, series), count in sorted(received.pairs.items())
        if (respondent, series) not in pairs and (respondent, _all_of(series)) not in pairs
    ]
    parts = []
    if unasked:
        parts.append(
            f"{sum(count for _, count in unasked):,} rows are of {listed(name for name, _ in unasked)}"
        )
    if received.outside:
        first, last = (label(period_of(end)) for end in received.outside_ms)
        parts.append(f"{received.outside:,} rows lie between {first} and {last}, outside {hours}")
    return Finding(
        name="rows-as-asked",
        why="Rows that nobody asked for mean that the source understood another question.",
        required=True,
        passed=not parts,
        detail=f"{'; '.join(parts)}; that was not asked for."
        if parts
        else "Every row is one that was asked for.",
    )


def _all_of(series: str) -> str | None:
    """Returns the name that asks for all series of the route of one."""
    return ALL_OF.get(route_of(series).id)


def windows_complete(received: Received) -> Finding:
    """Returns whether every landed window holds as many different rows as the source counted in it."""
    said = (
        f"{received.windows_complete:,} of {received.windows:,} windows, "
        f"{received.distinct:,} of {received.rows:,} rows"
    )
    repeated = received.rows - received.distinct
    return Finding(
        name="windows-complete",
        why="Only the source's own count can tell that no row was lost on the way.",
        required=False,
        passed=not repeated,
        detail=f"{said}; {repeated:,} rows repeat one of their window." if repeated else f"{said}.",
    )


def rows_accounted(received: int, facts: Facts, drops: Drops) -> Finding:
    """Returns whether every row that the receipts count is in the table or was dropped by a rule.

    Args:
        received: Rows by the receipts.
        facts: The facts about the table.
        drops: What was dropped.
    """
    kept = facts.rows - facts.missing.total()
    sums = f"{received:,} rows received, {kept:,} in the table, {drops.rows:,} duplicates dropped"
    return Finding(
        name="rows-accounted",
        why="A row that vanishes between the source and the table would look like a gap of the source.",
        required=True,
        passed=received == kept + drops.rows,
        detail=f"{sums}.",
    )


def duplicates(drops: Drops) -> Finding:
    """Returns whether every key came once, and how many rows were dropped by which rule."""
    return Finding(
        name="duplicates",
        why="A key that comes twice is counted once; the count shows how often that was needed.",
        required=False,
        passed=not drops.rows,
        detail=f"{drops.rows:,} duplicate rows were dropped: {drops.exact:,} equal to a row kept, "
        f"{drops.superseded:,} without a value beside one with a value, "
        f"{drops.contradicting:,} smaller than the value kept."
        if drops.rows
        else "No key came twice.",
    )


def conflicts(drops: Drops) -> Finding:
    """Returns whether no key came with two different values."""
    found = drops.conflicts
    shown = found.with_columns(pl.col("period").dt.epoch("ms"))
    examples = (
        f"{respondent} {series} {label(period_of(epoch_ms))} ({kept:g} and {smallest:g} MWh)"
        for respondent, series, epoch_ms, kept, smallest in shown.iter_rows()
    )
    return Finding(
        name="conflicts",
        why="The source gave two values for one hour; only one of them can be right.",
        required=False,
        passed=not found.height,
        detail=f"{found.height:,} hours came with different values, the largest was kept: {listed(examples)}."
        if found.height
        else "No hour came with two values.",
    )


def text_values(texts: Counter[str]) -> Finding:
    """Returns whether every value received was a finite number or null.

    Args:
        texts: Rows with each value that was neither.
    """
    examples = (f"'{text}' ({count:,})" for text, count in sorted(texts.items()))
    return Finding(
        name="text-values",
        why="A value that is no finite number is kept as null; it should not be mistaken for a gap.",
        required=False,
        passed=not texts,
        detail=f"{texts.total():,} values are no finite numbers and count as null: {listed(examples)}."
        if texts
        else "Every value was a number or null.",
    )


def series_present(asked: Iterable[tuple[str, str]], facts: Facts) -> Finding:
    """Returns whether the source has rows for everything that was asked for.

    Args:
        asked: Pairs of respondent and series asked for; ``NG.all`` needs one fuel at least, and so on.
        facts: The facts about the table.
    """
    named = {(span.respondent, span.series) for span in facts.spans}
    found = named | {(respondent, _all_of(series)) for respondent, series in named}
    absent = [pair for pair in sorted(set(asked)) if pair not in found]
    return Finding(
        name="series-present",
        why="The API answers a wrong or silent code with no rows and no error.",
        required=False,
        passed=not absent,
        detail=f"The source has no rows for {listed((_absent(*pair) for pair in absent), most=12)}."
        if absent
        else "The source has rows for everything asked for.",
    )


def _absent(respondent: str, series: str) -> str:
    known = find(respondent)
    if known and known.generation_only == "yes" and series in _NO_LOAD_SERIES:
        return f"{respondent} {series} (generation only)"
    return f"{respondent} {series}"
