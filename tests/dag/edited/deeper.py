"""Helpers of helpers, and a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable


def deepest(value: int) -> int:
    return value + 1000


def loud(function: Callable[[int], int]) -> Callable[[int], int]:
    @functools.wraps(function)
    def louder(value: int) -> int:
        return function(value) + 2000

    return louder
