"""Names and descriptions that the API gives to codes, facets and routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from gridloom.grid.neighbours import NEIGHBOURS
from gridloom.grid.respondents import find
from gridloom.grid.routes import RTO_PATH, Route
from gridloom.grid.series import FUELS, REGION_TYPES

__all__ = ["DATE_FORMATS", "UNITS", "branch", "code_name", "facet_list", "route_list", "route_metadata"]

UNITS: Final = "megawatthours"
"""What ``value-units`` says in every row."""

DATE_FORMATS: Final = MappingProxyType(
    {"hourly": 'YYYY-MM-DD"T"HH24', "local-hourly": 'YYYY-MM-DD"T"HH24TZH'}
)
"""``dateFormat`` of an answer, by frequency."""

_FREQUENCIES: Final = (
    {
        "id": "hourly",
        "alias": "hourly (UTC)",
        "description": "One data point for each hour in UTC time.",
        "query": "H",
        "format": DATE_FORMATS["hourly"],
    },
    {
        "id": "local-hourly",
        "alias": "hourly (Local Time Zone)",
        "description": "One data point for each hour in local time.",
        "query": "LH",
        "format": DATE_FORMATS["local-hourly"],
    },
)
_FACETS: Final = {
    "respondent": "Balancing Authority / Region",
    "type": "Type",
    "fueltype": "Energy Source",
    "fromba": "From Balancing Authority",
    "toba": "To Balancing Authority",
    "parent": "Balancing Authority",
    "subba": "Sub-Balancing Authority",
}
_VALUE_ALIASES: Final = {
    "fuel-type-data": "Net Generation",
    "interchange-data": "Interchange",
    "region-sub-ba-data": "Demand",
}
# Ids of sub-areas are no codes of respondents, even where they look the same.
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {"type": REGION_TYPES, "fueltype": FUELS, "subba": {}}
_BRANCHES: Final = (
    ("", "EIA Open Data", "The data that this server has."),
    ("electricity", "Electricity", "EIA electricity survey data"),
    (
        "rto",
        "Electric Power Operations (Daily And Hourly)",
        "Hourly and daily electric power operations by balancing authority.  \n    Source: Form EIA-930",
    ),
)
"""Id, name and description of each part of the path to the routes, the root first."""


def code_name(facet: str, code: str) -> str:
    """Returns the label of a facet's code; a code that is not known is its own label."""
    if facet in _NAMES:
        return _NAMES[facet].get(code, code)
    respondent = find(code)
    return respondent.name if respondent else NEIGHBOURS.get(code, code)


def branch(path: Sequence[str]) -> dict[str, Any]:
    """Returns the ``response`` of a parent that stands above those of the grid: ``()`` is the root.

    Args:
        path: Part of the path to the routes, below the version.
    """
    named = [dict(zip(("id", "name", "description"), item, strict=True)) for item in _BRANCHES]
    return {**named[len(path)], "routes": [named[len(path) + 1]]}


def route_list(routes: list[Route]) -> dict[str, Any]:
    """Returns the ``response`` of the parent of all routes."""
    return {
        **branch(RTO_PATH.split("/")[:-1])["routes"][0],
        "routes": [
            {"id": route.id, "name": route.name, "description": route.description} for route in routes
        ],
    }


def route_metadata(route: Route, start: str, end: str) -> dict[str, Any]:
    """Returns the ``response`` of a route's metadata.

    Args:
        route: The route.
        start: Label of its first period.
        end: Label of its last period.
    """
    return {
        "id": route.id,
        "name": route.name,
        "description": route.description,
        "frequency": [dict(frequency) for frequency in _FREQUENCIES],
        "facets": [{"id": facet, "description": _FACETS.get(facet, facet)} for facet in route.facets],
        "data": {
            "value": {
                "aggregation-method": "SUM",
                "alias": _VALUE_ALIASES.get(route.id, route.name),
                "units": UNITS,
            }
        },
        "startPeriod": start,
        "endPeriod": end,
        "defaultDateFormat": DATE_FORMATS["hourly"],
        "defaultFrequency": "hourly",
    }


def facet_list(route: Route) -> dict[str, Any]:
    """Returns the ``response`` that lists a route's facets.

    Recorded answers have the names with ``Options``, EIA's documentation has those without: here both
    stand, so that clients of either kind find theirs.
    """
    facets = [{"id": facet, "name": _FACETS.get(facet, facet)} for facet in route.facets]
    return {
        "totalFacetOptions": len(facets),
        "facetOptions": list(route.facets),
        "totalFacets": len(facets),
        "facets": facets,
    }
