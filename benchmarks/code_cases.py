"""The code part of fingerprints: many step classes, with helpers of their own and shared ones."""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path

from clock import Clock
from gridloom.dag.code import code_of
from gridloom.dag.code.follow import Follower

PER_MODULE = 10
_HELPERS = '''
"""Helpers that every step shares."""
import json
from functools import partial

LIMIT = 3
NAMES = {"a": 1, "b": 2}

def outer(value, limit=LIMIT):
    """Returns something."""
    return inner(value) + limit + len(NAMES)

def inner(value):
    return json.dumps({"value": value}) if value else rounded(value)

rounded = partial(round, ndigits=2)
'''
_MODULE = """
from gridloom.dag import CacheableStep, StepConfig, StepContext
import shared
"""
_STEP = '''
SCALE{n} = {n}

class Config{n}(StepConfig):
    top: int = {n}

def own{n}(value: int) -> str:
    """Helps one step."""
    scaled = [value * SCALE{n} for _ in range(3)]
    return shared.outer(sum(scaled), limit={n})

class Step{n}(CacheableStep[Config{n}]):
    """A step."""

    version = "1"

    def _execute(self, ctx: StepContext) -> str:
        if self.config.top > {n}:
            raise ValueError(self.config.top)
        return own{n}(self.config.top)
'''


def code(classes: int, out: str) -> dict[str, float]:
    """Takes the code of many classes for the first time, then again with all files known, then as kept."""
    folder = Path(out)
    (folder / "shared.py").write_text(_HELPERS)
    modules = range(classes // PER_MODULE)
    for module in modules:
        text = _MODULE + "".join(_STEP.replace("{n}", str(n)) for n in range(PER_MODULE))
        (folder / f"steps{module}.py").write_text(text)
    sys.path.insert(0, out)
    loaded = [importlib.import_module(f"steps{module}") for module in modules]
    kinds = [getattr(module, f"Step{n}") for module in loaded for n in range(PER_MODULE)]
    facts: dict[str, float] = {}
    for name, take in (("first", code_of), ("warm", lambda kind: Follower().record(kind)), ("kept", code_of)):
        gc.collect()  # what one pass leaves behind is not the next one's
        with Clock() as clock:
            records = [take(kind) for kind in kinds]
        facts[f"{name}_ms"] = clock.cpu_s / classes * 1e3
        if any(record.opaque for record in records):
            raise SystemExit("something could not be followed")
    return facts
