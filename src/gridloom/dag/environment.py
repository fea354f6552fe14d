"""What a run was made with: Python, platform and the versions of packages. No host, no user, no path."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from typing import Any, Final

__all__ = ["environment"]

_PACKAGE: Final = "gridloom"
_REQUIRED: Final = re.compile(r"^Requires-Dist: *([A-Za-z0-9._-]+)", re.MULTILINE)
_VERSION: Final = re.compile(r"^Version: *(\S+)", re.MULTILINE)


def environment() -> dict[str, Any]:
    """Returns Python, platform, processors, and the version of each package that is used and installed."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count() or 1,
        "packages": _packages(),
    }


def _packages() -> dict[str, str]:
    """Returns versions of this package and of what it asks for, in its extras too; sorted by name."""
    about = _about(_PACKAGE)  # nothing where it is run from a folder of sources that nobody installed
    wanted = {match[1].lower() for match in _REQUIRED.finditer(about)}
    versions = {name: _VERSION.search(_about(name)) for name in {_PACKAGE, *wanted} if about}
    return {name: match[1] for name, match in sorted(versions.items()) if match}


def _about(name: str) -> str:
    """Returns the head of a package's metadata; empty where it is not installed.

    `metadata.version` takes the whole text apart, the package's long description too: 4 ms for each.
    """
    try:
        text = metadata.distribution(name).read_text("METADATA") or ""
    except metadata.PackageNotFoundError:
        return ""
    return text.replace("\r\n", "\n").partition("\n\n")[0]
