"""Names to living objects: what a read name stands for when the program runs."""

from __future__ import annotations

import builtins
import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from gridloom.dag.code.origins import Origin, Whose
from gridloom.dag.code.reads import Read

__all__ = ["Found", "absolute", "home", "look_up", "surprise_of"]

_NAMESPACE = frozenset(
    {"__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__"}
)
_CODE_FROM_TEXT = "runs code that is text until then"
_MODULE_BY_NAME = "imports a module by a name that is known only at run time"
_NAME_AT_RUN_TIME = "looks up a name that is known only at run time"
_SURPRISES: dict[int, tuple[str, bool]] = {
    id(builtins.eval): (_CODE_FROM_TEXT, True),
    id(builtins.exec): (_CODE_FROM_TEXT, True),
    id(builtins.compile): (_CODE_FROM_TEXT, True),
    id(builtins.__import__): (_MODULE_BY_NAME, True),
    id(importlib.import_module): (_MODULE_BY_NAME, True),
    id(pkgutil.resolve_name): (_NAME_AT_RUN_TIME, True),
    id(sys.modules): (_NAME_AT_RUN_TIME, True),
    id(builtins.globals): (_NAME_AT_RUN_TIME, True),
    id(builtins.getattr): (_NAME_AT_RUN_TIME, False),  # of a module that is handed around, all counts
}
_MISSING = object()


class Found(NamedTuple):
    """What a read name stands for.

    Attributes:
        owner: Module in which it is.
        name: Its name there; empty for a module that is read as a whole.
        value: The object.
        failure: Why it cannot be had, as a sentence without its subject; empty if it can.
        foreign: Where the way leads into a package, whose it is; the object is not looked at then.
    """

    owner: str
    name: str
    value: Any = None
    failure: str = ""
    foreign: Origin | None = None


def home(module: object) -> str:
    """Returns a module's name; in a spawned process, the program's main module has another one."""
    return "__main__" if module == "__mp_main__" else str(module)


def surprise_of(value: object) -> tuple[str, bool] | None:
    """Returns what an object does with names known only at run time, and whether that is a hazard."""
    return _SURPRISES.get(id(value))


def look_up(read: Read, variables: Mapping[str, Any], whose: Callable[[str], Origin]) -> Found | None:
    """Returns what a read name stands for; None if there is nothing of that name, or nothing to follow.

    Modules of the user that are imported on the spot are imported; packages are not.

    Args:
        read: The name.
        variables: Globals of the module that reads it.
        whose: Tells whose a module is.
    """
    if read.module:
        return _imported(read, absolute(read.module, variables), whose)
    value = variables.get(read.name, _MISSING)
    if value is _MISSING:
        value = getattr(builtins, read.name, _MISSING)
        return None if value is _MISSING else Found("builtins", read.name, value)
    if read.name in _NAMESPACE:
        return None
    found = Found(home(variables.get("__name__")), read.name, value)
    return _along(read.chain, found, whose) if isinstance(value, ModuleType) else found


def _along(chain: tuple[str, ...], found: Found, whose: Callable[[str], Origin]) -> Found | None:
    """Follows attributes through modules, up to the first thing that is none."""
    for name in (*chain, ""):
        module = found.value
        if not isinstance(module, ModuleType):
            break
        origin = whose(module.__name__)
        hands_out = name and module.__name__ == "gridloom"  # the names of its rooms, which may be the user's
        if origin.whose is not Whose.own and not hands_out:
            value = vars(module).get(name) if origin.whose is Whose.standard else None
            return Found(module.__name__, name, value, foreign=origin)
        inner = _attribute(module, name) if name else Found(module.__name__, "", module)
        if inner is None or inner.failure:
            return inner
        found = inner
    return found


def _attribute(module: ModuleType, name: str) -> Found | None:
    owner = module.__name__
    try:
        return Found(owner, name, getattr(module, name))
    except AttributeError:
        inner = sys.modules.get(f"{owner}.{name}")
        return Found(owner, name, inner) if inner else None
    except Exception as error:  # noqa: BLE001 - a module's own look-up may raise anything
        return Found(owner, name, failure=f"cannot be looked up ({error})")


def _imported(read: Read, module: str, whose: Callable[[str], Origin]) -> Found | None:
    """Returns what is read from a module that is imported on the spot."""
    origin = whose(module)
    if origin.whose is not Whose.own:
        return Found(module, "", foreign=origin)
    try:
        found = importlib.import_module(module)
        if read.chain and not hasattr(found, read.chain[0]):
            importlib.import_module(f"{module}.{read.chain[0]}")
    except ModuleNotFoundError as error:
        if error.name == module.partition(".")[0]:
            return Found(module, "", foreign=Origin(Whose.package, f"package {error.name}", "none"))
        return None if error.name == ".".join([module, *read.chain[:1]]) else _failed(module, error)
    except Exception as error:  # noqa: BLE001 - a module may raise anything while it is imported
        return _failed(module, error)
    return _along(read.chain, Found(module, "", found), whose)


def _failed(module: str, error: Exception) -> Found:
    return Found(module, "", failure=f"cannot be imported ({type(error).__name__}: {error})")


def absolute(module: str, variables: Mapping[str, Any]) -> str:
    """Returns the full name of a module that is imported under a name with dots in front."""
    name = module.lstrip(".")
    level = len(module) - len(name)
    if not level:
        return module
    package = str(variables.get("__package__") or home(variables.get("__name__"))).split(".")
    return ".".join([*package[: len(package) - level + 1], *([name] if name else [])])
