"""Edits a small step in several ways, and prints what a rerun would notice of each edit."""

import importlib
import sys
from pathlib import Path

from gridloom.dag.code import CodeRecord, changed_parts, code_of

STEPS = """
from gridloom.dag import CacheableStep, StepConfig, StepContext
import helpers

class PeakConfig(StepConfig):
    top: int = 10

class Peaks(CacheableStep[PeakConfig]):
    def _execute(self, ctx: StepContext) -> int:
        return helpers.outliers(range(100), self.config.top)
"""
HELPERS = '''
from functools import partial

LIMIT = 3.5

def outliers(values, top):
    """Counts what is far off."""
    return sum(far(value) for value in values) + top

def distance(value, scale):
    return abs(value) / scale

def far(value, of=partial(distance, scale=2)):
    return of(value) > LIMIT

def unused():
    return 0
'''
OPAQUE = HELPERS.replace("LIMIT = 3.5", "FILE = open(__file__)").replace("LIMIT", "eval(FILE.read())")
EDITS = {
    "a comment, a docstring": HELPERS.replace('"""Counts what is far off."""', "# how many are far off"),
    "other line breaks": HELPERS.replace("value, scale):", "\n    value,\n    scale,\n):"),
    "a function nobody calls": HELPERS.replace("return 0", "return 1"),
    "a constant": HELPERS.replace("LIMIT = 3.5", "LIMIT = 4"),
    "a helper of a helper": HELPERS.replace("abs(value) /", "value /"),
    "an argument of a partial": HELPERS.replace("scale=2", "scale=3"),
    "a default of the config": STEPS.replace("= 10", "= 20"),
}
FOLDER = Path("data/what_counts")


def take(*texts: str) -> CodeRecord:
    """Returns what counts of the step's code, as a new process would find it."""
    for text in texts:
        name = "steps" if "class Peaks" in text else "helpers"
        (FOLDER / f"{name}.py").write_text(text)
    for name in ("steps", "helpers"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return code_of(importlib.import_module("steps").Peaks)


FOLDER.mkdir(parents=True, exist_ok=True)
sys.path.insert(0, str(FOLDER))
sys.dont_write_bytecode = True

before = take(STEPS, HELPERS)
for name, text in EDITS.items():
    after = take(STEPS, HELPERS, text)
    print(f"{name:<26}{changed_parts(before.parts, after.parts) or 'nothing changed'}")

print()
for item in take(STEPS, OPAQUE).opaque:
    print(f"`{item.name}` ({item.where}) {item.why};\n    {item.advice}")
