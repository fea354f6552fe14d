"""What users install: the wheel's content, few dependencies, each with its reason and its pin."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

MOST_WHEEL_BYTES = 5_000_000
MOST_SAMPLE_BYTES = 3_000_000
MOST_DEPENDENCIES = 11


@pytest.fixture(scope="session")
def project(root: Path) -> dict[str, Any]:
    config: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return config


@pytest.fixture(scope="session")
def dependencies(project: dict[str, Any]) -> list[str]:
    return [name_of(requirement) for requirement in project["project"]["dependencies"]]


@pytest.fixture(scope="session")
def pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name_of(name): version for name, version in pairs}


def name_of(requirement: str) -> str:
    """Returns the normalised name of a requirement such as ``Polars-x>=1``."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement)[0]).lower()


def build(root: Path, target: str, folder: Path) -> Path:
    """Builds with the backend that pyproject.toml names, and returns the one file that comes out."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(root, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> dict[str, int]:
    """The size of every file in the wheel, by its name."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def test_the_wheel_holds_types_data_and_licence(in_wheel: dict[str, int], project: dict[str, Any]) -> None:
    version = project["project"]["version"]

    assert "gridloom/py.typed" in in_wheel
    assert "gridloom/grid/respondents.csv" in in_wheel
    assert f"gridloom-{version}.dist-info/licenses/LICENSE" in in_wheel


def test_the_wheel_holds_every_source_file(root: Path, in_wheel: dict[str, int]) -> None:
    sources = {path.relative_to(root / "src").as_posix() for path in (root / "src").rglob("*.py")}

    assert sources <= set(in_wheel)


def test_the_wheel_holds_the_sample_within_its_size(in_wheel: dict[str, int]) -> None:
    sample = [size for name, size in in_wheel.items() if re.match(r"gridloom/sample/.*\.parquet$", name)]

    assert sample
    assert 0 < sum(sample) <= MOST_SAMPLE_BYTES


def test_the_wheel_holds_nothing_else(in_wheel: dict[str, int]) -> None:
    tops = {name.split("/")[0] for name in in_wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"gridloom"}
    assert not [name for name in in_wheel if "__pycache__" in name or "test" in Path(name).parts]


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MOST_WHEEL_BYTES


def test_the_wheel_asks_for_the_declared_dependencies(wheel: Path, dependencies: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())

    asked = metadata.get_all("Requires-Dist", [])
    assert sorted(name_of(each) for each in asked if "extra ==" not in each) == sorted(dependencies)
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_source_archive_can_test_itself(root: Path, tmp_path: Path) -> None:
    with tarfile.open(build(root, "sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        "Makefile",
        "constraints.txt",
        "README.md",
        "tools/check_docs.py",
        "tests/test_public_api.py",
    } <= names
    assert not [name for name in names if name.startswith((".git/", ".venv/", "data/"))]


def test_dependencies_are_few_and_sorted(dependencies: list[str]) -> None:
    assert len(dependencies) <= MOST_DEPENDENCIES
    assert dependencies == sorted(set(dependencies))


def test_every_dependency_has_its_reason(root: Path, dependencies: list[str]) -> None:
    text = (root / "docs" / "explanation" / "decisions.md").read_text(encoding="utf-8")
    rows = {cells[0]: cells for line in text.splitlines() if len(cells := cells_of(line)) > 1}

    assert set(dependencies) <= set(rows)
    assert [name for name in dependencies if not all(rows[name][1:])] == []


def cells_of(line: str) -> list[str]:
    """Returns the cells of a row of a markdown table."""
    return [cell.strip(" `") for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []


def test_every_dependency_is_imported_by_the_package(root: Path, dependencies: list[str]) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    modules = [{"pyyaml": "yaml"}.get(name, name) for name in dependencies]

    assert [
        name for name in modules if not re.search(rf"^\s*(import|from) {name}\b", sources, re.MULTILINE)
    ] == []


def test_everything_that_make_installs_is_pinned(
    project: dict[str, Any], dependencies: list[str], pins: dict[str, str]
) -> None:
    # Other people's packages come in their newest versions, into environments of their own.
    own = {"clients", "dag-peers"}
    groups = {name: group for name, group in project["dependency-groups"].items() if name not in own}
    wanted = {name_of(each) for group in groups.values() for each in group if isinstance(each, str)}

    assert wanted | set(dependencies) <= set(pins)
    assert [
        name for name, version in pins.items() if not re.fullmatch(r"\d+(\.\d+)*(b\d+)?(\.post\d+)?", version)
    ] == []
