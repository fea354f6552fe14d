"""Requests as the API wants to read them: one parameter tree, as a query string or as ``X-Params``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from gridloom.grid.raw import Window

__all__ = ["LONGEST_QUERY", "as_header", "as_query", "data_path", "parameters"]

LONGEST_QUERY: Final = 1_800
"""Characters of a query string beyond which parameters travel in the header, to keep URLs below 2,000."""


def data_path(window: Window) -> str:
    """Returns the path of a window's data below the base URL."""
    return f"{window.route.path}/data/"


def parameters(window: Window, offset: int) -> dict[str, Any]:
    """Returns what one page of a window is asked for with: sorted on the full key, all ascending.

    Args:
        window: The window.
        offset: Rows before the page.
    """
    request = window.request()
    return {
        "frequency": request["frequency"],
        "data": request["data"],
        "facets": request["facets"],
        "start": request["start"],
        "end": request["end"],
        "sort": [{"column": column, "direction": "asc"} for column in request["sort"]],
        "offset": offset,
        "length": request["length"],
    }


def as_query(tree: dict[str, Any]) -> str:
    """Returns a parameter tree as a query string.

    Example:
        >>> as_query({"data": ["value"], "sort": [{"column": "period"}], "length": 10})
        'data[]=value&sort[0][column]=period&length=10'
    """
    return urlencode(list(_pairs("", tree)), safe="[]")


def as_header(tree: dict[str, Any]) -> str:
    """Returns a parameter tree as the value of the ``X-Params`` header: JSON in ASCII."""
    return msgspec.json.encode(tree).decode("ascii")


def _pairs(name: str, node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, item in node.items():
            yield from _pairs(f"{name}[{key}]" if name else key, item)
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _pairs(f"{name}[{index}]" if isinstance(item, dict) else f"{name}[]", item)
    else:
        yield name, str(node)
