"""Landed pages to typed rows: text to numbers without loss, and nothing else.

A row comes out for every row that the source sent. What is no finite number gives a null value and
stands in a list of its own, so that a null that EIA sent and a text that nobody can read stay apart.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.errors import RawDataError
from gridloom.grid.artifacts import RawPages
from gridloom.grid.raw import read_pages, read_receipt
from gridloom.grid.routes import ROUTES, Route
from gridloom.grid.table import polars_schema

__all__ = ["ROW_SCHEMA", "TEXT_SCHEMA", "ParsedRows", "gather", "parse_pages"]

_TYPES = polars_schema()

ROW_SCHEMA: Final = pl.Schema({name: _TYPES[name] for name in ("period", "respondent", "series", "value")})
"""Columns of parsed rows; ``value`` in MWh, null where the source gave no number."""

TEXT_SCHEMA: Final = pl.Schema(
    {**{name: _TYPES[name] for name in ("period", "respondent", "series")}, "text": pl.String()}
)
"""Columns of the list of values that are no finite numbers, as the source wrote them."""

# The time parser alone would take blanks and missing zeros.
_LABEL: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$"
_MOST_THREADS: Final = 4
# The page is as it landed, so it would be believed again.
_REPAIR: Final = "Delete its folder and run the same command again: only that window is asked for."


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """Rows of landed pages.

    Attributes:
        rows: One row for every row received, in the order received (`ROW_SCHEMA`).
        texts: The rows whose value was neither null nor a finite number (`TEXT_SCHEMA`).
        received: Rows that the receipts count, which is what the source counted.
        distinct: Rows with a key of their own within their window.
        windows: Windows that they are of.
        windows_complete: Windows in which every row has a key of its own.
    """

    rows: pl.DataFrame
    texts: pl.DataFrame
    received: int
    distinct: int
    windows: int
    windows_complete: int


def parse_pages(raw: RawPages) -> Iterator[ParsedRows]:
    """Yields the rows of a set of landed pages, window by window in the order of the set.

    Windows are read on several threads, a few ahead of the one that is yielded; the result does not
    depend on how many.

    Args:
        raw: The landed pages.

    Raises:
        RawDataError: If a page is damaged, is not an answer of the API, holds another number of rows
            than its receipt, or has a period that is not an hourly label.
        StorageError: If the disk refuses.
    """
    route = ROUTES[raw.route]
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    ahead: deque[Future[ParsedRows]] = deque()
    # Decompressing and JSON parsing release the interpreter's lock, so threads really help.
    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        for window in raw.index().windows:
            ahead.append(pool.submit(_parse_window, raw.folder / window.folder, route))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def gather(parts: Iterable[ParsedRows]) -> ParsedRows:
    """Returns the rows of all `parts` together, in their order."""
    known = list(parts)
    return ParsedRows(
        rows=pl.concat([ROW_SCHEMA.to_frame(), *(part.rows for part in known)]),
        texts=pl.concat([TEXT_SCHEMA.to_frame(), *(part.texts for part in known)]),
        received=sum(part.received for part in known),
        distinct=sum(part.distinct for part in known),
        windows=sum(part.windows for part in known),
        windows_complete=sum(part.windows_complete for part in known),
    )


def _parse_window(folder: Path, route: Route) -> ParsedRows:
    receipt = read_receipt(folder)
    schema = _answer_schema(route)
    pages = read_pages(folder, receipt)
    frames: Iterator[pl.DataFrame] = (
        _page_rows(body, schema, page.rows, folder / page.file)
        for body, page in zip(pages, receipt.pages, strict=True)
    )
    raw_rows = pl.concat([pl.DataFrame(schema=_row_fields(route)), *frames])
    rows, texts = _typed(raw_rows, route, folder)
    distinct = raw_rows.select(pl.struct(route.key).n_unique()).item()
    return ParsedRows(
        rows=rows,
        texts=texts,
        received=receipt.rows,
        distinct=distinct,
        windows=1,
        windows_complete=int(distinct == receipt.total),
    )


def _row_fields(route: Route) -> dict[str, pl.DataType]:
    # Numbers and null are taken as text too: one page may mix them, and text keeps every digit.
    return dict.fromkeys(("period", *route.facets, "value"), pl.String())


def _answer_schema(route: Route) -> pl.Schema:
    return pl.Schema({"response": pl.Struct({"data": pl.List(pl.Struct(_row_fields(route)))})})


def _page_rows(body: bytes, schema: pl.Schema, expected: int, path: Path) -> pl.DataFrame:
    """Returns the rows of one answer as text."""
    try:
        answer = pl.read_json(body, schema=schema)
    except pl.exceptions.ComputeError as error:
        reason = str(error).splitlines()[0]
        raise RawDataError(f"The page {path} is not an answer of the API ({reason}). {_REPAIR}") from error
    data = answer["response"].struct.field("data")[0] if answer.height == 1 else None
    if data is None:
        raise RawDataError(f"The page {path} is not an answer of the API (no response.data). {_REPAIR}")
    if len(data) != expected:
        raise RawDataError(
            f"The page {path} holds {len(data):,} rows, its receipt says {expected:,}. {_REPAIR}"
        )
    rows: pl.DataFrame = data.struct.unnest()
    return rows


def _typed(raw_rows: pl.DataFrame, route: Route, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns typed rows and the values that are no finite numbers."""
    number = pl.col("value").cast(pl.Float64, strict=False)
    named = raw_rows.select(
        # Polars parses no time without minutes.
        (pl.col("period") + ":00")
        .str.to_datetime("%Y-%m-%dT%H:%M", time_unit="ms", time_zone="UTC", strict=False)
        .alias("period"),
        pl.col(route.respondent_facet).cast(_TYPES["respondent"]).alias("respondent"),
        (pl.lit(route.prefix) + pl.col(route.type_facet)).cast(_TYPES["series"]).alias("series"),
        # A minus sign on zero is no quantity; without it, equal rows have equal bytes.
        pl.when(number == 0).then(0.0).when(number.is_finite()).then(number).alias("value"),
        pl.col("value").alias("text"),
        (~pl.col("period").str.contains(_LABEL)).alias("odd"),
    )
    _check_keys(named, raw_rows, route, folder)
    texts = named.filter(pl.col("text").is_not_null() & pl.col("value").is_null())
    return named.select(ROW_SCHEMA.names()), texts.select(TEXT_SCHEMA.names())


def _check_keys(named: pl.DataFrame, raw_rows: pl.DataFrame, route: Route, folder: Path) -> None:
    keyless = (
        pl.col("period").is_null()
        | pl.col("odd")
        | pl.any_horizontal(pl.col("respondent", "series").is_null())
    )
    bad = raw_rows.filter(named.select(keyless.alias("bad"))["bad"])
    if bad.height:
        row = {name: bad[name][0] for name in ("period", *route.facets)}
        raise RawDataError(
            f"The window {folder} has {bad.height:,} rows without a usable key, the first is {row}. "
            f"A period is written as YYYY-MM-DDTHH, such as 2019-01-01T00. {_REPAIR}"
        )
