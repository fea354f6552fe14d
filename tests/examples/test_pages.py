"""The examples of the pages in docs/explanation print what the pages show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "page"), [("what_goes_wrong.py", "eia-930.md"), ("what_counts.py", "caching.md")]
)
def test_the_page_shows_what_the_example_prints(name: str, page: str, tmp_path: Path) -> None:
    example = ROOT / "examples" / name

    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    text = (ROOT / "docs" / "explanation" / page).read_text(encoding="utf-8")
    assert f"```\n{done.stdout}```\n" in text
