"""What is said of installed packages, without taking their whole metadata apart.

`importlib.metadata.version` reads a package's long description too: 4 ms for each.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["about", "version_of"]

_VERSION: Final = re.compile(r"^Version: *(\S+)", re.MULTILINE)


def about(name: str) -> str:
    """Returns the head of a package's metadata; empty where it is not installed."""
    from importlib import metadata  # noqa: PLC0415 - only where a package is asked for

    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    return text.replace("\r\n", "\n").partition("\n\n")[0]


def version_of(name: str) -> str:
    """Returns a package's version; empty where it is not installed."""
    match = _VERSION.search(about(name))
    return match[1] if match else ""
