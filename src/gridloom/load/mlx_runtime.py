"""MLX, made ready when it is needed: installed, loadable, and with a BLAS that is fast."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType

import msgspec

from gridloom.errors import MissingExtraError
from gridloom.extras import need
from gridloom.load.blas import Blas, gigaflops, use_fast_blas

__all__ = ["MlxReport", "import_mlx", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MlxReport:
    """How MLX does here.

    Attributes:
        version: Its version.
        device: Where it computes: ``cpu`` or ``gpu``.
        blas: What multiplies its matrices on the CPU.
        gflops: GFLOP/s measured in a product of two float32 matrices on the device.
    """

    version: str
    device: str
    blas: Blas
    gflops: float


def import_mlx(what: str) -> ModuleType:
    """Returns the module ``mlx.core``.

    Args:
        what: What needs it, as the subject of the message.

    Raises:
        MissingExtraError: If it is not installed, or without the backend that it needs on Linux.
    """
    need("mlx", what)
    try:
        from gridloom.load.mlx_arrays import mx
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs MLX, which is installed but cannot be loaded ({error}). "
            "Run: pip install 'gridloom[mlx]'"
        ) from error
    use_fast_blas(mx)
    return mx


def report() -> MlxReport:
    """Returns how MLX does here, after a few small products.

    Raises:
        MissingExtraError: If it is not installed.
    """
    mx = import_mlx("The report")
    return MlxReport(
        version=metadata.version("mlx"),
        device="gpu" if mx.default_device() == mx.gpu else "cpu",
        blas=use_fast_blas(mx),
        gflops=round(gigaflops(mx), 1),
    )


if __name__ == "__main__":  # for those who ask in a process of its own
    try:
        sys.stdout.buffer.write(msgspec.json.encode(report(), enc_hook=str))
    except MissingExtraError as missing:
        sys.exit(str(missing))
