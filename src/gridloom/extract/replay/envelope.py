"""Bytes of answers, as the API writes them: compact JSON, escaped slashes, fixed order of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gridloom.extract.replay.labels import DATE_FORMATS
from gridloom.extract.replay.options import ApiVersion
from gridloom.extract.replay.query import DataQuery
from gridloom.extract.replay.render import RowWriter, to_json
from gridloom.extract.replay.rows import Page
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST, Route

__all__ = ["EXCEL_ADD_IN_VERSION", "data_answer", "error_answer", "plain_answer"]

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


def data_answer(  # noqa: PLR0917 - an envelope has as many parts
    route: Route,
    writer: RowWriter,
    query: DataQuery,
    page: Page,
    request: Mapping[str, Any],
    version: ApiVersion,
) -> bytes:
    """Returns the answer to a data request.

    Args:
        route: The route.
        writer: Writes its rows.
        query: What was asked for.
        page: The rows that answer it.
        request: The ``request`` part: command and parameters.
        version: The API version to imitate.
    """
    warnings = [_OUT_OF_RANGE] if query.length > MAX_ROWS_PER_REQUEST else []
    if page.rows.height < page.total:
        warnings.append(_INCOMPLETE)
    stated = {"warnings": warnings} if warnings else {}
    head = {
        **(stated if version.warnings_inside else {}),
        "total": page.total if version.numbers else str(page.total),
        "dateFormat": DATE_FORMATS[query.frequency],
        "frequency": query.frequency,
    }
    top = {} if version.warnings_inside else stated
    parts = [
        f"{to_json(top)[:-1]}," if top else "{",
        f'"response":{to_json(head)[:-1]},"data":[',
        writer.write(page.rows, with_value=query.with_value),
        f'],"description":{to_json(route.description)}}},',
        _tail(request, version.number),
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
