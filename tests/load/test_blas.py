"""MLX multiplies with a fast BLAS where there is one, exactly as before, and never crashes for it.

Pointers of a loaded library are at stake, so each case runs in a process of its own.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap

import pytest

from gridloom.load.blas import SWITCH, _LeaveAloneError, _version

pytest.importorskip("mlx.core")

stock_wheel = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="MLX brings the reference BLAS on Linux only",
)


def run(code: str, **environ: str) -> str:
    """Runs code after MLX was imported; returns what it printed."""
    head = "import mlx.core as mx\nfrom gridloom.load import blas\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr}"
    return done.stdout


@stock_wheel
def test_the_extra_is_used_and_multiplies_as_numpy_does() -> None:
    pytest.importorskip("scipy_openblas32")

    printed = run("""
        import numpy as np
        used = blas.use_fast_blas(mx)
        print(used.name, used.slow, used.path.name, used.why)
        random = np.random.default_rng(7)
        for rows, inner, columns in [(1, 1, 1), (3, 5, 2), (64, 64, 64), (127, 300, 33), (1, 999, 4)]:
            for dtype, tolerance in [("float32", 1e-4), ("float64", 1e-12), ("complex64", 1e-4)]:
                left = random.standard_normal((2, rows, inner))
                right = random.standard_normal((2, columns, inner))
                if dtype == "complex64":
                    left, right = left + 1j * left[::-1], right - 1j * right[::-1]
                want = left @ right.swapaxes(-1, -2)
                with mx.stream(mx.cpu):
                    one, two = (mx.array(each, dtype=getattr(mx, dtype)) for each in (left, right))
                    got = np.array(one @ two.swapaxes(-1, -2))
                assert np.allclose(got, want, rtol=tolerance, atol=tolerance), (rows, inner, columns, dtype)
        gradient = mx.grad(lambda x: (x @ x.T).sum())(mx.ones((3, 3)))
        assert (gradient == 6).all().item()
        print("exact")
    """)

    assert printed.startswith("OpenBLAS ")
    assert "False libscipy_openblas.so the extra fast-blas is installed" in printed
    assert printed.endswith("exact\n")


@stock_wheel
def test_it_can_be_switched_off() -> None:
    printed = run(
        "used = blas.use_fast_blas(mx); print(used.name, used.slow, used.why)\nprint(used.path.name)",
        **{SWITCH: "off"},
    )

    assert printed.startswith(f"reference BLAS of the MLX wheel True {SWITCH} is off\nlibblas-")


@stock_wheel
def test_functions_that_do_not_multiply_are_put_back() -> None:
    printed = run("""
        import ctypes
        nothing = ctypes.CFUNCTYPE(None)(lambda: None)
        address = ctypes.cast(nothing, ctypes.c_void_p).value
        slots = blas._Slots.of(mx)
        try:
            slots.point_at(dict.fromkeys(blas._FUNCTIONS, address), mx)
        except blas._LeaveAloneError as error:
            print(error)
        print(blas._products_are_exact(mx), blas._Slots.of(mx).provider == slots.provider)
    """)

    assert printed == "its products are not exact\nTrue True\n"


@stock_wheel
def test_without_a_library_the_old_one_stays_and_says_why() -> None:
    printed = run("""
        from pathlib import Path
        blas._candidates = lambda: [(Path("libnowhere.so"), ""), (Path("libc.so.6"), "")]
        used = blas.use_fast_blas(mx)
        print(used.slow, used.why)
        print(blas._products_are_exact(mx))
    """)

    first, last = printed.splitlines()
    assert first.startswith("True libnowhere.so cannot be loaded; libc.so.6 is not used: ")
    assert "openblas_get_config" in first
    assert last == "True"


def test_threads_that_ask_together_are_told_the_same() -> None:
    printed = run("""
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            used = list(pool.map(lambda _: blas.use_fast_blas(mx), range(8)))
        print(len(set(used)), blas._products_are_exact(mx))
    """)

    assert printed == "1 True\n"


def test_speed_is_a_positive_number() -> None:
    assert float(run("print(blas.gigaflops(mx, size=64, times=1))")) > 0


def test_a_library_that_takes_wide_integers_is_refused() -> None:
    assert (
        _version("OpenBLAS 0.3.34.481.3 DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64") == "0.3.34.481.3"
    )
    for config in ("OpenBLAS 0.3.31.188.0  USE64BITINT DYNAMIC_ARCH NO_AFFINITY", "BLIS 1.0", ""):
        with pytest.raises(_LeaveAloneError, match="32 bits, and it says"):
            _version(config)
