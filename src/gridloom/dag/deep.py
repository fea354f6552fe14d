"""Trees that are deeper than Python's own limit of calls in calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["deeply"]

_DEEPEST: Final = 30_000


@contextmanager
def deeply() -> Iterator[None]:
    """Lets trees be as deep as Python's own parser allows, such as a sum of a thousand terms."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
