"""Windows as a server saw them and as they stand on disk, in one form, so that they can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from gridloom.extract.replay import LoggedRequest
from gridloom.grid.raw import RECEIPT_NAME

Asked = tuple[str, str, str, frozenset[tuple[str, str]]]
"""Route, first and last period, and the facets of a window."""


def asked(requests: Iterable[LoggedRequest]) -> set[Asked]:
    """Returns the windows that requests were for."""
    return {
        _asked(request.path.rstrip("/").split("/")[-2], request.params)
        for request in requests
        # A key that is refused is refused before the parameters are read.
        if request.path.rstrip("/").endswith("/data") and "facets" in request.params
    }


def landed(out: Path) -> set[Asked]:
    """Returns the windows that stand on disk."""
    requests = [msgspec.json.decode(path.read_bytes())["request"] for path in receipts(out)]
    return {_asked(request["route"], request) for request in requests}


def receipts(out: Path) -> list[Path]:
    """Returns the receipts of landed windows."""
    return sorted(out.glob(f"raw/*/[0-9a-f]*/{RECEIPT_NAME}"))


def _asked(route: str, request: Any) -> Asked:
    texts = {
        (name, str(value))
        for name, values in request["facets"].items()
        for value in (values.values() if isinstance(values, dict) else values)
    }
    return route, request["start"], request["end"], frozenset(texts)
