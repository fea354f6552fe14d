from __future__ import annotations

import pytest
from tests.cli.conftest import Call

from gridloom import __version__


def test_it_says_what_there_is_and_how_to_get_the_rest(call: Call) -> None:
    done = call("doctor")

    assert done.code == 0
    assert done.out.startswith(f"GridLoom {__version__}, Python 3.")
    assert "polars " in done.out
    assert "keyring    pip install 'gridloom[keyring]'" in done.out or "keyring    yes" in done.out


def test_it_says_how_fast_mlx_is_and_with_what(call: Call) -> None:
    pytest.importorskip("mlx.core")

    done = call("doctor", "-v")

    assert "GFLOP/s in a product of two float32 matrices." in done.out
    assert "On the CPU it multiplies with " in done.out


def test_quiet_leaves_the_advice(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = ["Install this.", "Then that."]
    monkeypatch.setattr("gridloom.pipelines.doctor.examine", lambda: {"advice": advice})

    assert call("doctor", "-q").out.splitlines() == advice


def test_json(call: Call) -> None:
    found = call("doctor", "--json").json

    assert found.keys() == {"gridloom", "python", "platform", "cores", "packages", "extras", "mlx", "advice"}
