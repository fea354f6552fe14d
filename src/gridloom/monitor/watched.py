"""Whether a person watches who wants colours and pictures that move."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Final

__all__ = ["is_watched"]

_CALM: Final = ("NO_COLOR", "CI")
"""Variables that ask for plain lines if they are not empty."""

_DUMB: Final = frozenset({"", "dumb", "unknown"})


def is_watched(stream: IO[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Returns whether a stream leads to a terminal that may get control codes: no pipe, no CI, nobody minds.

    Args:
        stream: Where to.
        environ: The environment.
    """
    if not stream.isatty() or environ.get("TERM", "") in _DUMB:
        return False
    return not any(environ.get(name) for name in _CALM)
