"""`import gridloom` loads nothing heavy: its names are imported when they are first used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY_STANDARD = {
    "asyncio",
    "concurrent",
    "ctypes",
    "decimal",
    "email",
    "http",
    "multiprocessing",
    "socket",
    "sqlite3",
    "ssl",
    "unittest",
    "xml",
}
PROBE = """
import json, sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import gridloom
new = sorted(set(sys.modules) - before)
print(json.dumps({"file": gridloom.__file__, "new": new, "standard": sorted(sys.stdlib_module_names)}))
"""


def heavy_modules(folder: Path) -> set[str]:
    """Returns what `import gridloom` from `folder` loads that is heavy, in a process of its own."""
    command = [sys.executable, "-c", PROBE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    seen = json.loads(done.stdout)
    assert Path(seen["file"]).is_relative_to(folder)
    tops = {name.partition(".")[0] for name in seen["new"]} - {"gridloom"}
    return (tops - set(seen["standard"])) | (tops & HEAVY_STANDARD)


def test_import_loads_nothing_heavy(root: Path) -> None:
    assert heavy_modules(root / "src") == set()


@pytest.mark.parametrize(
    "planted", ["polars", "pydantic", "httpx2", "rich", "click", "msgspec", "asyncio", "ssl"]
)
def test_the_proof_can_fail(root: Path, tmp_path: Path, planted: str) -> None:
    shutil.copytree(
        root / "src" / "gridloom", tmp_path / "gridloom", ignore=shutil.ignore_patterns("*.parquet")
    )
    init = tmp_path / "gridloom" / "__init__.py"
    init.write_text(init.read_text(encoding="utf-8") + f"\nimport {planted}\n", encoding="utf-8")

    assert planted in heavy_modules(tmp_path)


def test_modules_loaded_eagerly_are_seen_too(root: Path, tmp_path: Path) -> None:
    shutil.copytree(
        root / "src" / "gridloom", tmp_path / "gridloom", ignore=shutil.ignore_patterns("*.parquet")
    )
    init = tmp_path / "gridloom" / "__init__.py"
    eager = "\nfrom gridloom.artifact import Artifact\n"
    init.write_text(init.read_text(encoding="utf-8") + eager, encoding="utf-8")

    assert "msgspec" in heavy_modules(tmp_path)
