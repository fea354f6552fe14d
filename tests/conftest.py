"""What holds for every test: no settings from outside, and no deadline on a busy machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gridloom", deadline=None)
settings.load_profile("gridloom")


@pytest.fixture(scope="session")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, _state: Path) -> None:
    for name in ("EIA_API_KEY", "GRIDLOOM_BASE_URL", "GRIDLOOM_BLAS", "GRIDLOOM_NOTIFY", "GRIDLOOM_OUT"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith(("OTEL_", "OPENLINEAGE_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GRIDLOOM_STATE", str(_state))
    monkeypatch.setattr("gridloom.extract.keys._ENV_FILE", _state / "no.env")
    monkeypatch.setattr("gridloom.extract.keys.read_keyring", str)
