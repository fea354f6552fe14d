"""Series of EIA-930: what ``D``, ``NG`` or ``NG.WND`` means, its unit, and the route that has it.

Series names are EIA's own series-id terms. ``NG`` alone is net generation, not natural gas; natural
gas is ``NG.NG``. ``NG.all`` (or ``NG.*``) asks for every fuel that the source has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gridloom.errors import UnknownCodeError, did_you_mean
from gridloom.grid.routes import FUEL_TYPE_DATA, REGION_DATA, ROUTES, Route

__all__ = [
    "ALL_FUELS",
    "DEFAULT_SERIES",
    "FUELS",
    "REGION_TYPES",
    "UNIT",
    "RouteRequest",
    "parse_series",
    "route_requests",
]

UNIT: Final = "MWh"
"""Unit of every value: energy over the hour (EIA's ``value-units`` says ``megawatthours``)."""

ALL_FUELS: Final = "NG.all"
"""Every fuel of ``fuel-type-data``, named or new."""

DEFAULT_SERIES: Final = ("D", ALL_FUELS)
"""The default of ``--series``."""

REGION_TYPES: Final = MappingProxyType(
    {"D": "Demand", "DF": "Day-ahead demand forecast", "NG": "Net generation", "TI": "Total interchange"}
)
"""Series of ``region-data`` and EIA's labels for them. TI is positive for net outflow."""

FUELS: Final = MappingProxyType(
    {
        "BAT": "Battery storage",
        "COL": "Coal",
        "GEO": "Geothermal",
        "NG": "Natural Gas",
        "NUC": "Nuclear",
        "OES": "Other energy storage",
        "OIL": "Petroleum",
        "OTH": "Other",
        "PS": "Pumped storage",
        "SNB": "Solar Battery",
        "SUN": "Solar",
        "UES": "Unknown Energy",
        "UNK": "Unknown",
        "WAT": "Hydro",
        "WNB": "Wind Battery",
        "WND": "Wind",
    }
)
"""Fuel codes of the facet list of June 2026 and EIA's labels. Key on the code: labels drift."""


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What is wanted from one route.

    Attributes:
        route: The route.
        types: Codes of its type facet, sorted; empty for all that the source has.
    """

    route: Route
    types: tuple[str, ...]

    @property
    def series_per_respondent(self) -> int | None:
        """Rows of one respondent in one hour where that is known, else None."""
        return len(self.types) or None


def parse_series(text: str | Iterable[str]) -> tuple[str, ...]:
    """Returns the series named in `text`: canonical names, sorted, without duplicates.

    Args:
        text: Names separated by commas, or a collection of names, such as ``"D,NG.all"``.

    Raises:
        UnknownCodeError: For a name that is no series, or where nothing is named.

    Example:
        >>> parse_series("DF, D, NG.*, ng.wnd")
        ('D', 'DF', 'NG.all')
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    names = {_canonical(part.strip()) for part in parts if part.strip()}
    if not names:
        raise UnknownCodeError("No series was named. Use --series with names such as D,NG.all.")
    if ALL_FUELS in names:
        names = {name for name in names if not name.startswith("NG.")} | {ALL_FUELS}
    return tuple(sorted(names))


def _canonical(name: str) -> str:
    upper = name.upper()
    if upper in {"NG.ALL", "NG.*"}:
        return ALL_FUELS
    fuel = upper.removeprefix("NG.")
    if upper in REGION_TYPES or (upper != fuel and fuel in FUELS):
        return upper
    valid = [*REGION_TYPES, ALL_FUELS, *(f"NG.{code}" for code in FUELS)]
    hint = did_you_mean(upper, valid)
    if not hint and upper in FUELS:
        hint = f" Did you mean NG.{upper}?"
    raise UnknownCodeError(f"'{name}' is not a series.{hint} Series are {', '.join(valid)}.")


def route_requests(series: Iterable[str]) -> tuple[RouteRequest, ...]:
    """Returns what to ask of which route for canonical series names, in the order of `ROUTES`.

    Example:
        >>> [(r.route.id, r.types) for r in route_requests(["D", "NG.all"])]
        [('region-data', ('D',)), ('fuel-type-data', ())]
    """
    types: dict[str, set[str]] = {}
    for name in series:
        route = FUEL_TYPE_DATA if name.startswith("NG.") else REGION_DATA
        types.setdefault(route.id, set()).add(name.removeprefix(route.prefix))
    return tuple(
        RouteRequest(route, () if "all" in types[route.id] else tuple(sorted(types[route.id])))
        for route in ROUTES.values()
        if route.id in types
    )
