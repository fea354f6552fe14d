"""Whether the code that runs is the code that a file holds: it may have been edited since it was imported."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

__all__ = ["compiled_codes", "known_unchanged"]

_MARGIN_S = 2.0  # clocks of file systems are coarse
_START_FIELD = 19  # of /proc/self/stat, counted after the command's name


def known_unchanged(stat: os.stat_result, variables: Mapping[str, Any]) -> bool:
    """Whether a file is older than this process, or was loaded in a way that cannot be repeated.

    Import hooks such as pytest's rewrite what they load, so that it never equals the file.

    Args:
        stat: Of the file.
        variables: Globals of the module that was loaded from it.
    """
    loader = getattr(variables.get("__spec__"), "loader", None) or variables.get("__loader__")
    if type(loader) is not SourceFileLoader:
        return True
    return max(stat.st_mtime, stat.st_ctime) < _process_start_s() - _MARGIN_S


def compiled_codes(filename: str, text: bytes) -> dict[tuple[str, int], list[CodeType]]:
    """Returns every function's code object that a source compiles to, by qualified name and first line."""
    found: dict[tuple[str, int], list[CodeType]] = {}
    whole = compile(text, filename, "exec", dont_inherit=True)
    for code in _inside(whole):
        found.setdefault((code.co_qualname, code.co_firstlineno), []).append(code)
    return found


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


@cache
def _process_start_s() -> float:
    """Returns when this process began, in seconds since the epoch; 0 where the system does not tell."""
    try:
        with open("/proc/self/stat", "rb") as stream:  # noqa: PTH123 - one small read
            fields = stream.read().rpartition(b")")[2].split()
        booted_s = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return booted_s + int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.0
