"""A browser, and the reports that it opens."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.e2e.processes import gridloom

from gridloom.report.page import REPORT_NAME

TOOL = Path(__file__).resolve().parents[2] / "tools" / "screenshot_report.py"


@pytest.fixture(scope="session")
def tool() -> ModuleType:
    """The script that opens a browser; skips where there is none, unless that is not allowed."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing and os.environ.get("GRIDLOOM_TEST_BROWSER") != "required":
        pytest.skip(f"needs {' and '.join(missing)} (Debian's packages chromium and chromium-driver)")
    spec = importlib.util.spec_from_file_location("screenshot_report", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chromium(tool: ModuleType) -> Iterator[Any]:
    """A browser for all tests that need one."""
    with tool.browser(1160, 900) as driver:
        yield driver


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of two authorities, as the command line leaves it."""
    folder = tmp_path_factory.mktemp("report")
    assert gridloom("year", "--sample", "--regions", "PACW,ERCO", "--out", "data", cwd=folder).code == 0
    return next((folder / "data" / "runs").glob(f"*/{REPORT_NAME}"))
