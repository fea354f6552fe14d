"""Series of EIA-930: what ``D``, ``NG.WND`` or ``ID.CISO`` means, its unit, and the route that has it.

Series names are EIA's own series-id terms. ``NG`` alone is net generation, not natural gas; natural
gas is ``NG.NG``. ``ID.<code>`` is the interchange of a respondent with one neighbour, positive for
outflow; ``D.<id>`` is the demand of one sub-area of a respondent, by its id as EIA writes it.
``NG.all``, ``ID.all`` and ``D.all`` (or ``NG.*`` and so on) ask for all that the source has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gridloom.errors import UnknownCodeError, did_you_mean
from gridloom.grid.neighbours import NEIGHBOURS
from gridloom.grid.respondents import ALIASES, all_respondents
from gridloom.grid.routes import (
    FUEL_TYPE_DATA,
    INTERCHANGE_DATA,
    REGION_DATA,
    REGION_SUB_BA_DATA,
    ROUTES,
    Route,
)

__all__ = [
    "ALL_FUELS",
    "ALL_INTERCHANGE",
    "ALL_OF",
    "ALL_SUB_AREAS",
    "DEFAULT_SERIES",
    "FUELS",
    "REGION_TYPES",
    "UNIT",
    "RouteRequest",
    "new_fuels",
    "parse_series",
    "route_of",
    "route_requests",
    "unknown_series_error",
]

UNIT: Final = "MWh"
"""Unit of every value: energy over the hour (EIA's ``value-units`` says ``megawatthours``)."""

ALL_FUELS: Final = "NG.all"
"""Every fuel of ``fuel-type-data``, named or new."""

ALL_INTERCHANGE: Final = "ID.all"
"""Interchange with every neighbour in ``interchange-data``, named or new."""

ALL_SUB_AREAS: Final = "D.all"
"""Demand of every sub-area in ``region-sub-ba-data``."""

ALL_OF: Final = MappingProxyType(
    {
        FUEL_TYPE_DATA.id: ALL_FUELS,
        INTERCHANGE_DATA.id: ALL_INTERCHANGE,
        REGION_SUB_BA_DATA.id: ALL_SUB_AREAS,
    }
)
"""The name that asks a route for all it has, by route id; ``region-data`` has none."""

_SUB_AREA: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_FUEL: Final = re.compile(r"[A-Z0-9]{2,3}", re.ASCII)

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
    whole = {route_of(name) for name in names if name in ALL_OF.values()}
    return tuple(sorted(name for name in names if route_of(name) not in whole or name in ALL_OF.values()))


def route_of(series: str) -> Route:
    """Returns the route of a canonical series name.

    Example:
        >>> [route_of(name).id for name in ("D", "NG", "NG.NG", "ID.CISO", "D.Frep")]
        ['region-data', 'region-data', 'fuel-type-data', 'interchange-data', 'region-sub-ba-data']
    """
    named = (route for route in ROUTES.values() if route.prefix and series.startswith(route.prefix))
    return next(named, REGION_DATA)


def _canonical(name: str) -> str:
    prefix, dot, code = name.partition(".")
    upper = code.upper()
    route = route_of(f"{prefix.upper()}{dot}")
    if not route.prefix:
        if name.upper() in REGION_TYPES:
            return name.upper()
        raise unknown_series_error(name, name.upper())
    if upper in {"ALL", "*"}:
        return ALL_OF[route.id]
    if route is REGION_SUB_BA_DATA:
        # No table of ours can know them all, and their case counts (``Frep``, ``0001``).
        known, canonical = _SUB_AREA.fullmatch(code) is not None, route.prefix + code
    elif route is FUEL_TYPE_DATA:
        # New fuels appear, so what looks like a code is one until the source's own list is asked.
        known, canonical = _FUEL.fullmatch(upper) is not None, route.prefix + upper
    else:
        known, canonical = upper in {**all_respondents(), **NEIGHBOURS}, route.prefix + upper
    if not known:
        raise unknown_series_error(name, canonical)
    return canonical


def new_fuels(series: Iterable[str]) -> list[str]:
    """Returns the canonical names of single fuels that our table does not have, which only a source can know.

    Example:
        >>> new_fuels(["D", "NG", "NG.WND", "NG.ZZZ", "NG.all"])
        ['NG.ZZZ']
    """
    known = {ALL_FUELS, *(f"{FUEL_TYPE_DATA.prefix}{code}" for code in FUELS)}
    return [name for name in series if route_of(name) is FUEL_TYPE_DATA and name not in known]


def unknown_series_error(name: str, upper: str, fuels: Iterable[str] = FUELS) -> UnknownCodeError:
    """Returns the error for a name that is no series, with the nearest valid ones.

    Args:
        name: The name as given.
        upper: The same as it would be written if it were one.
        fuels: Fuel codes that there are.
    """
    valid = [*REGION_TYPES, ALL_FUELS, *(f"{FUEL_TYPE_DATA.prefix}{code}" for code in fuels)]
    neighbours = (f"{INTERCHANGE_DATA.prefix}{code}" for code in (*all_respondents(), *NEIGHBOURS))
    meant = ALIASES.get(upper.removeprefix(INTERCHANGE_DATA.prefix))
    if upper.startswith(INTERCHANGE_DATA.prefix):
        hint = f" Did you mean ID.{meant}?" if meant else did_you_mean(upper, neighbours)
    else:
        hint = f" Did you mean NG.{upper}?" if upper in FUELS else did_you_mean(upper, valid)
    return UnknownCodeError(
        f"'{name}' is not a series.{hint} Series are {', '.join(valid)}, {ALL_INTERCHANGE}, ID.<code of a "
        f"neighbour>, {ALL_SUB_AREAS} and D.<id of a sub-area, as EIA writes it>."
    )


def route_requests(series: Iterable[str]) -> tuple[RouteRequest, ...]:
    """Returns what to ask of which route for canonical series names, in the order of `ROUTES`.

    Example:
        >>> [(r.route.id, r.types) for r in route_requests(["D", "NG.all"])]
        [('region-data', ('D',)), ('fuel-type-data', ())]
    """
    types: dict[str, set[str]] = {}
    for name in series:
        route = route_of(name)
        types.setdefault(route.id, set()).add(name.removeprefix(route.prefix))
    return tuple(
        RouteRequest(route, () if "all" in types[route.id] else tuple(sorted(types[route.id])))
        for route in ROUTES.values()
        if route.id in types
    )
