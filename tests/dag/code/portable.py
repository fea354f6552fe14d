"""Prints the parts of a class of this file as JSON, under any Python, without what GridLoom needs to run."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import NamedTuple

SRC = Path(__file__).resolve().parents[3] / "src"

LIMIT = 3
NAMES = {"a", "b", "c"}
TABLE = {"one": [1, 2.5, None], "two": (True, b"x", ...)}
PATTERN = re.compile("a+", re.IGNORECASE)
PLACE = PurePosixPath("a/b")
ANY = {"lambda": lambda x: x + LIMIT, "partial": partial(pow, 2), "decimal": Decimal("1.5")}


class Color(Enum):
    RED = 1
    BLUE = LIMIT + 1


class Point(NamedTuple):
    x: int = LIMIT


@dataclass
class Facts:
    rows: int = LIMIT
    names: list[str] = field(default_factory=list)


def twice(function):
    def wrapper(*args):
        return function(*args) + function(*args)

    return wrapper


@twice
def work(x, most=LIMIT * 2):
    """Works."""
    match x:
        case {"a": [first, *rest], **others}:
            return f"{first!r:>{LIMIT}}literal{rest=}{others}"
        case Point(x=0) | None:
            return [y for y in range(most) if (z := y) and z]
    try:
        return lambda *, k=1: k + most
    except (ValueError, KeyError) as error:
        raise RuntimeError from error


@lru_cache
def kept(x):
    return PATTERN.sub("", x)


class Step:
    limit = LIMIT
    names = sorted(NAMES)

    @property
    def size(self):
        return len(TABLE)

    async def run(self, color: Color = Color.RED) -> Facts:
        async with self as it:
            yield it, Facts(), PLACE, ANY, kept("x")
        work(Point())


def load():
    """Returns `code_of` of a package that has no other modules of GridLoom around it."""
    for name, folder in {"gridloom": SRC / "gridloom", "gridloom.dag": SRC / "gridloom" / "dag"}.items():
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = [str(folder)]
    from gridloom.dag.code import code_of

    return code_of


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dict(load()(Step).parts)))
