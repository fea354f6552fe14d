"""Which columns the matrix has: the series of a table that were asked for, and the calendar beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gridloom.errors import UnknownCodeError, did_you_mean
from gridloom.grid.hours import HourRange
from gridloom.grid.respondents import resolve
from gridloom.grid.series import ALL_OF, UNIT, parse_series, route_of
from gridloom.load.survey import Pair, Survey

__all__ = ["CALENDAR", "FORECAST", "Selection", "is_known_ahead", "select", "split_feature"]

CALENDAR: Final = (
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
    "doy_sin",
    "doy_cos",
    "holiday",
)
"""Calendar features of a respondent, in local time and in the order of the matrix."""

FORECAST: Final = "DF"
"""Series that is known a day ahead."""

_MOST_LISTED: Final = 12


@dataclass(frozen=True)
class Selection:
    """The columns of a matrix, respondent by respondent: its series, sorted, then its calendar.

    Attributes:
        pairs: Respondent and series (or name of a calendar feature) of each column.
        hours: First to last hour of the series in it.
    """

    pairs: tuple[Pair, ...]
    hours: HourRange

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns, such as ``PACW.NG.WND`` or ``PACW.hour_sin``."""
        return tuple(f"{respondent}.{rest}" for respondent, rest in self.pairs)

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each column; empty for the calendar."""
        return tuple("" if rest in CALENDAR else UNIT for _, rest in self.pairs)

    @property
    def respondents(self) -> tuple[str, ...]:
        """Respondents that have columns, sorted."""
        return tuple(dict.fromkeys(respondent for respondent, _ in self.pairs))


def split_feature(feature: str) -> Pair:
    """Returns respondent and series (or calendar feature) of a feature's name.

    Example:
        >>> split_feature("ERCO.NG.WND"), split_feature("PACW.hour_sin")
        (('ERCO', 'NG.WND'), ('PACW', 'hour_sin'))
    """
    respondent, _, rest = feature.partition(".")
    return respondent, rest


def is_known_ahead(series: str) -> bool:
    """Returns whether a series or calendar feature is known for hours to come."""
    return series in CALENDAR or series == FORECAST


def select(
    survey: Survey, respondents: Sequence[str] | None, series: Sequence[str] | None, *, calendar: bool
) -> Selection:
    """Returns the columns for what was asked for; None asks for all that the table has.

    Args:
        survey: What the table holds.
        respondents: Codes.
        series: Names; ``NG.all`` and its like stand for every one that the table has.
        calendar: Whether each respondent gets its calendar features.

    Raises:
        UnknownCodeError: For a code or name that the table does not have, and where nothing is left.
    """
    codes = survey.respondents if respondents is None else _respondents(survey, respondents)
    names = survey.series if series is None else _series(survey, series)
    pairs = [(code, name) for code in codes for name in names if (code, name) in survey.lives]
    if not pairs:
        raise UnknownCodeError(
            f"{survey.path} has none of the series {', '.join(names)} for {', '.join(codes)}. "
            f"It has {_listed(f'{code} {name}' for code, name in survey.lives)}."
        )
    lives = [survey.lives[pair] for pair in pairs]
    hours = HourRange(min(life.start for life in lives), max(life.stop for life in lives))
    if calendar:
        pairs += [(code, name) for code in dict.fromkeys(code for code, _ in pairs) for name in CALENDAR]
        order = {code: place for place, code in enumerate(codes)}
        pairs.sort(key=lambda pair: (order[pair[0]], pair[1] in CALENDAR))
    return Selection(tuple(pairs), hours)


def _respondents(survey: Survey, asked: Sequence[str]) -> tuple[str, ...]:
    codes, _, _ = resolve(list(asked))
    for code in codes:
        if code not in survey.respondents:
            raise UnknownCodeError(
                f"{survey.path} has no respondent '{code}'.{did_you_mean(code, survey.respondents)} "
                f"It has {_listed(survey.respondents)}."
            )
    return tuple(sorted(codes))


def _series(survey: Survey, asked: Sequence[str]) -> tuple[str, ...]:
    # What the table has is a series, whether our tables of codes know it or not.
    names = {name for name in asked if name in survey.series}
    others = [name for name in asked if name not in names]
    for name in parse_series(others) if others or not names else ():
        found = [name] if name in survey.series else []
        if name in ALL_OF.values():
            found = [each for each in survey.series if ALL_OF.get(route_of(each).id) == name]
        if not found:
            raise UnknownCodeError(
                f"{survey.path} has no series '{name}'.{did_you_mean(name, survey.series)} "
                f"It has {_listed(survey.series)}."
            )
        names.update(found)
    return tuple(sorted(names))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    rest = len(known) - _MOST_LISTED
    return ", ".join(known[:_MOST_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")
