"""The command line in this process, in an empty working folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.processes import Done, gridloom

from gridloom.cli import main

Call = Callable[..., Done]

SMALL = [
    "year",
    "--sample",
    "--regions",
    "PACW,ERCO",
    "--series",
    "D",
    "--start",
    "2019-01-01T00",
    "--end",
    "2019-01-01T23",
    "--name",
    "day",
]
"""A run of a day, to ``data/hourly/day.parquet``."""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs one command line and returns its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        code = caught.value.code
        assert isinstance(code, int)
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """One run of `SMALL`: its working folder, and how it ended."""
    folder = tmp_path_factory.mktemp("first-run")
    return folder, gridloom(*SMALL, cwd=folder)


@pytest.fixture
def made(first_run: tuple[Path, Done], tmp_path: Path) -> Done:
    """How a run of `SMALL` ended, whose output folder stands in the working folder."""
    folder, done = first_run
    shutil.copytree(folder / "data", tmp_path / "data")
    return done
