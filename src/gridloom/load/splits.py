"""Training, validation and test: three spans of hours, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from gridloom.errors import ConfigError
from gridloom.grid.hours import HOUR, HourRange, parse_label

__all__ = ["SPLITS", "SplitName", "Splits", "check_window", "split_hours"]

SplitName = Literal["train", "valid", "test"]
SPLITS: Final[tuple[SplitName, ...]] = ("train", "valid", "test")

_TRAIN_SHARE: Final = 0.7
_VALID_SHARE: Final = 0.15
_DAY: Final = 24


@dataclass(frozen=True)
class Splits:
    """Rows of the matrix: training, then validation, then test; each may be cut into windows by itself.

    Attributes:
        train_stop: Row after the last one of training, which starts at row 0.
        valid_stop: Row after the last one of validation.
        steps: Rows of the matrix, where the test span ends.
    """

    train_stop: int
    valid_stop: int
    steps: int

    def rows(self, split: SplitName) -> range:
        """Returns the rows of a split; empty where it has none."""
        edges = (0, self.train_stop, self.valid_stop, self.steps)
        place = SPLITS.index(split)
        return range(edges[place], edges[place + 1])


def split_hours(hours: HourRange, ends: tuple[str, str] | None) -> Splits:
    """Returns the splits of some hours.

    Args:
        hours: The hours of the matrix.
        ends: Labels of the last hours of training and of validation, both inclusive. None gives training
            70 % and validation 15 % of the hours, in whole days where there are enough.

    Raises:
        ConfigError: If the ends are out of order or outside of the hours.
    """
    steps = len(hours)
    if ends is None:
        day = _DAY if steps >= _DAY / _VALID_SHARE else 1
        train = max(1, int(steps * _TRAIN_SHARE) // day * day)
        valid = max(1, int(steps * _VALID_SHARE) // day * day)
        return Splits(train, min(steps, train + valid), steps)
    train_end, valid_end = map(parse_label, ends)
    for name, end in (("Training", train_end), ("Validation", valid_end)):
        if end not in hours:
            raise ConfigError(
                f"{name} is to end at {end.isoformat()[:13]}, which lies outside of the data ({hours}). "
                "Give --splits two hours within it."
            )
    if train_end >= valid_end:
        raise ConfigError(
            f"Training is to end at {ends[0]}, but validation ends at {ends[1]}, which is not after it. "
            "Give --splits as train_end,valid_end in this order."
        )
    return Splits((train_end - hours.start) // HOUR + 1, (valid_end - hours.start) // HOUR + 1, steps)


def check_window(splits: Splits, context: int, horizon: int) -> None:
    """Raises unless the training span holds at least one window.

    Raises:
        ConfigError: With how long a window may be.
    """
    if context + horizon > splits.train_stop:
        raise ConfigError(
            f"A window of {context:,} hours of context and {horizon:,} of horizon is longer than the "
            f"training span of {splits.train_stop:,} hours ({splits.steps:,} in all). Choose a shorter "
            "--context, later --splits, or a table of more hours."
        )
