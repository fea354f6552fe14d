"""MLX is made ready once, and where it is missing or broken a sentence says what to install."""

from __future__ import annotations

import sys

import pytest

from gridloom.errors import MissingExtraError
from gridloom.load.mlx_runtime import import_mlx, report


@pytest.fixture
def no_mlx_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gridloom.load.mlx_arrays", raising=False)


def test_it_is_the_module_of_mlx_itself() -> None:
    mx = pytest.importorskip("mlx.core")

    assert import_mlx("A test") is mx


def test_the_report_says_what_was_measured() -> None:
    pytest.importorskip("mlx.core")

    found = report()

    assert found.gflops > 0
    assert found.blas.why


@pytest.mark.usefixtures("no_mlx_yet")
def test_without_mlx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: None if name == "mlx" else name)

    with pytest.raises(MissingExtraError, match=r"^A test needs mlx, .* pip install 'gridloom\[mlx\]'$"):
        import_mlx("A test")


@pytest.mark.usefixtures("no_mlx_yet")
def test_an_mlx_without_its_backend_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    # what `pip install mlx` alone leaves on Linux
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "mlx.core", None)

    with pytest.raises(
        MissingExtraError, match=r"^A test needs MLX, which is installed but cannot be loaded"
    ):
        import_mlx("A test")
