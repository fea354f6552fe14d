"""The normal form of source: layout, remarks and Python's version leave it alone, all else does not."""

from __future__ import annotations

import ast
import copy
import inspect
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.dag.code.normal import digest_of_node

MODULES = (ast, copy, inspect, json, os, random, shutil, statistics, textwrap)
FUNCTIONS = [
    node
    for module in MODULES
    for node in ast.walk(ast.parse(inspect.getsource(module)))
    if isinstance(node, ast.FunctionDef | ast.ClassDef)
]
PROGRAM = Path(__file__).with_name("portable.py")
SAME = [
    ("x = 'a'", 'x = "a"'),
    ("x = 0xFF", "x = 2_5_5"),
    ("x = 'a' 'b'", "x = ('a'\n    'b')"),
    ("x = f'a{y}' 'b'", "x = f'a{y}b'"),
    ("x = u'a'", "x = 'a'"),
    ("x = (1, 2)", "x = 1, 2"),
    ("def f(a, b): return a", "def f(\n    a,\n    b,\n):\n    return a"),
    ("def f():\n    'Why.'\n    return 1", "def f():\n    return 1  # why"),
    ("def f():\n    'Why.'", "def f(): pass"),
    ("class C: ...", "class C:\n    '''It.'''\n    pass"),
    ("if a:\n    b\nelif c:\n    d", "if a:\n    b\nelse:\n    if c:\n        d"),
    ("x = a; y = b", "x = a\n\n\ny = b"),
    ("with (a as b, c as d): e", "with a as b, c as d:\n    e"),
    ("x: int # type: ignore", "x: int"),
]
DIFFERENT = [
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("x = 'a'", "x = b'a'"),
    ("x = ''", "x = None"),
    ("x = [1, 2]", "x = [2, 1]"),
    ("x = -1", "x = +1"),
    ("x = a < b", "x = a <= b"),
    ("x = {**a, 'b': 1}", "x = {'b': 1, **a}"),
    ("x = f'{a}'", "x = f'{a!r}'"),
    ("x = f'{a:3}'", "x = f'{a:4}'"),
    ("x = f'{a}b'", "x = f'b{a}'"),
    ("f(a, b=1)", "f(a, c=1)"),
    ("f(*a)", "f(a)"),
    ("def f(a, /, b): 1", "def f(a, b): 1"),
    ("def f(a, *, b): 1", "def f(a, b): 1"),
    ("def f(a=1, *, b): a", "def f(a, *, b=1): a"),
    ("def f(a: int): a", "def f(a: str): a"),
    ("def f(): a", "async def f(): a"),
    ("a.b.c", "a.c.b"),
    ("from a import b", "from .a import b"),
    ("from a import b", "from a import b as c"),
    ("try: a\nexcept B: c", "try: a\nexcept C: c"),
    ("for a in b: c\nelse: d", "for a in b: c\nd"),
    ("x = (y := 1)", "x = y = 1"),
    ("x = a if b else c", "x = b if a else c"),
    ("x = [a for b in c if d]", "x = [a for b in c]"),
    ("'one'\nx = 1", "x = 2"),
    ("return_ = 'pass'", "return_ = 'past'"),
]


def digest(source: str) -> str:
    return digest_of_node(ast.parse(source))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_layout_and_remarks_do_not_count(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_all_else_counts(one: str, other: str) -> None:
    assert digest(one) != digest(other)


@given(st.sampled_from(FUNCTIONS))
def test_source_written_anew_has_the_same_digest(node: ast.AST) -> None:
    assert digest_of_node(ast.parse(ast.unparse(node)).body[0]) == digest_of_node(node)


@given(st.sampled_from(FUNCTIONS), st.data())
def test_a_constant_that_changes_is_noticed(node: ast.AST, data: st.DataObject) -> None:
    changed = copy.deepcopy(node)
    remarks = {id(part.value) for part in ast.walk(changed) if isinstance(part, ast.Expr)}
    constants = [
        part
        for part in ast.walk(changed)
        if isinstance(part, ast.Constant) and id(part) not in remarks and part.value is not ...
    ]
    if constants:
        data.draw(st.sampled_from(constants)).value = "something else"
        assert digest_of_node(changed) != digest_of_node(node)


@given(st.sampled_from(FUNCTIONS), st.data())
def test_a_name_that_changes_is_noticed(node: ast.AST, data: st.DataObject) -> None:
    changed = copy.deepcopy(node)
    names = [part for part in ast.walk(changed) if isinstance(part, ast.Name | ast.arg | ast.Attribute)]
    if names:
        name = data.draw(st.sampled_from(names))
        setattr(name, {ast.Name: "id", ast.arg: "arg", ast.Attribute: "attr"}[type(name)], "other_name")
        assert digest_of_node(changed) != digest_of_node(node)


def test_every_module_of_the_package_survives_a_formatter(tmp_path: Path, root: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed")
    copied = shutil.copytree(root / "src" / "gridloom" / "dag", tmp_path / "dag")
    command = [ruff, "format", "--isolated", "--line-length", "60", "--config", "format.quote-style='single'"]
    subprocess.run([*command, str(copied)], check=True, capture_output=True)
    pairs = [
        (path, copied / path.relative_to(root / "src/gridloom/dag"))
        for path in (root / "src/gridloom/dag").rglob("*.py")
    ]
    texts = [(one.read_text(), other.read_text()) for one, other in pairs]

    assert sum(one != other for one, other in texts) > 10
    assert all(digest(one) == digest(other) for one, other in texts)


def portable(python: str, seed: str = "0") -> dict[str, str]:
    done = subprocess.run(
        [python, str(PROGRAM)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": seed, "PATH": os.environ["PATH"]},
    )
    return dict(json.loads(done.stdout))


def test_digests_do_not_depend_on_the_order_of_hashes() -> None:
    taken = portable(sys.executable, "1")

    assert len(taken) > 10
    assert portable(sys.executable, "2") == taken


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_other_pythons_give_the_same_digests(version: str) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", "0"], capture_output=True, check=False).returncode:
        pytest.skip(f"no Python {version} here")
    ours, theirs = portable(sys.executable), portable(python)

    assert theirs.pop("python") == version
    assert {**theirs, "python": ours["python"]} == ours
