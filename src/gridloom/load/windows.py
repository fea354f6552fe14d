"""Which windows, in which order, in which batch: integers only.

A window is `context` rows that are seen, then `horizon` rows that are to be predicted, all of one split.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridloom.errors import ConfigError
from gridloom.files import digest_bytes

__all__ = ["Indexes", "WindowPlan"]

Indexes = npt.NDArray[np.int64]

_LEAST: Final = {
    "context": 1,
    "horizon": 1,
    "stride": 1,
    "batch_size": 1,
    "world_size": 1,
    "rank": 0,
    "seed": 0,
}


@dataclass(frozen=True, kw_only=True)
class WindowPlan:
    """The windows of one split, their order in every epoch, and the batches of one rank.

    With several ranks every rank gets the same number of windows, so that none waits for another one: what
    does not divide, fewer than `world_size` windows, is left out of the epoch. No window is given twice.

    Attributes:
        split: Name of the split.
        rows: Rows of the split.
        sequences: Sequences that lie one after the other, each of so many rows.
        context: Rows that are seen.
        horizon: Rows to predict, right after them.
        stride: Rows from one window to the next.
        batch_size: Windows of a batch.
        shuffle: Whether each epoch has an order of its own.
        seed: What the orders are drawn from.
        rank: This process.
        world_size: Processes.
        drop_last: Whether a last batch of fewer windows is left out.
    """

    split: str
    rows: int
    sequences: int
    context: int
    horizon: int
    stride: int
    batch_size: int
    shuffle: bool
    seed: int
    rank: int
    world_size: int
    drop_last: bool

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} has to be a whole number of {least} or more, got {value!r}.")
        if self.rank >= self.world_size:
            raise ConfigError(
                f"There is no rank {self.rank} among {self.world_size}: they are 0 to {self.world_size - 1}."
            )
        if self.length > self.rows:
            raise ConfigError(
                f"The split '{self.split}' has {self.rows:,} hours; a window of {self.context:,} hours of "
                f"context and {self.horizon:,} of horizon does not fit. Choose a shorter context or other "
                "splits."
            )
        if not self.batches:
            raise ConfigError(
                f"The split '{self.split}' has {self.windows:,} windows, too few for {self.world_size} ranks "
                f"with batches of {self.batch_size}. Choose fewer ranks, smaller batches or a smaller stride."
            )

    @property
    def length(self) -> int:
        """Rows of a window."""
        return self.context + self.horizon

    @property
    def windows_per_sequence(self) -> int:
        """Windows of one sequence."""
        return (self.rows - self.length) // self.stride + 1

    @property
    def windows(self) -> int:
        """Windows of all sequences, for all ranks."""
        return self.sequences * self.windows_per_sequence

    @property
    def batches(self) -> int:
        """Batches of an epoch, the same for every rank."""
        mine = self.windows // self.world_size
        return mine // self.batch_size if self.drop_last else -(-mine // self.batch_size)

    def order(self, epoch: int) -> Indexes:
        """Returns the numbers of this rank's windows in the order of an epoch."""
        if self.shuffle:
            # raw bits and a stable sort: NumPy promises the same bits for ever, but not the same shuffle
            numbers = _ranked(np.random.Philox([self.seed, epoch]).random_raw(self.windows))
        else:
            numbers = np.arange(self.windows)
        mine = numbers[self.rank :: self.world_size][: self.windows // self.world_size]
        return mine[: self.batches * self.batch_size]

    def starts(self, numbers: Indexes) -> tuple[Indexes, Indexes]:
        """Returns sequence and first row, counted within the split, of windows."""
        sequence, place = np.divmod(numbers, self.windows_per_sequence)
        return sequence, place * self.stride

    def digest(self) -> str:
        """Returns what tells this order of windows from others: every field but none of the data."""
        fields: dict[str, Any] = dataclasses.asdict(self)
        return digest_bytes(repr(sorted(fields.items())).encode())


def _ranked(bits: npt.NDArray[np.uint64]) -> Indexes:
    """Returns ``argsort(bits, kind="stable")``, for which many numbers are sorted with their places in them.

    The places take the lowest bits; if two numbers differ in no other, they are sorted the slow way.
    """
    lowest = np.uint64((1 << len(bits).bit_length()) - 1)
    packed = bits & ~lowest | np.arange(len(bits), dtype=np.uint64)
    packed.sort()
    highest = packed & ~lowest
    if (highest[1:] == highest[:-1]).any():
        return np.argsort(bits, kind="stable")
    return (packed & lowest).astype(np.int64)
