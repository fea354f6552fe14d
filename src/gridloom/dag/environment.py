"""What a run was made with: Python, platform and the versions of packages. No host, no user, no path."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from typing import Any, Final

__all__ = ["environment"]

_PACKAGE: Final = "gridloom"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


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
    try:
        wanted = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:  # run from a folder of sources that nobody installed
        return {}
    found = {}
    for name in {_PACKAGE, *(match[0].lower() for line in wanted if (match := _NAME.match(line)))}:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # an extra that is not installed
            continue
    return dict(sorted(found.items()))
