"""Every how-to runs as it stands: its commands, its Python, and what it says that they print."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from tests.e2e.processes import gridloom

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "how-to").glob("*.md"))
BLOCK = re.compile(r"^```(?P<kind>sh|python|text)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


def commands(body: str, folder: Path) -> str:
    """Runs the lines of a shell block; returns what they print."""
    printed = ""
    for line in body.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "gridloom", line
        done = gridloom(*arguments, cwd=folder)
        assert done.code == 0, done.err
        printed += done.out
    return printed


def wrong(page: str, folder: Path) -> list[str]:
    """Runs all blocks of a page in order; returns the texts that are not what was printed before them."""
    names: dict[str, object] = {}
    printed, problems = "", []
    for block in BLOCK.finditer(page):
        kind, body = block["kind"], block["body"]
        if kind == "text":
            problems += [] if printed == body else [f"{body!r} is shown, {printed!r} was printed"]
        elif kind == "sh":
            printed = commands(body, folder)
        else:
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(compile(body, "how-to", "exec"), names)
            printed = stream.getvalue()
    return problems


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_as_it_stands(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlx.core")
    monkeypatch.chdir(tmp_path)

    assert wrong(page.read_text(encoding="utf-8"), tmp_path) == []


def test_what_is_shown_and_not_printed_is_found(tmp_path: Path) -> None:
    page = "```python\nprint(1 + 1)\n```\nand\n```text\n3\n```\n"

    assert wrong(page, tmp_path) == ["'3\\n' is shown, '2\\n' was printed"]
