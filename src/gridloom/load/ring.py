"""`RingShard`: what one rank holds, mapped from disk; and the whole sequence from all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from gridloom.errors import ConfigError, FileFormatError
from gridloom.extras import need
from gridloom.load.mlx_runtime import import_mlx
from gridloom.load.ring_card import RingLayout, read_layout, shard_name

if TYPE_CHECKING:
    from gridloom.load.shards import Array
    from gridloom.load.wide import Mask, Times, Values

__all__ = ["RingShard", "join_shards"]

_ARRAYS: Final = ("values", "mask", "time", "positions")


@dataclass(frozen=True)
class RingShard:
    """What one rank holds, mapped from disk: nothing is read until it is used.

    Where each respondent is a sequence, `values` and `mask` have one more index in front.

    Attributes:
        path: The file.
        rank: The rank.
        layout: What all shards have in common.
        values: float32 [step, feature] in physical units; 0 where nothing is there.
        mask: uint8 [step, feature]; 1 where a value is there.
        time: int64 [step], seconds since 1970, the END of the hour; 0 for padding.
        positions: int64 [step], position in the whole sequence; -1 for padding.
    """

    path: Path
    rank: int
    layout: RingLayout
    values: Values
    mask: Mask
    time: Times
    positions: Times

    @classmethod
    def open(cls, folder: Path | str, rank: int) -> Self:
        """Returns the shard of a rank in a folder.

        Args:
            folder: A folder that ``gridloom ring prep`` made.
            rank: The rank, from 0.

        Raises:
            MissingExtraError: If NumPy is not installed.
            FileFormatError: If the folder or the file is not what it should be.
            ConfigError: If there is no such rank.
            StorageError: If it cannot be read.
        """
        need("tensors", "A ring shard")
        from gridloom.load.tensor_file import map_tensors

        layout = read_layout(Path(folder))
        if not 0 <= rank < layout.ranks:
            raise ConfigError(
                f"{folder} has no rank {rank}. It has {layout.ranks} shards: 0 to {layout.ranks - 1}."
            )
        path = Path(folder) / shard_name(rank, layout.ranks)
        found = map_tensors(path)
        if found.metadata.get("layout") != layout.text:
            raise FileFormatError(
                f"{path} does not belong to the layout.json beside it. Run `gridloom ring prep` again."
            )
        return cls(path, rank, layout, **{name: found.arrays[name] for name in _ARRAYS})

    def to_mlx(self) -> dict[str, Any]:
        """Returns values, mask, time and positions as ``mx.array``, copied.

        Raises:
            MissingExtraError: If MLX is not installed.
        """
        mx = import_mlx("RingShard.to_mlx")
        return {name: mx.array(getattr(self, name)) for name in _ARRAYS}


def join_shards(folder: Path | str) -> dict[str, Array]:
    """Returns values, mask and time of the whole sequence, put together from all shards of a folder.

    Raises:
        MissingExtraError: If NumPy is not installed.
        FileFormatError: If a shard is missing or damaged.
        StorageError: If one cannot be read.
    """
    need("tensors", "A sequence")
    from gridloom.load.shards import unshard

    layout = read_layout(Path(folder))
    shards = [RingShard.open(folder, rank) for rank in range(layout.ranks)]
    return unshard([{name: getattr(each, name) for name in _ARRAYS} for each in shards], layout.length)
