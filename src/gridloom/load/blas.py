"""A fast BLAS for MLX on Linux, without root and without a build.

MLX's wheel for Linux CPUs carries the reference BLAS, which multiplies matrices at a few GFLOP/s where
OpenBLAS reaches tens to hundreds. MLX calls three functions of it (`cblas_sgemm`, `cblas_dgemm`,
`cblas_cgemm`) through jump slots, pointers in its data; `use_fast_blas` points these at an OpenBLAS:
that of the extra ``fast-blas`` (the wheel scipy-openblas32), else the system's.

Nothing is touched unless all of this holds: the wheel's own BLAS is in use, the slots hold exactly the
addresses of its functions and may be written, and the OpenBLAS takes integers of 32 bits as MLX passes
them. Then small products in every number type have to be exact; otherwise the old pointers are put back.
``GRIDLOOM_BLAS=off`` leaves everything as it is.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from gridloom.load.elf import Mapping, jump_slots, mappings

__all__ = ["SWITCH", "Blas", "gigaflops", "use_fast_blas"]

SWITCH: Final = "GRIDLOOM_BLAS"
"""Environment variable; ``off`` leaves MLX's BLAS as it is."""

_FUNCTIONS: Final = ("cblas_sgemm", "cblas_dgemm", "cblas_cgemm")
_BUNDLED: Final = re.compile(r"/mlx_[^/]*\.libs/libblas-[^/]*$")
"""The reference BLAS where MLX's wheels for Linux keep it."""

_SURPRISES: Final = (OSError, ValueError, AttributeError, RuntimeError, TypeError)
"""What a library that is not as expected may raise; MLX's own errors are among them."""

_SHAPES: Final = ((1, 1, 1), (5, 3, 4), (65, 130, 67))
_TEST_SIZE: Final = 512

_lock = threading.Lock()
_settled: list[Blas] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Blas:
    """Which BLAS multiplies MLX's matrices on the CPU.

    Attributes:
        name: What it is, such as ``OpenBLAS 0.3.34``.
        path: Its file; None where MLX does not say.
        slow: Whether it is known to be the reference BLAS of MLX's wheel.
        why: Why it is this one.
    """

    name: str
    path: Path | None
    slow: bool
    why: str


class _LeaveAloneError(Exception):
    """A reason to change nothing."""


def use_fast_blas(mx: ModuleType) -> Blas:
    """Makes MLX multiply with an OpenBLAS where that is safe, once per process; returns what it uses.

    Args:
        mx: The module ``mlx.core``.
    """
    with _lock:
        if not _settled:
            _settled.append(_settle(mx))
        return _settled[0]


def gigaflops(mx: ModuleType, size: int = _TEST_SIZE, times: int = 10) -> float:
    """Returns how fast MLX's default device multiplies two square float32 matrices, in GFLOP/s.

    Args:
        mx: The module ``mlx.core``.
        size: Rows of the matrices.
        times: How often to measure; the best counts.
    """
    one = mx.ones((size, size)) * 0.5
    mx.eval(one @ one)
    best_s = float("inf")
    for _ in range(times):
        begin_s = time.perf_counter()
        mx.eval(one @ one)
        best_s = min(best_s, time.perf_counter() - begin_s)
    return float(2 * size**3 / best_s / 1e9)


def _settle(mx: ModuleType) -> Blas:
    if sys.platform == "darwin":
        return Blas(name="Accelerate", path=None, slow=False, why="macOS brings it")
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}:
        return Blas(name="unknown", path=None, slow=False, why=f"{platform.platform()} is not looked into")
    try:
        slots = _Slots.of(mx)
    except (_LeaveAloneError, *_SURPRISES) as error:
        return Blas(name="unknown", path=None, slow=False, why=f"it was left alone: {error}")
    if not _BUNDLED.search(slots.provider.as_posix()):
        return Blas(name=slots.provider.name, path=slots.provider, slow=False, why="it was in use already")
    return _replace(mx, slots)


def _replace(mx: ModuleType, slots: _Slots) -> Blas:
    reasons = []
    if os.environ.get(SWITCH, "").strip().lower() == "off":
        reasons.append(f"{SWITCH} is off")
    else:
        for path, prefix in _candidates():
            try:
                version, addresses = _load(path, prefix)
                slots.point_at(addresses, mx)
            except OSError:
                reasons.append(f"{path.name} cannot be loaded")
            except (_LeaveAloneError, *_SURPRISES) as error:
                reasons.append(f"{path.name} is not used: {error}")
            else:
                name = "the extra fast-blas" if prefix else "the system's library"
                return Blas(name=f"OpenBLAS {version}", path=path, slow=False, why=f"{name} is installed")
    return Blas(
        name="reference BLAS of the MLX wheel",
        path=slots.provider,
        slow=True,
        why="; ".join(reasons) or "there is no other",
    )


def _candidates() -> Iterator[tuple[Path, str]]:
    """Yields libraries to try, with the prefix of their functions' names."""
    # Found without importing it, which would offer its functions to the whole process.
    spec = find_spec("scipy_openblas32")
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in sorted(Path(folder, "lib").glob("libscipy_openblas*.so")):
            yield path, "scipy_"
    yield Path("libopenblas.so.0"), ""


