"""What a run was made with: Python, platform and the versions of packages. No host, no user, no path."""

from __future__ import annotations

import os
import platform
import re
from typing import Any, Final

from gridloom.dag.installed import about, version_of

__all__ = ["environment"]

_PACKAGE: Final = "gridloom"
_REQUIRED: Final = re.compile(r"^Requires-Dist: *([A-Za-z0-9._-]+)", re.MULTILINE)


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
    head = about(_PACKAGE)  # nothing where it is run from a folder of sources that nobody installed
    wanted = {match[1].lower() for match in _REQUIRED.finditer(head)}
    versions = {name: version_of(name) for name in sorted({_PACKAGE, *wanted}) if head}
    return {name: version for name, version in versions.items() if version}
