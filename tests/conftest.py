"""What holds for every test: no settings from outside, and no deadline on a busy machine."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("gridloom", deadline=None)
settings.load_profile("gridloom")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EIA_API_KEY", "GRIDLOOM_BASE_URL", "GRIDLOOM_OUT"):
        monkeypatch.delenv(name, raising=False)
