"""The API's hourly routes as data: path, facets, full sort key and order of a row's fields.

Source: recorded answers and metadata of the EIA Open Data API v2, ``electricity/rto``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["FUEL_TYPE_DATA", "MAX_ROWS_PER_REQUEST", "REGION_DATA", "ROUTES", "RTO_PATH", "Route"]

RTO_PATH: Final = "electricity/rto"
"""Path of all grid routes below the API's version."""

MAX_ROWS_PER_REQUEST: Final = 5_000
"""Rows that one JSON answer holds at most (EIA Open Data documentation, "API Pagination")."""


@dataclass(frozen=True, slots=True)
class Route:
    """One hourly route of the API.

    Attributes:
        id: The last part of its path, such as ``region-data``.
        name: EIA's name of the route in the metadata.
        description: EIA's description, as it stands in every answer.
        facets: Facet columns; with ``period`` they are the full key of a row.
        type_facet: The facet that tells the series of a respondent apart.
        prefix: What stands before that facet's code in a series name.
        row_fields: Keys of a row, in the order in which the API writes them.
    """

    id: str
    name: str
    description: str
    facets: tuple[str, str]
    type_facet: str
    prefix: str
    row_fields: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Columns of the full, unique key, in the order in which requests sort by them."""
        return ("period", *self.facets)

    @property
    def path(self) -> str:
        """Path below the API's version, without a slash at either end."""
        return f"{RTO_PATH}/{self.id}"


_SOURCE = "  \n    Source: Form EIA-930\n    Product: Hourly Electric Grid Monitor"

REGION_DATA: Final = Route(
    id="region-data",
    name="Hourly Demand, Demand Forecast, Generation, and Interchange",
    description="Hourly demand, day-ahead demand forecast, net generation, and interchange by balancing "
    "authority." + _SOURCE,
    facets=("respondent", "type"),
    type_facet="type",
    prefix="",
    row_fields=("period", "respondent", "respondent-name", "type", "type-name", "value", "value-units"),
)

FUEL_TYPE_DATA: Final = Route(
    id="fuel-type-data",
    name="Hourly Generation by Energy Source",
    description="Hourly net generation by balancing authority and energy source." + _SOURCE,
    facets=("respondent", "fueltype"),
    type_facet="fueltype",
    prefix="NG.",
    row_fields=("period", "respondent", "respondent-name", "fueltype", "type-name", "value", "value-units"),
)

ROUTES: Final = MappingProxyType({route.id: route for route in (REGION_DATA, FUEL_TYPE_DATA)})
"""Every route that GridLoom reads, by id."""
