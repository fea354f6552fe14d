"""The doctor tells what is there and what is not, and survives what it examines."""

from __future__ import annotations

import platform
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from gridloom.load.blas import SWITCH
from gridloom.pipelines import doctor
from gridloom.pipelines.doctor import examine


@pytest.fixture(scope="module")
def project(pytestconfig: pytest.Config) -> dict[str, dict[str, list[str]]]:
    loaded: dict[str, dict[str, list[str]]] = tomllib.loads(
        (pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8")
    )["project"]
    return loaded


def test_it_knows_every_extra_and_the_versions_of_what_is_installed(
    project: dict[str, dict[str, list[str]]],
) -> None:
    found = examine()

    assert found["extras"].keys() == project["optional-dependencies"].keys()
    for extra, state in found["extras"].items():
        absent = [name for name in state["missing"] if name in found["packages"]]
        assert absent == [], extra
        assert state["installed"] == (not state["missing"])
    assert found["packages"]["polars"] == metadata.version("polars")
    assert found["python"] == platform.python_version()


def test_it_measures_mlx() -> None:
    pytest.importorskip("mlx.core")

    mlx = examine()["mlx"]

    assert mlx["version"] == metadata.version("mlx")
    assert mlx["gflops"] > 0
    assert mlx["device"] in {"cpu", "gpu"}
    assert mlx["blas"]["name"]


@pytest.mark.skipif(sys.platform != "linux", reason="MLX brings the reference BLAS on Linux only")
def test_it_advises_against_the_slow_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("scipy_openblas32")
    assert examine()["advice"] == []

    monkeypatch.setenv(SWITCH, "off")
    found = examine()

    assert found["mlx"]["blas"]["slow"]
    assert found["advice"] == [
        "MLX multiplies with the slow reference BLAS because GRIDLOOM_BLAS is off. Unset it."
    ]


def python(folder: Path, script: str) -> str:
    """Returns an interpreter that runs a shell script instead."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "kill -ILL $$",
            "MLX crashed with signal 4. Try: pip install --upgrade --force-reinstall 'gridloom[mlx]'",
        ),
        ("echo 'first line' >&2; echo 'no room' >&2; exit 1", "MLX cannot be used: no room"),
        ("exit 1", "MLX cannot be used: no reason given"),
    ],
)
def test_an_mlx_that_fails_is_a_diagnosis(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlx.core")
    monkeypatch.setattr(doctor, "sys", SimpleNamespace(executable=python(tmp_path, script), platform="linux"))

    found = examine()

    assert found["mlx"] is None
    assert found["advice"] == [said]


def test_without_mlx_there_is_nothing_to_say_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", version)

    found = examine()

    assert (found["mlx"], found["advice"], found["packages"]) == (None, [], {})
    assert found["extras"]["mlx"] == {"installed": False, "missing": ["holidays", "mlx", "numpy"]}
