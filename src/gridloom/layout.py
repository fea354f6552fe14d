"""A sequence split over ranks: contiguous, striped or zigzag, padded to equal length, exactly undone.

Integers only: what stands where. The sequence is padded at its end to a multiple of the ranks (of twice
the ranks for zigzag), then dealt out. With 8 steps on 2 ranks:

=============  ============  ============  ====================================================
layout         rank 0        rank 1        under causal attention
=============  ============  ============  ====================================================
``contiguous``  0 1 2 3      4 5 6 7       the last rank does most of the work
``striped``     0 2 4 6      1 3 5 7       even; every block is a triangle
``zigzag``      0 1 6 7      2 3 4 5       even; off the diagonal every block is whole
=============  ============  ============  ====================================================

Contiguous blocks are those of ring attention (Liu, Zaharia and Abbeel 2023, arXiv:2310.01889), stripes
those of Brandon et al. 2023 (arXiv:2311.09431), and the zigzag is that of Zhu's ring-flash-attention
(github.com/zhuzilin/ring-flash-attention): rank r of N holds chunks r and 2N-1-r of 2N.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from gridloom.errors import ConfigError

__all__ = ["PADDING", "Layout", "Run", "Split"]

T = TypeVar("T")

PADDING: Final = -1
"""The position of a step that is padding."""


class Layout(StrEnum):
    """How the steps of a sequence are dealt out to ranks."""

    CONTIGUOUS = "contiguous"
    """Rank r holds the r-th of N chunks."""

    STRIPED = "striped"
    """Rank r holds steps r, r + N, r + 2N, …"""

    ZIGZAG = "zigzag"
    """Rank r holds chunks r and 2N-1-r of 2N."""


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of one rank's shard: evenly spaced steps of the sequence, then padding.

    Attributes:
        steps: Positions in the sequence.
        padding: How many steps of padding follow.
    """

    steps: range
    padding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A sequence of `length` steps on `ranks` ranks.

    Every step stands on exactly one rank, and all ranks hold equally many steps, padding included. Where a
    contiguous split has few steps, its last ranks may hold nothing else.

    Attributes:
        length: Steps of the sequence.
        ranks: Ranks, at most one per step.
        layout: How the steps are dealt out.

    Raises:
        ConfigError: If there is no rank, or more of them than steps.

    Example:
        >>> split = Split(length=7, ranks=2, layout=Layout.ZIGZAG)
        >>> split.padded_length, split.positions(0), split.positions(1)
        (8, [0, 1, 6, -1], [2, 3, 4, 5])
    """

    length: int
    ranks: int
    layout: Layout

    def __post_init__(self) -> None:
        if self.ranks < 1:
            raise ConfigError(f"A sequence cannot be split over {self.ranks} ranks. Give 1 or more.")
        if self.ranks > self.length:
            raise ConfigError(
                f"{self.ranks:,} ranks are more than the {self.length:,} steps of the sequence. "
                f"Give {self.length:,} ranks or fewer."
            )

    @property
    def rank_length(self) -> int:
        """Steps of each rank, padding included."""
        return self._chunk * (2 if self.layout is Layout.ZIGZAG else 1)

    @property
    def padded_length(self) -> int:
        """Steps of all ranks together, padding included."""
        return self.rank_length * self.ranks

    @property
    def _chunk(self) -> int:
        """Steps of one chunk: there are as many chunks as ranks, twice as many in a zigzag."""
        chunks = self.ranks * (2 if self.layout is Layout.ZIGZAG else 1)
        return -(-self.length // chunks)

    def runs(self, rank: int) -> tuple[Run, ...]:
        """Returns what a rank holds, in its order; together the runs are `rank_length` long.

        Raises:
            ConfigError: If there is no such rank.
        """
        if not 0 <= rank < self.ranks:
            raise ConfigError(f"There is no rank {rank} of {self.ranks}. Ranks are 0 to {self.ranks - 1}.")
        size = self._chunk
        if self.layout is Layout.STRIPED:
            padded = [range(rank, self.padded_length, self.ranks)]
        else:
            chunks = [rank, 2 * self.ranks - 1 - rank] if self.layout is Layout.ZIGZAG else [rank]
            padded = [range(chunk * size, (chunk + 1) * size) for chunk in chunks]
        runs = []
        for steps in padded:
            real = range(min(steps.start, self.length), min(steps.stop, self.length), steps.step)
            runs.append(Run(real, len(steps) - len(real)))
        return tuple(runs)

    def positions(self, rank: int) -> list[int]:
        """Returns the position in the sequence of each step that a rank holds, `PADDING` for padding.

        Raises:
            ConfigError: If there is no such rank.
        """
        return [place for run in self.runs(rank) for place in (*run.steps, *[PADDING] * run.padding)]

    def shard(self, sequence: Sequence[T], rank: int, padding: T) -> list[T]:
        """Returns the items of a sequence that a rank holds.

        Args:
            sequence: `length` items.
            rank: The rank.
            padding: What stands for an item that is none.

        Raises:
            ConfigError: If the sequence has another length, or there is no such rank.
        """
        self._check("the sequence", len(sequence), self.length)
        return [padding if place == PADDING else sequence[place] for place in self.positions(rank)]

    def unshard(self, shards: Sequence[Sequence[T]]) -> list[T]:
        """Returns the sequence that was dealt out: the inverse of `shard` on all ranks in order.

        Raises:
            ConfigError: If there are not as many shards as ranks, or one has not `rank_length` items.
        """
        self._check("the list of shards", len(shards), self.ranks)
        items: dict[int, T] = {}
        for rank, held in enumerate(shards):
            self._check(f"the shard of rank {rank}", len(held), self.rank_length)
            items.update(zip(self.positions(rank), held, strict=True))
        return [items[place] for place in range(self.length)]

    @staticmethod
    def _check(what: str, got: int, want: int) -> None:
        if got != want:
            raise ConfigError(f"{what.capitalize()} has {got:,} items instead of {want:,}.")
