"""What cannot be followed is named, with the place and what to do about it; the rest is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.dag.code.workshop import STEP, imported_afresh, take, write

from gridloom.dag.code import CodeRecord, code_of

PLENTY = """
import re, datetime, decimal, fractions, uuid, pathlib, zoneinfo, collections, operator, types
ALL = [re.compile('a'), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), decimal.Decimal(1),
    fractions.Fraction(1), uuid.UUID(int=1), pathlib.Path('a'), zoneinfo.ZoneInfo('UTC'),
    collections.Counter('aab'), operator.itemgetter(1), types.MappingProxyType({1: 2}),
    collections.defaultdict(list), range(3), slice(1), b'x', bytearray(b'x'), 1j, ..., list[int],
    int | str, collections.OrderedDict(a=1), collections.deque([1]), frozenset({1}), len, 'a'.join]

def work(x):
    return ALL
"""
NAMED = [
    ("HANDLE = open('/dev/null')\ndef work(x): return HANDLE\n", "helpers.HANDLE", 1, True),
    ("import sqlite3\nDB = sqlite3.connect(':memory:')\ndef work(x): return DB\n", "helpers.DB", 2, True),
    ("IT = (n for n in [1])\ndef work(x): return IT\n", "helpers.IT", 1, True),
    ("import threading\nLOCK = threading.Lock()\ndef work(x): return LOCK\n", "helpers.LOCK", 2, False),
    ("def make(it): return lambda x: it\nwork = make(n for n in [1])\n", "helpers.work", 2, True),
    ("def work(x): return eval('x')\n", "helpers.work", 1, True),
    ("def work(x):\n    exec(str(x))\n", "helpers.work", 2, True),
    ("def work(x): return list(map(eval, x))\n", "helpers.work", 1, True),
    ("def work(x): return globals()[x]\n", "helpers.work", 1, True),
    ("import importlib\ndef work(x): return importlib.import_module(x)\n", "helpers.work", 2, True),
    ("from importlib import import_module as get\ndef work(x): return get(x)\n", "helpers.work", 2, True),
    ("def work(x): return __import__(x)\n", "helpers.work", 1, True),
    ("import sys\ndef work(x): return sys.modules[x]\n", "helpers.work", 2, True),
    ("import other\ndef work(x): return getattr(other, x)\n", "helpers.work", 2, False),
    ("def work(x): return getattr(x, x)\n", "helpers.work", 1, False),
    ("def work(x):\n    from broken import more\n    return more\n", "broken", 2, True),
    (
        "\n\nBOX = {'it': (n for n in [1])}\ndef work(x): return BOX\n",
        "helpers.BOX",
        3,
        True,
    ),
    ("def work(x, it=(n for n in [1])): return it\n", "helpers.work(it)", 1, True),
]
NOT_NAMED = [
    "import logging\nlog = logging.getLogger('x')\ndef work(x): return log\n",
    "import sys, os\ndef work(x, out=sys.stderr, env=os.environ): return out\n",
    "import os\nENV = os.environ\ndef work(x): return ENV\n",
    "import math\ndef work(x): return getattr(math, x)\n",
    "class It:\n    def f(self, n): return getattr(self, n)\ndef work(x): return It().f('f')\n",
    "from contextvars import ContextVar\nV = ContextVar('V')\ndef work(x): return V\n",
    "from typing import TypeVar\nT = TypeVar('T')\ndef work(x: T) -> T: return x\n",
    "import os\ndef work(x): return open(x), os.environ['HOME']\n",
    "import polars as pl\nLATE = pl.col('a') > 3\ndef work(x): return LATE\n",
    "import numpy as np\nWEIGHTS = np.arange(6.0)\ndef work(x): return WEIGHTS\n",
    "def work(x):\n    try:\n        import no_such_package_at_all\n    except ImportError: pass\n",
    "NONE = object()\ndef work(x=NONE): return x\n",
    "import weakref, itertools\ndef work(x): return weakref.ref, itertools.chain, str.upper, [].append\n",
    PLENTY,
]


@pytest.mark.parametrize(("helpers", "name", "line", "hazard"), NAMED)
def test_it_is_named(helpers: str, name: str, line: int, hazard: bool, tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": helpers, "other": "A = 1\n", "broken": "1 / 0\n"})

    record = take(tmp_path)

    assert [(item.name, item.where, item.hazard) for item in record.opaque] == [
        (name, f"helpers.py:{line}", hazard)
    ]
    assert record.unstable is hazard
    assert record.opaque[0].advice


@pytest.mark.parametrize("helpers", NOT_NAMED)
def test_it_is_not_named(helpers: str, tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": helpers})

    assert take(tmp_path).opaque == ()


def test_it_reads_as_a_sentence_with_advice(tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": NAMED[0][0]})

    assert str(take(tmp_path).opaque[0]) == (
        "`helpers.HANDLE` (helpers.py:1) is or holds a _io.TextIOWrapper, which has no stable form; "
        "raise `version` when it changes, or pass it as config"
    )


def test_how_something_opaque_is_made_counts(tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": "FILE = open('/dev/null', 'r')\ndef work(x): return FILE\n"})
    before = take(tmp_path)
    write(tmp_path, {"helpers": "FILE = open('/dev/null', 'rt')\ndef work(x): return FILE\n"})

    assert take(tmp_path).digest != before.digest


def test_a_file_that_is_edited_after_its_import_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": "def work(x): return 1\n"})
    with imported_afresh(tmp_path):
        import steps

        write(tmp_path, {"helpers": "def work(x): return 2\n"})
        record = code_of(steps.Peaks)

    assert [(item.name, item.why) for item in record.opaque] == [
        ("helpers.work", "was edited after it was imported")
    ]
    assert record.unstable


def test_a_class_that_is_edited_after_its_import_is_named(tmp_path: Path) -> None:
    step = STEP.replace("    def _execute", "    limit = 1\n    def _execute")
    write(tmp_path, {"steps": step, "helpers": "def work(x): return 1\n"})
    with imported_afresh(tmp_path):
        import steps

        write(tmp_path, {"steps": step.replace("limit = 1", "limit = 2")})
        record = code_of(steps.Peaks)

    assert [item.name for item in record.opaque] == ["steps.Peaks"]


def test_what_changes_during_the_run_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": "COUNT = 0\ndef work(x): return COUNT\n"})
    with imported_afresh(tmp_path):
        import helpers
        import steps

        before = code_of(steps.Peaks)
        helpers.COUNT = 1

        assert code_of(steps.Peaks) is before
    assert take(tmp_path).digest == before.digest


def test_code_without_a_source_counts_by_its_bytecode() -> None:
    def taken(text: str) -> CodeRecord:
        variables: dict[str, object] = {"__name__": "nowhere"}
        exec(text, variables)
        return code_of(variables["Step"])

    text = "LIMIT = 1\ndef more(x): return x + LIMIT\nclass Step:\n    def run(self): return more(1)\n"
    before = taken(text)

    assert {item.why for item in before.opaque} == {"has no source and counts by its bytecode"}
    assert not before.unstable
    assert taken(text).digest == before.digest
    assert taken(text.replace("x + L", "x - L")).digest != before.digest
    assert taken(text.replace("LIMIT = 1", "LIMIT = 2")).digest != before.digest
