"""Whose code a module is: the user's own, an installed package's, Python's, or this engine's."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from gridloom.dag.installed import version_of

__all__ = ["APART", "Origin", "Whose", "origin_of"]

_ENGINE = ("gridloom.dag", "gridloom.files", "gridloom.errors", "gridloom.artifact", "gridloom.finding")
"""What every step stands on; in a checkout too it counts by its version."""

_STANDARD_FOLDER = Path(os.__file__).resolve().parent
_INSTALLED_FOLDERS = frozenset({"site-packages", "dist-packages"})
_KNOWN: dict[str, Origin] = {}


class Whose(Enum):
    """Whose code a module is.

    Members:
        own: The user's: it counts by its source.
        package: An installed package's, or this engine's: it counts by its version.
        standard: Python's: it counts by Python's minor version.
    """

    own = "own"
    package = "package"
    standard = "standard"


class Origin(NamedTuple):
    """Whose code a module is, and under which name and version it counts if it is not the user's.

    Attributes:
        whose: Whose it is.
        part: Name of the part, such as ``package polars``.
        version: Its version; ``none`` where it is not installed.
    """

    whose: Whose
    part: str = ""
    version: str = ""


APART = Origin(Whose.package)
"""The origin of modules that a step sets apart: they are not followed and have no version."""

_OWN = Origin(Whose.own)
_STANDARD = Origin(Whose.standard, "python", f"{sys.version_info.major}.{sys.version_info.minor}")


def origin_of(module: str) -> Origin:
    """Returns whose a module is, by its full name; a module that is not loaded is not imported for it."""
    known = _KNOWN.get(module)
    if known is None:
        known = _find(module)
        if module in sys.modules or known.whose is not Whose.own:
            _KNOWN[module] = known
    return known


def _find(module: str) -> Origin:
    top = module.partition(".")[0]
    if module == "gridloom" or module.startswith(_ENGINE):
        return Origin(Whose.package, "package gridloom", sys.modules["gridloom"].__version__)
    place = _place(module) or _place(top)
    if place is None:
        return _STANDARD if top in sys.stdlib_module_names else _OWN
    parts = place.parts
    installed = next((at for at, part in enumerate(parts) if part in _INSTALLED_FOLDERS), None)
    if installed is None:
        return _STANDARD if place.is_relative_to(_STANDARD_FOLDER) else _OWN
    return _installed(top, "/".join(parts[installed + 1 :]))


def _place(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    if isinstance(loaded, ModuleType):
        file = getattr(loaded, "__file__", None) or next(iter(getattr(loaded, "__path__", ())), None)
    else:
        spec = None if "." in module else _spec(module)  # to look for it would import its package
        file = spec and (spec.origin or next(iter(spec.submodule_search_locations or ()), None))
    return Path(file).resolve() if isinstance(file, str) and os.path.exists(file) else None  # noqa: PTH110


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


def _installed(top: str, place: str) -> Origin:
    """Returns the package that a module of the top name, or a file at the place, was installed by."""
    from importlib import metadata  # noqa: PLC0415 - only where a package is met for the first time

    if version := version_of(top):
        return Origin(Whose.package, f"package {top}", version)
    names = sorted(set(metadata.packages_distributions().get(top, ())))
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            if len(names) == 1 or any(file.as_posix() == place for file in metadata.files(name) or ()):
                return Origin(Whose.package, f"package {name}", metadata.version(name))
    return _OWN  # copied there by hand: no version vouches for it
