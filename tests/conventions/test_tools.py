"""What the Makefile stands on: the virtual environment is kept where it works, else made or refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def make_venv(tool: Callable[[str], ModuleType]) -> ModuleType:
    return tool("make_venv")


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose bin/python is this interpreter, as seen from a checkout of its own."""
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8"))
    (folder / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    return folder


def test_an_old_python_is_told_what_to_do(make_venv: ModuleType) -> None:
    assert make_venv.version_advice((3, 9), []) == (
        "GridLoom needs Python 3.11 or newer; this is 3.9. "
        "Install a newer one, then name it: make PYTHON=/path/to/python3 <target>"
    )
    assert "make PYTHON=python3.13 <target>" in make_venv.version_advice((3, 10), ["python3.13"])
    assert make_venv.version_advice((3, 11), []) is None


def test_the_oldest_python_is_that_of_the_project(make_venv: ModuleType, root: Path) -> None:
    oldest = ".".join(map(str, make_venv.OLDEST))

    assert f'requires-python = ">={oldest}"' in (root / "pyproject.toml").read_text(encoding="utf-8")


def test_no_environment_does_not_work(make_venv: ModuleType, tmp_path: Path) -> None:
    assert not make_venv.works(tmp_path / "none")


def test_an_environment_without_pip_does_not_work(make_venv: ModuleType, venv: Path) -> None:
    assert not make_venv.works(venv)


def test_an_environment_with_pip_works_until_the_checkout_moves(
    make_venv: ModuleType, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    pip = venv / "lib" / version / "site-packages" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()

    make_venv.main(venv)
    assert make_venv.works(venv)

    elsewhere = venv.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert not make_venv.works(venv)


def test_an_environment_that_cannot_be_made_ends_with_advice(
    make_venv: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    with pytest.raises(
        SystemExit, match=r"Could not make the virtual environment .* apt-get install python3\.\d+-venv"
    ):
        make_venv.make(in_the_way / ".venv")
    assert "Making a virtual environment" in capsys.readouterr().out


def test_make_alone_lists_every_target(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)
    assert phony is not None

    said = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True, timeout=60).stdout

    assert set(re.findall(r"^  ([a-z]+) ", said, re.MULTILINE)) == set(phony[1].split())
