"""How windows become arrays: NumPy and PyTorch by one copy of each window, MLX where the model runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gridloom.errors import MissingExtraError
from gridloom.load.cut import Part, index_of, ready
from gridloom.load.mlx_runtime import import_mlx
from gridloom.load.windows import Indexes

__all__ = ["Backend", "Output", "backend_of"]

Output = Literal["mlx", "numpy", "torch"]


@dataclass(frozen=True)
class Backend:
    """What a loop over windows needs of an array library.

    Attributes:
        cut: Takes sequences, first rows and a length; gives windows [window, length, feature] and masks.
        take: Takes an array and places on its last axis, and gives those.
    """

    cut: Callable[[Indexes, Indexes, int], tuple[Any, Any]]
    take: Callable[[Any, tuple[int, ...]], Any]


def backend_of(output: Output, part: Part, memory_bytes: float) -> Backend:
    """Returns how the windows of a part are made.

    Args:
        output: The library of the arrays.
        part: A split of a dataset.
        memory_bytes: A split of at most so many bytes is held in memory, scaled; a larger one is read from
            the map, window by window.

    Raises:
        MissingExtraError: If the library is not installed.
    """
    fits = part.ready_bytes <= memory_bytes
    if output == "mlx":
        return _mlx(part, fits=fits)
    cut = ready(part).cut if fits or part.is_plain else part.cut
    return Backend(cut, _take) if output == "numpy" else _torch(cut)


def _mlx(part: Part, *, fits: bool) -> Backend:
    import_mlx("A loop over windows as MLX arrays (.to_numpy() and .to_torch() give others)")
    from gridloom.load.mlx_arrays import mapped, on_device, take

    return Backend(on_device(ready(part)).cut if fits else mapped(part), take)


def _take(array: Any, places: tuple[int, ...]) -> Any:
    return array[..., index_of(places)]


def _torch(cut: Callable[[Indexes, Indexes, int], tuple[Any, Any]]) -> Backend:
    try:
        import torch
    except ModuleNotFoundError:
        raise MissingExtraError(
            "A loop over windows as PyTorch tensors needs torch, which is not installed. "
            "Run: pip install torch"
        ) from None

    def tensors(sequence: Indexes, row: Indexes, length: int) -> tuple[Any, Any]:
        values, mask = cut(sequence, row, length)
        return torch.from_numpy(values), torch.from_numpy(mask)

    return Backend(tensors, _take)
