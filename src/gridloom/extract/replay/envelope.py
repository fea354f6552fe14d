"""Bytes of answers, as the API writes them: compact JSON, escaped slashes, fixed order of keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import polars as pl

from gridloom.extract.replay.labels import DATE_FORMATS, UNITS, code_name
from gridloom.extract.replay.query import FREQUENCIES, DataQuery
from gridloom.extract.replay.rows import HOUR_MS, Page, RouteRows
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST

__all__ = ["EXCEL_ADD_IN_VERSION", "data_answer", "error_answer", "plain_answer", "to_json", "value_text"]

EXCEL_ADD_IN_VERSION: Final = "2.1.0"

_INCOMPLETE: Final = {
    "warning": "incomplete return",
    "description": "The API can only return 5000 rows in JSON format.  Please consider constraining your "
    "request with facet, start, or end, or using offset to paginate results.",
}
_OUT_OF_RANGE: Final = {
    "warning": "parameter out of range: length",
    "description": f"The length may be {MAX_ROWS_PER_REQUEST} at most in JSON format.",
}


def to_json(value: Any) -> str:
    r"""Returns JSON as the API writes it: compact, ASCII, and with slashes escaped.

    Example:
        >>> print(to_json({"command": "/v2"}))
        {"command":"\/v2"}
    """
    # A slash can only stand inside a string, so replacing all of them is safe.
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def value_text(value: float) -> str:
    """Returns a number as the API's database writes it: shortest exact decimal, no zero before the point.

    Example:
        >>> [value_text(number) for number in (1520.0, 0.0, 0.3, -0.21, 1e-7, 1e21)]
        ['1520', '0', '.3', '-.21', '.0000001', '1000000000000000000000']
    """
    if value.is_integer():
        return str(int(value))
    text = f"{Decimal(repr(value)):f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def data_answer(
    data: RouteRows, query: DataQuery, page: Page, request: Mapping[str, Any], version: str
) -> bytes:
    """Returns the answer to a data request.

    Args:
        data: The route's rows.
        query: What was asked for.
        page: The rows that answer it.
        request: The ``request`` part: command and parameters.
        version: What ``apiVersion`` says.
    """
    warnings = [_OUT_OF_RANGE] if query.length > MAX_ROWS_PER_REQUEST else []
    if page.rows.height < page.total:
        warnings.append(_INCOMPLETE)
    head = {
        "total": str(page.total),
        "dateFormat": DATE_FORMATS[query.frequency],
        "frequency": query.frequency,
    }
    parts = [
        f'{{"warnings":{to_json(warnings)},' if warnings else "{",
        f'"response":{to_json(head)[:-1]},"data":[',
        ",".join(_rows(data, query, page.rows)),
        f'],"description":{to_json(data.route.description)}}},',
        _tail(request, version),
    ]
    return "".join(parts).encode()


def plain_answer(response: Mapping[str, Any], request: Mapping[str, Any], version: str) -> bytes:
    """Returns the answer to a request for metadata or facets."""
    return f'{{"response":{to_json(response)},{_tail(request, version)}'.encode()


def error_answer(text: str, code: int) -> bytes:
    """Returns the body of an error of the application (the gate in front of it has another shape)."""
    return to_json({"error": text, "code": code}).encode()


def _tail(request: Mapping[str, Any], version: str) -> str:
    return to_json(
        {"request": request, "apiVersion": version, "ExcelAddInVersion": EXCEL_ADD_IN_VERSION}
    ).removeprefix("{")


def _rows(data: RouteRows, query: DataQuery, rows: pl.DataFrame) -> list[str]:
    """Returns each row as JSON; one page takes a few milliseconds, so no dictionaries are built."""
    if rows.is_empty():
        return []
    pieces: list[pl.Expr | pl.Series] = [pl.lit('{"period":"'), _periods(query), pl.lit('"')]
    for facet in data.route.facets:
        fields = data.route.row_fields
        name_field = fields[fields.index(facet) + 1]
        codes = [
            to_json({facet: code, name_field: code_name(facet, code)})[1:-1] for code in data.codes(facet)
        ]
        fragments = pl.Series(codes, dtype=pl.String)
        pieces += [pl.lit(","), fragments.gather(rows[facet].to_physical())]
    if query.with_value:
        values = ["null" if value is None else f'"{value_text(value)}"' for value in rows["value"].to_list()]
        pieces += [
            pl.lit(',"value":'),
            pl.Series(values, dtype=pl.String),
            pl.lit(f',"value-units":"{UNITS}"'),
        ]
    return rows.select(pl.concat_str(*pieces, pl.lit("}")).alias("row"))["row"].to_list()


def _periods(query: DataQuery) -> pl.Expr:
    local = query.frequency != FREQUENCIES[0]
    hour = pl.col("local" if local else "hour")
    text = (hour.cast(pl.Int64) * HOUR_MS).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H")
    if not local:
        return text
    offset = pl.col("local") - pl.col("hour")
    sign = pl.when(offset < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    return pl.concat_str(text, sign, offset.abs().cast(pl.String).str.zfill(2))
