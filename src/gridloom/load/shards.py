"""A matrix of hours cut into the shards of ranks, block by block, and put together again.

`gridloom.layout` says which steps a rank holds; here they are taken from the arrays of a dataset, which may
be memory maps: a block at a time is copied, so that a longer sequence needs no more memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridloom.errors import FileFormatError
from gridloom.layout import PADDING, Split
from gridloom.load.sequences import ABSENT
from gridloom.load.tensor_file import Streamed

__all__ = ["Array", "shard", "unshard"]

Array = npt.NDArray[Any]

_BLOCK_ITEMS: Final = 1 << 18


def shard(
    arrays: Mapping[str, Array],
    split: Split,
    rank: int,
    columns: npt.NDArray[np.int64],
    *,
    on_block: Callable[[], None] = lambda: None,
) -> dict[str, Array | Streamed]:
    """Returns what a rank holds: values, mask, time and positions, each to be streamed.

    Padding has position -1, mask 0, time 0 and values of 0; so have features that are `ABSENT`, but for
    position and time.

    Args:
        arrays: ``values`` and ``mask`` [time, feature] and ``time`` [time] of a dataset, of which the first
            `split.length` steps are taken.
        split: Which steps the rank holds.
        rank: The rank.
        columns: Columns to take: [feature] for values [step, feature], or [sequence, feature] for values
            [sequence, step, feature].
        on_block: Called whenever a block of values or of the mask was taken.
    """
    shape = (*columns.shape[:-1], split.rank_length, columns.shape[-1])
    held: dict[str, Array | Streamed] = {
        name: Streamed(
            arrays[name].dtype, shape, _matrix_blocks(arrays[name], split, rank, columns, on_block)
        )
        for name in ("values", "mask")
    }
    for name, per_step in (("time", arrays["time"]), ("positions", None)):
        held[name] = Streamed(np.dtype(np.int64), (split.rank_length,), _step_blocks(per_step, split, rank))
    return held


def _matrix_blocks(
    array: Array,
    split: Split,
    rank: int,
    columns: npt.NDArray[np.int64],
    on_block: Callable[[], None],
) -> Iterator[Array]:
    for chosen in np.atleast_2d(columns):
        there = chosen != ABSENT
        for steps, padding in _blocks(split, rank, width=len(chosen)):
            block = np.zeros((len(steps) + padding, len(chosen)), array.dtype)
            block[: len(steps), there] = array[steps.start : steps.stop : steps.step][:, chosen[there]]
            on_block()
            yield block


def _step_blocks(array: Array | None, split: Split, rank: int) -> Iterator[Array]:
    """Yields an item per step, or its position where there is no array."""
    for steps, padding in _blocks(split, rank, width=1):
        block = np.full(len(steps) + padding, PADDING if array is None else 0, np.int64)
        span = (steps.start, steps.stop, steps.step)
        block[: len(steps)] = np.arange(*span) if array is None else array[slice(*span)]
        yield block


def _blocks(split: Split, rank: int, width: int) -> Iterator[tuple[range, int]]:
    """Yields the steps of a rank in pieces, each with the padding that follows it."""
    most = max(1, _BLOCK_ITEMS // max(1, width))
    for run in split.runs(rank):
        for begin in range(0, len(run.steps), most):
            yield run.steps[begin : begin + most], 0
        for begin in range(0, run.padding, most):
            yield range(0), min(most, run.padding - begin)


def unshard(shards: Sequence[Mapping[str, Array]], length: int) -> dict[str, Array]:
    """Returns the arrays of the whole sequence: the inverse of `shard` on all ranks, in any order.

    Args:
        shards: ``values``, ``mask``, ``time`` and ``positions`` of every rank.
        length: Steps of the sequence.

    Raises:
        FileFormatError: If a step is on no rank or on two.
    """
    held = np.concatenate([each["positions"] for each in shards])
    counts = np.bincount(held[held != PADDING], minlength=length)
    if len(counts) != length or (counts != 1).any():
        wrong = int(np.flatnonzero(counts != 1)[0]) if len(counts) == length else len(counts) - 1
        raise FileFormatError(
            f"The shards do not make a sequence of {length:,} steps: step {wrong:,} is on "
            f"{int(counts[wrong])} ranks. Give all shards of one folder."
        )
    whole: dict[str, Array] = {}
    for name, axis in (("values", -2), ("mask", -2), ("time", 0)):
        first = shards[0][name]
        shape = list(first.shape)
        shape[axis] = length
        whole[name] = np.empty(shape, first.dtype)
        for each in shards:
            real = each["positions"] != PADDING
            places = each["positions"][real]
            if axis == 0:
                whole[name][places] = each[name][real]
            else:
                whole[name][..., places, :] = each[name][..., real, :]
    return whole
