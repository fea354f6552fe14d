"""One matrix read as one sequence of all features, or as one sequence for each respondent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from gridloom.errors import ConfigError, UnknownCodeError, did_you_mean
from gridloom.load.select import CALENDAR, is_known_ahead, split_feature

__all__ = ["ABSENT", "By", "Sequences", "sequences_of"]

By = Literal["joint", "respondent"]

ABSENT: Final = -1
"""In the columns of a sequence: a feature that it does not have."""


@dataclass(frozen=True)
class Sequences:
    """Which sequences there are, and what their features are.

    Attributes:
        names: Names of the sequences.
        features: Names of the features, the same for every sequence.
        series: Series or calendar feature behind each feature.
        columns: Columns of the matrix [sequence][feature]; `ABSENT` where a sequence lacks a feature.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    series: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]

    @cached_property
    def known(self) -> tuple[int, ...]:
        """Places of the features that are known ahead."""
        return tuple(place for place, series in enumerate(self.series) if is_known_ahead(series))

    def targets(self, asked: Sequence[str] | None) -> tuple[int, ...]:
        """Returns the places of the features to predict; a series stands for all that are of it.

        Args:
            asked: Names of features or series; None for all that is not known ahead.

        Raises:
            UnknownCodeError: If a name is neither, or none is left.
        """
        if asked is None:
            chosen = {place: None for place in range(len(self.features)) if place not in self.known}
        else:
            chosen = {place: None for name in asked for place in self._places(name)}
        if not chosen:
            raise UnknownCodeError(
                "There is nothing to predict: every feature is known ahead. Name targets, such as DF, or "
                "load other series."
            )
        return tuple(chosen)

    def _places(self, name: str) -> list[int]:
        both = enumerate(zip(self.features, self.series, strict=True))
        places = [place for place, names in both if name in names]
        if not places:
            valid = dict.fromkeys((*self.series, *self.features))
            raise UnknownCodeError(
                f"'{name}' is no feature of this dataset.{did_you_mean(name, valid)} "
                f"Series in it are {', '.join(dict.fromkeys(self.series))}."
            )
        return places


def sequences_of(features: Sequence[str], by: By) -> Sequences:
    """Returns the sequences of a matrix with these features.

    Raises:
        ConfigError: If `by` is neither ``joint`` nor ``respondent``.

    Example:
        >>> sequences_of(["A.D", "A.TI", "B.D"], "respondent").columns
        ((0, 1), (2, -1))
    """
    pairs = [split_feature(feature) for feature in features]
    if by == "joint":
        series = tuple(name for _, name in pairs)
        return Sequences(("joint",), tuple(features), series, (tuple(range(len(pairs))),))
    if by != "respondent":
        raise ConfigError(f"by has to be 'joint' or 'respondent', got {by!r}.")
    found = dict.fromkeys(name for _, name in pairs)
    names = (*sorted(found.keys() - set(CALENDAR)), *(name for name in CALENDAR if name in found))
    places = {pair: column for column, pair in enumerate(pairs)}
    codes = tuple(dict.fromkeys(code for code, _ in pairs))
    columns = tuple(tuple(places.get((code, name), ABSENT) for name in names) for code in codes)
    return Sequences(codes, names, names, columns)
