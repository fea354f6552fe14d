"""What a rerun notices of the code, row by row: an edit, and what is said of it in words."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.dag.code.workshop import STEP, take, write

from gridloom.dag.code import changed_parts


class Row(NamedTuple):
    """An edit of one place, and the words for it; no words for what does not count."""

    about: str
    helpers: str
    old: str
    new: str
    said: str
    steps: str = STEP
    other: str = ""


WORK = "def work(x):\n    return x + LIMIT\n\nLIMIT = 3\n"
HELD = """
class Held:
    def __init__(self, x):
        self.x = x

HELD = Held(3)

def work(x):
    return HELD
"""
BRANCHES = """
if True:
    def work(x):
        return 1
else:
    def work(x):
        return 2
"""
LAZY = """
def __getattr__(name):
    if name == 'more': return 5
    raise AttributeError(name)
"""
METHOD = """
def make(n):
    def f(self): return n
    return f

BY = 2

class Held:
    f = make(BY)

def work(x):
    return Held
"""
MAYBE = """
def work(x):
    try:
        import other
    except ImportError:
        other = None
    return other.more(x)
"""
STEP_OF_BASE = """
from gridloom.dag import CacheableStep, StepConfig, StepContext
from other import Base

class Peaks(Base):
    def _execute(self, ctx: StepContext) -> int:
        return self.more()
"""
BASE = """
from gridloom.dag import CacheableStep, StepConfig, StepContext

class Mixin:
    def less(self): return 1

class Base(Mixin, CacheableStep[StepConfig]):
    def more(self): return 2
"""
STEP_OF_CONFIG = """
from dataclasses import dataclass, field
from gridloom.dag import CacheableStep, StepConfig, StepContext
from pydantic import Field, field_validator
import helpers

class Config(StepConfig):
    top: int = Field(default=7, ge=1)
    other: int = helpers.LIMIT

    @field_validator("top")
    @classmethod
    def _positive(cls, value): return abs(value)

    def doubled(self): return self.top * 2

@dataclass
class Facts:
    rows: int = 5
    names: list = field(default_factory=lambda: ["a"])

class Peaks(CacheableStep[Config]):
    limit = 4
    version = "1"

    def _execute(self, ctx: StepContext) -> Facts:
        \"\"\"Does it.\"\"\"
        return Facts(self.config.doubled())
"""
DECORATED = """
import functools

def plain(function):
    def wrapper(*args):
        return function(*args)
    return wrapper

