"""Tutorial and how-to pages do what they show: their commands run, and print the lines that stand below them.

In a ``console`` block, lines after ``$ `` are commands and the others what they print, in this order; ``…``
stands for anything, and blanks for as many as there are. A block after ``<!-- file: NAME -->`` is that
file from there on.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page for kind in ("tutorial", "how-to") for page in (ROOT / "docs" / kind).glob("*.md"))

_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)


def blocks(page: Path) -> Iterator[tuple[str | None, str, str]]:
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield match["file"], match["language"], match["body"]


def commands(body: str) -> Iterator[tuple[str, list[str]]]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, *lines = part.splitlines()
        yield command, [line for line in lines if line.strip()]


def printed(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    start = {"gridloom": [sys.executable, "-m", "gridloom"], "python": [sys.executable]}[program]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("EIA_", "GRIDLOOM_"))
    }
    done = subprocess.run(
        [*start, *arguments],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout


def shown(line: str) -> re.Pattern[str]:
    # columns are as wide as their widest cell
    words = [".*".join(map(re.escape, word.split("…"))) for word in line.split()]
    return re.compile("^ *" + " +".join(words), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    for example in (ROOT / "examples").iterdir():
        if example.is_file():
            shutil.copy(example, tmp_path)
    for file, language, body in blocks(page):
        if file:
            (tmp_path / file).write_text(body, encoding="utf-8")
        for command, lines in commands(body) if language == "console" else ():
            text = printed(command, tmp_path)
            at = 0
            for line in lines:
                found = shown(line).search(text, at)
                assert found, f"`{command}` does not print {line!r} there, but:\n{text}"
                at = found.end()


def test_pages_with_commands_are_there() -> None:
    console = [page.name for page in PAGES for _, language, _ in blocks(page) if language == "console"]

    assert {"add-a-step.md", "first-year.md", "pipeline-file.md"} <= set(console)


def test_a_line_that_is_not_printed_is_found_out(tmp_path: Path) -> None:
    assert shown("a … c").search("x\na b c d")
    assert not shown("a … c").search("x a b c")
    assert "unknown" not in printed("gridloom --version", tmp_path)
    assert list(commands("$ a b\nc\n\n$ d\n")) == [("a b", ["c"]), ("d", [])]
