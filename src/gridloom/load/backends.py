"""How windows become arrays: NumPy and PyTorch by one copy of each window, MLX where the model runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gridloom.errors import MissingExtraError
from gridloom.load.cut import Cut, Part, index_of, ready
from gridloom.load.mlx_runtime import import_mlx
from gridloom.load.windows import Indexes

__all__ = ["Backend", "Output", "backend_of"]

Output = Literal["mlx", "numpy", "torch"]


@dataclass(frozen=True)
class Backend:
    """What a loop over windows needs of an array library.

    Attributes:
        cut: Cuts the windows of a batch.
        take: Takes an array and places on its last axis, and gives those.
    """

    cut: Cut
    take: Callable[[Any, tuple[int, ...]], Any]


def backend_of(output: Output, part: Part, length: int, memory_bytes: float) -> Backend:
    """Returns how the windows of a part are made.

    Args:
        output: The library of the arrays.
        part: A split of a dataset.
        length: Rows of a window.
        memory_bytes: A split of at most so many bytes is held in memory, scaled; a larger one is read from
            the map, window by window.

    Raises:
        MissingExtraError: If the library is not installed.
    """
    fits = part.ready_bytes <= memory_bytes
    if output == "mlx":
        return _mlx(part, length, fits=fits)
    cut = (ready(part) if fits or part.is_plain else part).cutter(length)
    return Backend(cut, _take) if output == "numpy" else _torch(cut)


def _mlx(part: Part, length: int, *, fits: bool) -> Backend:
    import_mlx("A loop over windows as MLX arrays (.to_numpy() and .to_torch() give others)")
    from gridloom.load.mlx_arrays import mapped, on_device, take

    return Backend(on_device(ready(part), length) if fits else mapped(part, length), take)


def _take(array: Any, places: tuple[int, ...]) -> Any:
    return array[..., index_of(places)]


def _torch(cut: Cut) -> Backend:
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtraError(
            "A loop over windows as PyTorch tensors needs torch, which is not installed. "
            "Run: pip install torch"
        ) from None

    def tensors(sequence: Indexes, row: Indexes) -> tuple[Any, Any]:
        values, mask = cut(sequence, row)
        return torch.from_numpy(values), torch.from_numpy(mask)

    return Backend(tensors, _take)
