"""What can go wrong on purpose: names of faults, what each does, and how a specification is read.

Everything is off by default. The same seed gives the same faults: those of an answer depend on the
number of the request, those of a window on what it asks for, those of the data on the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self

from gridloom.errors import ConfigError, did_you_mean

__all__ = ["FAULT_NAMES", "Faults", "fault_help"]

_PROBABILITY: Final = "a probability from 0 to 1"
_COUNT: Final = "a whole number, 0 or more"
_AMOUNT: Final = "a number, 0 or more"


def _setting(default: float | None, allowed: str, group: str, meaning: str) -> Any:
    return field(default=default, metadata={"allowed": allowed, "group": group, "meaning": meaning})


def _answer(meaning: str) -> Any:
    return _setting(0.0, _PROBABILITY, "answer", meaning)


def _window(meaning: str) -> Any:
    return _setting(0.0, _PROBABILITY, "window", meaning)


def _row(meaning: str) -> Any:
    return _setting(0.0, _PROBABILITY, "data", meaning)


def _tune(default: float, allowed: str, meaning: str) -> Any:
    return _setting(default, allowed, "tuning", meaning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults of a stand-in server; ``Faults()`` has none.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> Faults.parse("http500=0.3,seed=7") == Faults(http500=0.3, seed=7)
        True
    """

    http500: float = _answer('500 with the text "Something unexpected happened."')
    html502: float = _answer("502 with an HTML page")
    html503: float = _answer("503 with an HTML page")
    html504: float = _answer("504 with an HTML page")
    html200: float = _answer("200 with the HTML page of a proxy")
    notfound500: float = _answer("a body that says 404 under HTTP 500, for a route that exists")
    over_rate_limit: float = _answer("OVER_RATE_LIMIT, in turn as 429, 403, 200 and 503, JSON and HTML")
    reset: float = _answer("the connection is reset in the middle of the body")
    cut: float = _answer("the connection is closed in the middle of the body")
    truncate: float = _answer("the body ends early, with a length that fits: broken gzip")
    stall: float = _answer("nothing for stall_s, before the answer or in the middle of it")
    latency: float = _answer("0.3 to 1.3 s and 0.05 ms a row until the answer")
    identity: float = _answer("2 to 7 ms a row until the answer where gzip was not asked for")

    moving_total: float = _window("the first answer of a window counts more rows than there are")
    inserted: float = _window("rows of a window of several pages appear after its first page")
    unordered: float | None = _setting(
        None,
        _PROBABILITY,
        "window",
        "another order of rows that the sort leaves open; not set: 0.75 before 2.1.9, then 0",
    )

    label_case: float = _row("a row whose labels are written in another case")
    duplicate: float = _row("a row that stands there twice, with labels in two cases")
    null_value: float = _row("a value that is null")
    missing_value: float = _row("a row without the key value")
    absent_hour: float = _row("an hour without a row")
    unknown_fuel: float = _row("an hour of a respondent with a fuel code that is in no list: ZZZ")
    spike: float = _row("a value ten times too high")
    duplicate_facets: float = _row("an id that a list of facet values has twice")

    badkey: float = _setting(0.0, _PROBABILITY, "key", "every key is refused from the first request on")
    suspend: float = _setting(
        0, _COUNT, "key", "so many times the key is suspended for suspend_s, after some good answers: 403"
    )
    rate: float = _setting(0, _COUNT, "key", "more requests in one second suspend the key; 0: no limit")
    per_hour: float = _setting(0, _COUNT, "key", "more requests in one hour suspend the key; 0: no limit")

    seed: float = _tune(0, _COUNT, "which faults out of all possible ones")
    until: float = _tune(0, _COUNT, "requests after which answers have no more faults; 0: never")
    stall_s: float = _tune(10.0, _AMOUNT, "seconds of a stall")
    suspend_s: float = _tune(2.0, _AMOUNT, "seconds of a suspension")
    retry_after: float = _tune(0, _COUNT, "seconds that Retry-After states with a limit or 503; 0: no header")

    def __post_init__(self) -> None:
        for item in fields(self):
            _check(item.name, getattr(self, item.name), item.metadata["allowed"])

    @classmethod
    def parse(cls, spec: str) -> Self:
        """Returns the faults that a specification describes.

        Args:
            spec: ``name=value`` pairs separated by commas, such as ``http500=0.3,seed=7``.

        Raises:
            ConfigError: If a name is unknown or stands twice, or a value is not possible.
        """
        values: dict[str, float] = {}
        for part in (part.strip() for part in spec.replace(";", ",").split(",")):
            if not part:
                continue
            name, _, text = (piece.strip() for piece in part.partition("="))
            if name not in FAULT_NAMES:
                raise ConfigError(
                    f"There is no fault named '{name}'.{did_you_mean(name, FAULT_NAMES)} "
                    f"The names are {', '.join(FAULT_NAMES)}; `gridloom replay --faults help` explains them."
                )
            if name in values:
                raise ConfigError(f"The fault {name} stands twice in the specification. Name it once.")
            values[name] = _number(name, text)
        return cls(**values)

    @property
    def any_data(self) -> bool:
        """Whether rows themselves differ from those of the table."""
        return any(getattr(self, name) for name in _names("data"))

    def active(self, group: str) -> Mapping[str, float]:
        """Returns the faults of a group that can occur, with their values, in their order."""
        return {name: value for name in _names(group) if (value := getattr(self, name))}


def _names(group: str) -> tuple[str, ...]:
    return tuple(item.name for item in fields(Faults) if item.metadata["group"] == group)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        allowed = {item.name: item.metadata["allowed"] for item in fields(Faults)}[name]
        example = "0.05" if allowed == _PROBABILITY else "7"
        raise ConfigError(
            f"The fault {name} has the value '{text}', which is no number. Write it as {name}={example}."
        ) from None


def _check(name: str, value: float | None, allowed: str) -> None:
    if value is None:
        return
    fits = 0 <= value < float("inf")
    if allowed == _PROBABILITY:
        fits = 0 <= value <= 1
    elif allowed == _COUNT:
        fits = fits and float(value).is_integer()
    if not fits:
        raise ConfigError(f"The fault {name} is {value}. It must be {allowed}.")


FAULT_NAMES: Final = tuple(item.name for item in fields(Faults))
"""Every name that a specification can hold, in the order of the help."""

_GROUPS: Final = {
    "answer": "Faults of an answer (probability for each request)",
    "window": "Faults between the pages of a window (probability for each window or request)",
    "data": "Faults of the rows (probability for each row, the same for every request)",
    "key": "Limits and the key",
    "tuning": "Tuning",
}


def fault_help() -> str:
    """Returns the list of faults as text, one line each, by group."""
    lines: list[str] = []
    for group, title in _GROUPS.items():
        lines += [f"{title}:"]
        lines += [
            f"  {item.name:<17}{item.metadata['meaning']}"
            for item in fields(Faults)
            if item.metadata["group"] == group
        ]
        lines += [""]
    return "\n".join(lines).rstrip()
