"""Parsed rows to the canonical table, a respondent at a time, so that little stands in memory at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from gridloom.grid.hours import HourRange
from gridloom.grid.table import polars_schema
from gridloom.transform.complete import Life, complete, series_lives
from gridloom.transform.duplicates import Drops, resolve_duplicates
from gridloom.transform.write import names_in

__all__ = ["Tabulated", "by_respondent", "tabulate"]


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The canonical table, and what it was made of.

    Attributes:
        frame: Its rows, sorted by the table's key.
        lives: The hours that each of its series has, sorted.
        drops: The rows received that are not in it.
    """

    frame: pl.DataFrame
    lives: tuple[Life, ...]
    drops: Drops


def by_respondent(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yields the rows of each respondent, sorted by code; `rows` are let go of after the last one.

    Args:
        rows: Parsed rows.
    """
    # To partition all at once would hold every row twice.
    for code in names_in(rows, "respondent"):
        yield rows.filter(pl.col("respondent") == code)


def tabulate(parts: Iterable[pl.DataFrame], asked: Mapping[str, HourRange | None]) -> Tabulated:
    """Returns the canonical table: duplicates resolved, a row for every hour, sorted by key.

    Args:
        parts: Parsed rows, of each respondent in one part, sorted by code.
        asked: The hours asked for that the source has, by route id; None for none.
    """
    frames, lives, drops = [polars_schema().to_frame()], list[Life](), list[Drops]()
    for rows in parts:
        resolved = resolve_duplicates(rows)
        known = series_lives(resolved.rows, asked)
        frames.append(complete(resolved.rows, known))
        lives += known
        drops.append(resolved.drops)
    return Tabulated(frame=pl.concat(frames), lives=tuple(lives), drops=Drops.of(drops))
