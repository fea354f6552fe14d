"""Parsed rows to the canonical table, a respondent at a time, so that little stands in memory at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.files import storage_errors
from gridloom.grid.hours import HourRange
from gridloom.grid.table import RowsDigest, polars_schema
from gridloom.transform.complete import Life, complete, series_lives
from gridloom.transform.duplicates import Drops, resolve_duplicates
from gridloom.transform.facts import Facts

__all__ = ["Tabulated", "tabulate"]

_BATCH_ROWS: Final = 32_768  # what is unpacked at once when the parts are put together


@dataclass(frozen=True, slots=True)
class Tabulated:
    """The canonical table, and what it was made of.

    Attributes:
        parts: Its rows, sorted by the table's key; each part is read when it is needed.
        facts: The facts about them.
        rows_digest: Their digest.
        lives: The hours that each of its series has, sorted.
        drops: The rows received that are not in it.
    """

    parts: tuple[pl.LazyFrame, ...]
    facts: Facts
    rows_digest: str
    lives: tuple[Life, ...]
    drops: Drops


def tabulate(
    parts: Iterable[pl.DataFrame],
    asked: HourRange,
    source_has: Mapping[str, HourRange | None],
    *,
    folder: Path | None,
) -> Tabulated:
    """Returns the canonical table: duplicates resolved, a row for every hour, sorted by key.

    Args:
        parts: Parsed rows, of each respondent in one part, sorted by code.
        asked: The hours asked for.
        source_has: Those of them that the source has, by route id; None for none.
        folder: Where finished respondents are written; None keeps them in memory.

    Raises:
        StorageError: If the disk refuses.
    """
    made = [polars_schema().to_frame().lazy()]
    facts, lives, drops, digest = list[Facts](), list[Life](), list[Drops](), RowsDigest()
    for rows in parts:
        resolved = resolve_duplicates(rows)
        known = series_lives(resolved.rows, source_has)
        frame = complete(resolved.rows, known)
        made.append(_kept(frame, folder / f"part-{len(made):04}.arrow" if folder else None))
        digest.update(frame)
        facts.append(Facts.of(frame, asked))
        lives += known
        drops.append(resolved.drops)
    return Tabulated(
        parts=tuple(made),
        facts=Facts.joined(facts),
        rows_digest=str(digest),
        lives=tuple(lives),
        drops=Drops.of(drops),
    )


def _kept(frame: pl.DataFrame, path: Path | None) -> pl.LazyFrame:
    """Returns a frame that is read when it is needed, from a file where there is a path."""
    if path is None:
        return frame.lazy()
    buffer = io.BytesIO()
    frame.write_ipc(buffer, compression="zstd", record_batch_size=_BATCH_ROWS)
    with storage_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getbuffer())
    return pl.scan_ipc(path)