def polite(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return [function(*args) for _ in range(times)]
        return wrapper
    return decorate

class Hiding:
    def __init__(self, function):
        self.name = function.__name__
    def __call__(self, x):
        return x

@plain
def work(x): return x + first(x)

@polite(2)
def first(x): return second(x)

@Hiding
def second(x): return third(x)

def third(x): return x - 8
"""
MADE = """
import functools
from functools import partial

def make(n):
    step = lambda x: x + n
    def made(x):
        return step(x) * n
    return made

def scale(x, by): return x * by

twice = make(2)
thrice = make(3)
tenfold = partial(scale, by=10)
square = lambda x: x * x
TABLE = {"add": lambda x: x + 1, "sub": lambda x: x - 1}

@functools.cache
def kept(x): return x + 100

@functools.singledispatch
def shown(x): return "any"

@shown.register
def _(x: int): return "int"

def work(x):
    return twice(x), thrice(x), tenfold(x), square(x), TABLE["add"](x), kept(x), shown(x)
"""
KINDS = """
import enum, re
from typing import NamedTuple, TypedDict

class Color(enum.Enum):
    RED = 1
    @property
    def shout(self): return self.name.upper()

class Point(NamedTuple):
    x: int = 10

class Named(TypedDict):
    a: int

class Outer:
    size = len("abc")
    class Inner:
        def deep(self): return 20
    @staticmethod
    def still(): return 30
    @classmethod
    def of(cls): return 40
    @property
    def area(self): return 50
    @functools.cached_property
    def costly(self): return 60

class Meta(type):
    def __call__(cls): return 70

class Made(metaclass=Meta): pass

PATTERN = re.compile("a+")

def work(x, kind: Named, start=tuple(range(2)), *, stop={"a": 1}):
    return Color.RED, Point(), Outer(), Made(), PATTERN
"""
ROWS = [
    Row("the step's own body", WORK, "work(1)", "work(2)", "function `steps.Peaks._execute` changed"),
    Row("a helper in another module", WORK, "x + LIMIT", "x - LIMIT", "function `helpers.work` changed"),
    Row("a constant", WORK, "LIMIT = 3", "LIMIT = 4", "constant `helpers.LIMIT` changed"),
    Row("how a constant is written", WORK, "LIMIT = 3", "LIMIT = 0x1 + 2", ""),
    Row(
        "a helper of a helper",
        "import other\ndef work(x):\n    return other.more(x)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a constant under another name",
        "from other import LIMIT as MOST\ndef work(x):\n    return MOST\n",
        "LIMIT = 5",
        "LIMIT = 6",
        "constant `other.LIMIT` changed",
        other="LIMIT = 5\n",
    ),
    Row(
        "which of two a name stands for",
        "from other import one as first, two as second\ndef work(x):\n    return first(second(x))\n",
        "one as first, two as second",
        "two as first, one as second",
        "imports of `helpers` changed",
        other="def one(x): return x + 1\n\ndef two(x): return x * 2\n",
    ),
    Row(
        "an import inside a function",
        "def work(x):\n    from other import more as m\n    return m(x)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a module inside a function",
        "def work(x):\n    import other as o\n    return o.more(x)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a module that is handed around",
        "import other\ndef work(x):\n    return use(other)\n\ndef use(module):\n    return module.more(1)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a name looked up as text",
        "import other\ndef work(x):\n    return getattr(other, 'more')(x)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a module named as text",
        "import importlib\ndef work(x):\n    return importlib.import_module('other').more(x)\n",
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a module that may be absent",
        MAYBE,
        "x * 2",
        "x * 3",
        "function `other.more` changed",
        other="def more(x):\n    return x * 2\n",
    ),
    Row(
        "a constant read through globals",
        WORK.replace("+ LIMIT", "+ globals()['LIMIT']"),
        "= 3",
        "= 4",
        "constant `helpers.LIMIT` changed",
    ),
    Row(
        "a method of a base class",
        WORK,
        "return 2",
        "return 3",
        "function `other.Base.more` changed",
        STEP_OF_BASE,
        BASE,
    ),
    Row(
        "a method of a mixin",
        WORK,
        "return 1",
        "return 4",
        "function `other.Mixin.less` changed",
        STEP_OF_BASE,
        BASE,
    ),
    Row(
        "a method of the config",
        WORK,
        "self.top * 2",
        "self.top * 3",
        "function `steps.Config.doubled` changed",
        STEP_OF_CONFIG,
    ),
    Row(
        "a validator of the config",
        WORK,
        "abs(value)",
        "-abs(value)",
        "function `steps.Config._positive` changed",
        STEP_OF_CONFIG,
    ),
    Row(
        "a default of the config",
        WORK,
        "default=7",
        "default=8",
        "class `steps.Config` changed",
        STEP_OF_CONFIG,
    ),
    Row(
        "a constant in the config",
        WORK,
        "LIMIT = 3",
        "LIMIT = 4",
        "constant `helpers.LIMIT` changed",
        STEP_OF_CONFIG,
    ),
    Row(
        "a default of a dataclass",
        WORK,
        "rows: int = 5",
        "rows: int = 6",
        "class `steps.Facts` changed",
        STEP_OF_CONFIG,
    ),
    Row("a factory of a dataclass", WORK, '["a"]', '["b"]', "class `steps.Facts` changed", STEP_OF_CONFIG),
    Row(
        "an attribute of the step",
        WORK,
        "limit = 4",
        "limit = 5",
        "class `steps.Peaks` changed",
        STEP_OF_CONFIG,
    ),
    Row("a docstring", WORK, "Does it.", "Does that.", "", STEP_OF_CONFIG),
    Row(
        "a decorator",
        DECORATED,
        "return function(*args)\n",
        "return -function(*args)\n",
        "function `helpers.plain` changed",
    ),
    Row("what is decorated", DECORATED, "x + first(x)", "x - first(x)", "function `helpers.work` changed"),
    Row(
        "an argument of a decorator",
        DECORATED,
        "@polite(2)",
        "@polite(3)",
        "function `helpers.first` changed",
    ),
    Row(
        "what a decorator hides",
        DECORATED,
        "return third(x)",
        "return -third(x)",
        "function `helpers.second` changed",
    ),
    Row("what is used by what is hidden", DECORATED, "x - 8", "x - 9", "function `helpers.third` changed"),
    Row("a factory", MADE, "step(x) * n", "step(x) / n", "function `helpers.make` changed"),
    Row("a closure", MADE, "twice = make(2)", "twice = make(4)", "function `helpers.twice` changed"),
    Row(
        "closures that change places",
        MADE,
        "twice = make(2)\nthrice = make(3)",
        "twice = make(3)\nthrice = make(2)",
        "function `helpers.thrice` changed, function `helpers.twice` changed",
    ),
    Row("a partial's argument", MADE, "by=10", "by=11", "function `helpers.tenfold` changed"),
    Row("a partial's function", MADE, "x * by", "x / by", "function `helpers.scale` changed"),
    Row("a lambda", MADE, "x * x", "x ** 2", "function `helpers.square` changed"),
    Row(
        "lambdas in a table",
        MADE,
        '"add": lambda x: x + 1, "sub": lambda x: x - 1',
        '"add": lambda x: x - 1, "sub": lambda x: x + 1',
        "constant `helpers.TABLE` changed",
    ),
    Row("a cached function", MADE, "x + 100", "x + 101", "function `helpers.kept` changed"),
    Row("a function for a type", MADE, '"int"', '"integer"', "function `helpers._` changed"),
    Row("a member of an enum", KINDS, "RED = 1", "RED = 2", "class `helpers.Color` changed"),
    Row("a property of an enum", KINDS, "upper()", "lower()", "function `helpers.Color.shout` changed"),
    Row("a default of a named tuple", KINDS, "x: int = 10", "x: int = 11", "class `helpers.Point` changed"),
    Row("a typed dict in a signature", KINDS, "a: int", "a: str", "class `helpers.Named` changed"),
    Row("a nested class", KINDS, "return 20", "return 21", "function `helpers.Outer.Inner.deep` changed"),
    Row("a static method", KINDS, "return 30", "return 31", "function `helpers.Outer.still` changed"),
    Row("a class method", KINDS, "return 40", "return 41", "function `helpers.Outer.of` changed"),
    Row("a property", KINDS, "return 50", "return 51", "function `helpers.Outer.area` changed"),
    Row("a cached property", KINDS, "return 60", "return 61", "function `helpers.Outer.costly` changed"),
    Row("a metaclass", KINDS, "return 70", "return 71", "function `helpers.Meta.__call__` changed"),
    Row(
        "a computed attribute",
        KINDS,
        'size = len("abc")',
        'size = len("xyz")',
        "class `helpers.Outer` changed",
    ),
    Row("a pattern", KINDS, '"a+"', '"b+"', "constant `helpers.PATTERN` changed"),
    Row("a computed default", KINDS, "range(2)", "range(3)", "function `helpers.work` changed"),
    Row("the state of an object", HELD, "Held(3)", "Held(4)", "constant `helpers.HELD` changed"),
    Row(
        "the class of an object",
        HELD,
        "self.x = x",
        "self.x = -x",
        "function `helpers.Held.__init__` changed, constant `helpers.HELD` changed",
    ),
    Row(
        "an attribute that is set from outside",
        "class Held:\n    limit = int()\nHeld.limit = len('a')\ndef work(x): return Held\n",
        "len('a')",
        "len('aa')",
        "constant `helpers.Held.limit` changed",
    ),
    Row(
        "a hidden attribute that is set from outside",
        "class Held: pass\nHeld._limit = 1\ndef work(x): return Held\n",
        "_limit = 1",
        "_limit = 2",
        "constant `helpers.Held._limit` changed",
    ),
    Row(
        "a method that is set from outside",
        "def g(self): return 2\nclass Held:\n    def f(self): 1\nHeld.f = g\ndef work(x): return Held\n",
        "return 2",
        "return 3",
        "function `helpers.g` changed",
    ),
    Row(
        "a method that a factory makes",
        METHOD,
        "BY = 2",
        "BY = 3",
        "function `helpers.Held.f` changed, constant `helpers.BY` changed",
    ),
    Row(
        "a sum of a thousand terms",
        f"def work(x):\n    return {' + '.join(['x'] * 1000)} + 7\n",
        "+ 7",
        "+ 8",
        "function `helpers.work` changed",
    ),
    Row("a comment", WORK, "    return x", "    # why\n    return x", ""),
    Row("a new line", WORK, "return x + LIMIT", "return (\n        x\n        + LIMIT\n    )", ""),
    Row("what nobody reads", WORK, "LIMIT = 3", "LIMIT = 3\n\ndef other():\n    return 1\n", ""),
    Row(
        "a recursive function",
        "def work(x):\n    return more(x)\n\ndef more(x):\n    return work(x - 1)\n",
        "x - 1",
        "x - 2",
        "function `helpers.more` changed",
    ),
    Row("the branch that is taken", BRANCHES, "return 1", "return 3", "function `helpers.work` changed"),
    Row("the branch that is not taken", BRANCHES, "return 2", "return 3", ""),
    Row(
        "a lazy module",
        "import other\ndef work(x):\n    return other.more\n",
        "return 5",
        "return 6",
        "function `other.__getattr__` changed, constant `other.more` changed",
        other=LAZY,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.about for row in ROWS])
def test_an_edit_is_noticed_or_not(row: Row, tmp_path: Path) -> None:
    files = {"steps": row.steps, "helpers": row.helpers, "other": row.other}
    files["helpers"] = "import functools\n" + files["helpers"] if "functools" in row.helpers else row.helpers
    assert sum(text.count(row.old) for text in files.values()) >= 1
    write(tmp_path, files)
    before = take(tmp_path)
    write(tmp_path, {name: text.replace(row.old, row.new, 1) for name, text in files.items()})
    after = take(tmp_path)

    assert changed_parts(before.parts, after.parts) == row.said
    assert (before.digest == after.digest) == (not row.said)
    assert not before.opaque
