"""Parsed rows by respondent: put as they come, taken respondent by respondent.

Windows come by time and hold several respondents; the table is made respondent by respondent. In
between, rows stand in memory, or, where a folder is given, in files, of which each part can be read
by itself.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import polars as pl

from gridloom.files import storage_errors
from gridloom.grid.hours import HourRange
from gridloom.transform.facts import names_in
from gridloom.transform.parse import ROW_SCHEMA, ParsedRows, gather
from gridloom.transform.received import Received

__all__ = ["CHUNK_ROWS", "Shelf", "shelve"]

CHUNK_ROWS: Final = 500_000
"""Rows that are put together: enough to make it worth it, few enough to stand in memory (14 MB)."""

_PACKING: Final = "zstd"  # a tenth of the size, in less time than without


class _Place(NamedTuple):
    """Where rows of one respondent stand: in which file of the folder, from which byte, how many."""

    file: str
    start: int
    size_bytes: int


class Shelf:
    """Keeps parsed rows until their respondent's turn.

    Args:
        folder: Where files are written; None keeps all in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._held: list[pl.DataFrame] = []
        self._places: dict[str, list[_Place]] = defaultdict(list)
        self._files = 0

    @classmethod
    def standing(cls, folder: Path, places: Mapping[str, Sequence[Sequence[Any]]]) -> Self:
        """Returns the shelf that an earlier one left in a folder.

        Args:
            folder: Where its files are.
            places: What its `places` were.
        """
        shelf = cls(folder)
        shelf._places.update({code: [_Place(*place) for place in known] for code, known in places.items()})
        return shelf

    @property
    def places(self) -> dict[str, list[tuple[str, int, int]]]:
        """Where the rows of each respondent stand in the folder, JSON-able; nothing of what is in memory."""
        return {code: [(*place,) for place in known] for code, known in self._places.items()}

    def put(self, rows: pl.DataFrame) -> None:
        """Takes some rows (`gridloom.transform.parse.ROW_SCHEMA`).

        Raises:
            StorageError: If the disk refuses.
        """
        if self._folder is None:
            self._held.append(rows)
            return
        path = self._folder / f"rows-{self._files:04}"
        self._files += 1
        with storage_errors("write", path):
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for code in names_in(rows, "respondent"):
                    buffer = io.BytesIO()
                    _of(rows, code).write_ipc_stream(buffer, compression=_PACKING)
                    self._places[code].append(_Place(path.name, file.tell(), buffer.tell()))
                    file.write(buffer.getbuffer())

    def respondents(self) -> tuple[str, ...]:
        """Returns the codes of all respondents that have rows, sorted."""
        held = (code for rows in self._held for code in names_in(rows, "respondent"))
        return tuple(sorted({*held, *self._places}))

    def rows(self, respondent: str) -> pl.DataFrame:
        """Returns all rows of one respondent, in the order in which they were put.

        Raises:
            StorageError: If the disk refuses.
        """
        held = [_of(rows, respondent) for rows in self._held]
        stored = [self._read(place) for place in self._places.get(respondent, ())]
        return pl.concat([ROW_SCHEMA.to_frame(), *held, *stored])

    def _read(self, place: _Place) -> pl.DataFrame:
        path = (self._folder or Path()) / place.file
        with storage_errors("read", path), path.open("rb") as file:
            file.seek(place.start)
            packed = file.read(place.size_bytes)
        return pl.read_ipc_stream(io.BytesIO(packed))


def _of(rows: pl.DataFrame, respondent: str) -> pl.DataFrame:
    return rows.filter(pl.col("respondent") == respondent)


def shelve(parts: Iterable[ParsedRows], shelf: Shelf, asked: HourRange) -> Received:
    """Puts parsed rows on a shelf, and returns the facts about them.

    Args:
        parts: The rows, window by window.
        shelf: Takes them, `CHUNK_ROWS` or a little more at once.
        asked: The hours asked for.

    Raises:
        StorageError: If the disk refuses.
    """
    facts: list[Received] = []
    waiting: list[ParsedRows] = []

    def put() -> None:
        chunk = gather(waiting)
        facts.append(Received.of(chunk, asked))
        shelf.put(chunk.rows)
        waiting.clear()

    for part in parts:
        waiting.append(part)
        if sum(known.rows.height for known in waiting) >= CHUNK_ROWS:
            put()
    put()
    return Received.joined(facts)
