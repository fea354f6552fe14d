"""The reference is made of docstrings alone: it has every public name, and nothing of it is out of order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import gridloom
from gridloom import errors


def built(folder: Path, *modules: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "pdoc", "-d", "google", "--no-show-source"]
    return subprocess.run(
        [*command, "-o", str(folder), *modules], capture_output=True, text=True, check=False, timeout=100
    )


def anchors(page: Path) -> set[str]:
    return set(re.findall(r'<section id="([^".]+)"', page.read_text(encoding="utf-8")))


def test_the_reference_has_every_public_name(tmp_path: Path) -> None:
    done = built(tmp_path, "gridloom", "gridloom.errors")

    assert (done.returncode, done.stderr) == (0, "")
    assert anchors(tmp_path / "gridloom.html") == set(gridloom.__all__)
    assert anchors(tmp_path / "gridloom" / "errors.html") == set(errors.__all__)


def test_a_warning_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loom.py").write_text('"""A module."""\n\n__all__ = ["gone"]\n')
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pdoc",
            "-o",
            str(tmp_path / "site"),
            str(tmp_path / "loom.py"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode != 0
    assert "gone" in done.stderr
