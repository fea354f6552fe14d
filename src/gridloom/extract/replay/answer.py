"""One answer of the stand-in, before it gets its headers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["HTML", "JSON", "TEXT", "Answer"]

HTML: Final = "text/html; charset=utf-8"
"""Type of a page for people."""

JSON: Final = "application/json"
"""Type of what the API answers."""

TEXT: Final = "text/plain; charset=utf-8"
"""Type of a bare sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before it gets its headers.

    Attributes:
        status: HTTP status.
        body: Body, compressed where `packed` says so.
        rows: Rows in it.
        media_type: Type of the body.
        from_application: False if the gate or something in front of it answered.
        packed: Whether the body is compressed.
        fault: Names of the faults in it, joined by ``+``, or empty.
        retry_after: Seconds that the header of this name says; 0 for no header.
    """

    status: int
    body: bytes
    rows: int = 0
    media_type: str = JSON
    from_application: bool = True
    packed: bool = False
    fault: str = ""
    retry_after: int = 0
