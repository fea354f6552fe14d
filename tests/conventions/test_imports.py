"""Imports point one way: the contracts of pyproject.toml hold, and each of them can fail."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLANTS = {
    "house": [
        ("errors.py", "import gridloom.files"),
        ("grid/planted.py", "import gridloom.dag"),
        ("dag/planted.py", "import gridloom.grid"),
        ("extract/planted.py", "import gridloom.transform"),
        ("transform/planted.py", "import gridloom.extract.replay"),
        ("extract/planted.py", "def late():\n    import gridloom.monitor"),
        ("report/planted.py", "import gridloom.monitor"),
        ("load/planted.py", "import gridloom.transform.footer"),
        ("pipelines/planted.py", "import gridloom.cli"),
        ("pipelines/planted.py", "import gridloom.ui"),
        ("report/planted.py", "import gridloom.ui"),
    ],
    "dag-knows-no-energy": [("dag/planted.py", "import polars")],
    "foundation": [("finding.py", "import pydantic")],
    "http-in-extract": [("transform/planted.py", "import httpx2")],
    "ui-only-shows": [
        ("ui/planted.py", "import gridloom.transform.footer"),
        ("ui/planted.py", "def late():\n    import httpx2"),
    ],
    "terminal-on-top": [("extract/planted.py", "from rich.table import Table")],
    "dag-in-steps": [
        ("extract/planted.py", "from gridloom.dag import BaseStep"),
        ("transform/__init__.py", "import gridloom.dag"),
        ("load/planted.py", "import gridloom.dag.step"),
    ],
    "listeners": [
        ("monitor/planted.py", "from gridloom.dag import PipelineDAG"),
        ("cli/planted.py", "import gridloom.dag.step"),
        ("report/planted.py", "import gridloom.dag.cache"),
        ("ui/planted.py", "import gridloom.dag.journal"),
    ],
    "report-is-plain": [("report/planted.py", "def late():\n    import polars")],
    "extras-in-load": [
        ("pipelines/planted.py", "import numpy"),
        ("transform/planted.py", "def late():\n    import holidays"),
    ],
    "one-module-each": [
        ("load/planted.py", "import mlx.core as mx"),
        ("load/cut.py", "import torch"),
    ],
    "tests-only": [("grid/planted.py", "import pyarrow")],
}
"""For every contract: imports that break it, each a file of the package and what is added to it."""

LINT = "from importlinter.cli import lint_imports_command as lint; lint()"
ALLOWED_IN_DAG = {"gridloom", "msgspec", "pydantic", "pydantic_core"}


def contracts(root: Path) -> dict[str, str]:
    """Returns the name of every contract by its id."""
    config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return {each["id"]: each["name"] for each in config["tool"]["importlinter"]["contracts"]}


def lint(folder: Path, *arguments: str) -> tuple[int, str]:
    """Runs the import linter in `folder`, which holds pyproject.toml and the package."""
    command = [sys.executable, "-c", LINT, "--no-logo", "--no-cache", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A folder with pyproject.toml and a copy of the package, which the linter finds first."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.parquet")
    shutil.copytree(root / "src" / "gridloom", tmp_path / "gridloom", ignore=ignored)
    return tmp_path


def test_every_contract_is_kept(copy: Path) -> None:
    code, said = lint(copy)

    assert f"Contracts: {len(PLANTS)} kept, 0 broken." in said
    assert code == 0


def test_every_contract_has_a_proof_that_it_can_fail(root: Path) -> None:
    assert set(contracts(root)) == set(PLANTS)


@pytest.mark.parametrize(
    ("contract", "file", "planted"),
    [(contract, *plant) for contract, plants in PLANTS.items() for plant in plants],
)
def test_a_planted_import_breaks_its_contract(
    root: Path, copy: Path, contract: str, file: str, planted: str
) -> None:
    path = copy / "gridloom" / file
    before = path.read_text(encoding="utf-8") if path.exists() else '"""Planted."""\n'
    path.write_text(f"{before}\n{planted}\n", encoding="utf-8")

    code, said = lint(copy, "--contract", contract)

    assert code == 1
    assert f"{contracts(root)[contract]} BROKEN" in said


def test_a_new_room_needs_a_place_in_the_house(copy: Path) -> None:
    (copy / "gridloom" / "attic.py").write_text('"""A room without a layer."""\n', encoding="utf-8")

    code, said = lint(copy, "--contract", "house")

    assert code == 1
    assert "gridloom.attic" in said


def test_the_dag_imports_no_other_package_than_pydantic_and_msgspec(root: Path) -> None:
    found = {
        name.partition(".")[0]
        for path in (root / "src" / "gridloom" / "dag").rglob("*.py")
        for name in imported(path.read_text(encoding="utf-8"))
    }

    assert "gridloom" in found
    assert found - set(sys.stdlib_module_names) <= ALLOWED_IN_DAG


def imported(source: str) -> set[str]:
    """Returns the modules that a source imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_imports_inside_functions_are_seen() -> None:
    assert imported("def f():\n    import numpy.linalg\n    from rich import box\n") == {
        "numpy.linalg",
        "rich",
    }
