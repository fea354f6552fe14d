"""Batches of windows: a plain ``for`` loop over them, which can be left and taken up again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np

from gridloom.errors import ConfigError
from gridloom.load.backends import Backend, Output, backend_of
from gridloom.load.cut import Part
from gridloom.load.scale import Scaler
from gridloom.load.sequences import Sequences
from gridloom.load.wide import Times, Values
from gridloom.load.windows import Indexes, WindowPlan

__all__ = ["Batch", "Windows"]

ArrayT = TypeVar("ArrayT")


@dataclass(frozen=True)
class Batch(Generic[ArrayT]):
    """Some windows. A mask is uint8, 1 where a value is there; where it is 0, so is the value.

    Attributes:
        context: What is seen [window, context, feature].
        context_mask: Its mask.
        target: What is to be predicted, the hours right after it [window, horizon, target].
        target_mask: Its mask.
        known: What is known of those hours: calendar and day-ahead forecast [window, horizon, known].
        known_mask: Its mask.
        time: First hour of each target, seconds since 1970, its END [window]; always NumPy.
        sequence: Number of each window's sequence [window]; always NumPy.
    """

    context: ArrayT
    context_mask: ArrayT
    target: ArrayT
    target_mask: ArrayT
    known: ArrayT
    known_mask: ArrayT
    time: Times
    sequence: Indexes

    def __len__(self) -> int:
        return len(self.sequence)


class Windows:
    """The windows of a split in batches; what `GridDataset.windows` returns.

    Each ``for`` loop is one epoch. An epoch that is left early begins anew, unless its state was taken by
    `state_dict` and given back by `load_state_dict`.
    """

    def __init__(
        self,
        part: Part,
        plan: WindowPlan,
        layout: Sequences,
        targets: tuple[int, ...],
        times: Times,
        *,
        memory_bytes: float,
        output: Output = "mlx",
    ) -> None:
        self._part, self._plan, self._layout, self._times = part, plan, layout, times
        self._targets, self._memory_bytes, self._output = targets, memory_bytes, output
        self._epoch, self._batch, self._resumed = 0, 0, False

    def __len__(self) -> int:
        """Returns the batches of an epoch."""
        return self._plan.batches

    @property
    def windows(self) -> int:
        """Windows of an epoch, of all ranks."""
        return self._plan.windows

    @property
    def features(self) -> tuple[str, ...]:
        """Names on the context's last axis."""
        return self._layout.features

    @property
    def target_features(self) -> tuple[str, ...]:
        """Names on the target's last axis."""
        return tuple(self.features[place] for place in self._targets)

    @property
    def known_features(self) -> tuple[str, ...]:
        """Names on the last axis of what is known ahead."""
        return tuple(self.features[place] for place in self._layout.known)

    @property
    def sequences(self) -> tuple[str, ...]:
        """Names of the sequences, by the numbers in `Batch.sequence`."""
        return self._layout.names

    def to_numpy(self) -> Windows:
        """Returns the same windows, from the same place on, as NumPy arrays."""
        return self._as("numpy")

    def to_torch(self) -> Windows:
        """Returns the same windows, from the same place on, as PyTorch tensors."""
        return self._as("torch")

    def physical(self, target: Any, sequence: Indexes) -> Values:
        """Returns scaled targets, or predictions of them, in physical units, as a NumPy array.

        Args:
            target: [window, horizon, target], scaled.
            sequence: `Batch.sequence`.
        """
        scaled = np.asarray(target, np.float32)
        if self._part.scalers is None:
            return scaled
        mine = [scaler.of(self._targets) for scaler in self._part.scalers]
        center, scale = (np.stack([getattr(each, name) for each in mine]) for name in ("center", "scale"))
        return Scaler(center[sequence][:, None], scale[sequence][:, None]).inverse(scaled)

    def state_dict(self) -> dict[str, Any]:
        """Returns where the loop stands, as JSON-able values: epoch and batches given."""
        return {"epoch": self._epoch, "batch": self._batch, "windows": self._plan.digest()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Makes the next loop go on where a state was taken.

        Raises:
            ConfigError: If the state is of other windows.
        """
        if state.get("windows") != self._plan.digest():
            raise ConfigError(
                "This state was taken from windows of another split, shape, batch size, seed or rank. Give "
                "windows() the same arguments as then."
            )
        self._epoch, self._batch, self._resumed = int(state["epoch"]), int(state["batch"]), True

    def __iter__(self) -> Iterator[Batch[Any]]:
        plan, size = self._plan, self._plan.batch_size
        backend, epoch = self._backend, self._epoch
        first = self._batch if self._resumed else 0
        self._resumed = False
        numbers = plan.order(epoch)
        for place in range(first, len(self)):
            sequence, row = plan.starts(numbers[place * size : (place + 1) * size])
            self._epoch, self._batch = epoch, place + 1
            yield self._split(backend, sequence, row)
        self._epoch, self._batch = epoch + 1, 0

    def _split(self, backend: Backend, sequence: Indexes, row: Indexes) -> Batch[Any]:
        """Returns windows cut into what is seen, what is to be predicted, and what is known of it."""
        seen = self._plan.context
        values, mask = backend.cut(sequence, row)
        later, later_mask = values[:, seen:], mask[:, seen:]
        target, known = self._targets, self._layout.known
        return Batch(
            context=values[:, :seen],
            context_mask=mask[:, :seen],
            target=backend.take(later, target),
            target_mask=backend.take(later_mask, target),
            known=backend.take(later, known),
            known_mask=backend.take(later_mask, known),
            time=self._times[row + seen],
            sequence=sequence,
        )

    @cached_property
    def _backend(self) -> Backend:
        return backend_of(self._output, self._part, self._plan.length, self._memory_bytes)

    def _as(self, output: Output) -> Windows:
        other = Windows(
            self._part,
            self._plan,
            self._layout,
            self._targets,
            self._times,
            memory_bytes=self._memory_bytes,
            output=output,
        )
        other._epoch, other._batch, other._resumed = self._epoch, self._batch, self._batch > 0
        return other
