"""The example of docs/explanation/eia-930.md prints what the page shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_shows_what_the_example_prints(tmp_path: Path) -> None:
    example = ROOT / "examples" / "what_goes_wrong.py"

    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "explanation" / "eia-930.md").read_text(encoding="utf-8")
    assert f"```\n{done.stdout}```\n" in page