def _load(path: Path, prefix: str) -> tuple[str, dict[str, int]]:
    """Returns an OpenBLAS's version and the addresses of its functions."""
    library = ctypes.CDLL(str(path))
    config = getattr(library, f"{prefix}openblas_get_config")
    config.restype = ctypes.c_char_p
    version = _version(config().decode("ascii", "replace"))
    return version, {name: _address(library, prefix + name) for name in _FUNCTIONS}


def _version(config: str) -> str:
    """Returns the version in what an OpenBLAS says of itself, such as ``OpenBLAS 0.3.34 DYNAMIC_ARCH``."""
    words = config.split()
    if words[:1] != ["OpenBLAS"] or "USE64BITINT" in words:
        raise _LeaveAloneError(f"MLX passes integers of 32 bits, and it says {config!r}")
    return words[1]


def _address(library: ctypes.CDLL, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


class _Slots:
    """MLX's pointers to the functions of its BLAS.

    Attributes:
        provider: The library that they point into.
    """

    def __init__(self, slots: dict[str, ctypes.c_void_p], provider: Path) -> None:
        self._slots = slots
        self.provider = provider

    @classmethod
    def of(cls, mx: ModuleType) -> _Slots:
        """Returns the slots, found and proven to be what they seem.

        Raises:
            _LeaveAloneError: If anything is not as expected.
            OSError: If the system does not let us look.
            ValueError: If MLX's library is of an unknown form.
        """
        if not _products_are_exact(mx):  # also fills the slots, which the linker leaves for the first call
            raise _LeaveAloneError("MLX's own products are not exact")
        table = mappings()
        parts = [each for each in table if each.path.name == "libmlx.so"]
        if len({part.path for part in parts}) != 1 or parts[0].offset != 0:
            raise _LeaveAloneError("there is not exactly one libmlx.so in this process")
        library = parts[0].path
        if library.stat().st_ino != parts[0].inode:
            raise _LeaveAloneError(f"{library.name} was replaced since it was loaded")
        offsets = jump_slots(library, frozenset(_FUNCTIONS))
        if len(offsets) != len(_FUNCTIONS):
            raise _LeaveAloneError(f"{library.name} calls other functions than expected")
        places = {name: parts[0].start + offset for name, offset in offsets.items()}
        for place in places.values():
            _check_writable(parts, place)
        slots = {name: ctypes.c_void_p.from_address(place) for name, place in places.items()}
        return cls(slots, _provider(table, slots))

    def point_at(self, addresses: dict[str, int], mx: ModuleType) -> None:
        """Points the slots at other functions, and back again if these do not multiply exactly.

        Raises:
            _LeaveAloneError: If they do not.
        """
        before = {name: slot.value for name, slot in self._slots.items()}
        exact = False
        self._set(addresses)
        try:
            exact = _products_are_exact(mx)
        finally:
            if not exact:
                self._set(before)
        if not exact:
            raise _LeaveAloneError("its products are not exact")

    def _set(self, addresses: Any) -> None:
        for name, slot in self._slots.items():
            slot.value = addresses[name]


def _check_writable(parts: list[Mapping], place: int) -> None:
    if place % 8 or not any(part.holds(place) and part.permissions.startswith("rw") for part in parts):
        raise _LeaveAloneError("the pointers may not be written")


def _provider(table: list[Mapping], slots: dict[str, ctypes.c_void_p]) -> Path:
    """Returns the library that all slots point into, each at its function of that name."""
    values = {name: slot.value or 0 for name, slot in slots.items()}
    homes = {each.path for each in table for value in values.values() if each.holds(value, 1)}
    if len(homes) != 1:
        raise _LeaveAloneError("the pointers do not lead into one library")
    home = homes.pop()
    library = ctypes.CDLL(str(home))  # it is loaded already, this only names it
    if any(_address(library, name) != value for name, value in values.items()):
        raise _LeaveAloneError(f"the pointers are not those of {home.name}")
    return home


def _products_are_exact(mx: ModuleType) -> bool:
    """Whether products of small whole numbers are right in every type that MLX hands to a BLAS.

    They are compared with sums of products that no BLAS takes part in; small whole numbers leave nothing
    to round, in whatever order they are added.
    """
    return all(
        _product_is_exact(mx, dtype, *shape)
        for shape in _SHAPES
        for dtype in (mx.float32, mx.float64, mx.complex64)
    )


def _product_is_exact(mx: ModuleType, dtype: Any, rows: int, inner: int, columns: int) -> bool:
    with mx.stream(mx.cpu):
        left = (mx.arange(rows * inner) % 7 - 3).reshape(rows, inner).astype(dtype)
        right = (mx.arange(columns * inner) % 5 - 2).reshape(columns, inner).astype(dtype)
        if dtype == mx.complex64:
            left, right = left + 1j * left[::-1], right - 1j * right[::-1]
        product = left @ right.T
        by_hand = (left[:, None, :] * right[None, :, :]).sum(axis=-1)
        return bool(mx.all(product == by_hand).item())
