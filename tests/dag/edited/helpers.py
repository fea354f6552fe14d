"""Helpers of the first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import deeper

LIMIT = 3


def helped(value: int, plus: int = 1) -> int:
    """Returns more."""
    return deeper.deepest(value) + plus  # a comment


def adder(amount: int) -> Callable[[int], int]:
    def add(value: int) -> int:
        return value + amount

    return add


def scale(value: int, by: int) -> int:
    return value * by


@deeper.loud
def decorated(value: int) -> int:
    return value + 7


add = adder(4)
scaled = partial(scale, by=5)


@dataclass(frozen=True)
class Options:
    power: int = 1
