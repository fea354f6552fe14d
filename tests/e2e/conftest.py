"""A small source for runs against a URL, and its undisturbed run to compare with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.processes import gridloom
from tests.e2e.servers import arguments, sample_part, serve

from gridloom.extract.replay import ReplayServer


@pytest.fixture(scope="session")
def frame() -> pl.DataFrame:
    """120 days of two authorities: demand and two fuels."""
    return sample_part(["ERCO", "PACW"], ["D", "NG.SUN", "NG.WND"], days=120)


@pytest.fixture
def server(frame: pl.DataFrame) -> Iterator[ReplayServer]:
    """A server of `frame` that accepts any key."""
    with serve(frame) as running:
        yield running


@pytest.fixture(scope="session")
def undisturbed(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run that nobody disturbed; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with serve(frame) as running:
        assert gridloom(*arguments(running.url), cwd=folder, key="any").code == 0
    return folder / "data"


@pytest.fixture
def out(undisturbed: Path, tmp_path: Path) -> Path:
    """The output folder of such a run, below the working folder ``tmp_path``."""
    return Path(shutil.copytree(undisturbed, tmp_path / "data"))
