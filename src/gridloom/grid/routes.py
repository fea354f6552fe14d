"""The API's hourly routes as data: path, facets, full sort key and order of a row's fields.

Source: recorded answers and metadata of the EIA Open Data API v2, ``electricity/rto``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = [
    "FUEL_TYPE_DATA",
    "INTERCHANGE_DATA",
    "MAX_ROWS_PER_REQUEST",
    "REGION_DATA",
    "REGION_SUB_BA_DATA",
    "ROUTES",
    "RTO_PATH",
    "Route",
]

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
        respondent_facet: The facet that says who reports: a respondent code.
        type_facet: The facet that tells the series of a respondent apart.
        prefix: What stands before that facet's code in a series name.
        row_fields: Keys of a row, in the order in which the API writes them.
    """

    id: str
    name: str
    description: str
    facets: tuple[str, str]
    respondent_facet: str
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

    @property
    def respondent_label(self) -> str:
        """Key of a row's label of its respondent; labels drift, never key on them."""
        return f"{self.respondent_facet}-name"

    @property
    def type_label(self) -> str:
        """Key of a row's label of its type; that of ``fueltype`` is ``type-name``."""
        label = f"{self.type_facet}-name"
        return label if label in self.row_fields else "type-name"


_SOURCE = "  \n    Source: Form EIA-930\n    Product: Hourly Electric Grid Monitor"

REGION_DATA: Final = Route(
    id="region-data",
    name="Hourly Demand, Demand Forecast, Generation, and Interchange",
    description="Hourly demand, day-ahead demand forecast, net generation, and interchange by balancing "
    "authority." + _SOURCE,
    facets=("respondent", "type"),
    respondent_facet="respondent",
    type_facet="type",
    prefix="",
    row_fields=("period", "respondent", "respondent-name", "type", "type-name", "value", "value-units"),
)

FUEL_TYPE_DATA: Final = Route(
    id="fuel-type-data",
    name="Hourly Generation by Energy Source",
    description="Hourly net generation by balancing authority and energy source." + _SOURCE,
    facets=("respondent", "fueltype"),
    respondent_facet="respondent",
    type_facet="fueltype",
    prefix="NG.",
    row_fields=("period", "respondent", "respondent-name", "fueltype", "type-name", "value", "value-units"),
)

INTERCHANGE_DATA: Final = Route(
    id="interchange-data",
    name="Hourly Interchange by Neighboring Balancing Authority",
    description="Hourly interchange between neighboring balancing authorities." + _SOURCE,
    facets=("fromba", "toba"),
    respondent_facet="fromba",
    type_facet="toba",
    prefix="ID.",
    row_fields=("period", "fromba", "fromba-name", "toba", "toba-name", "value", "value-units"),
)

REGION_SUB_BA_DATA: Final = Route(
    id="region-sub-ba-data",
    name="Hourly Demand by Subregion",
    description="Hourly demand by subregion." + _SOURCE,
    # The id of a sub-area is unique within its parent only (``PS``, ``EAST``, ``WEST`` repeat).
    facets=("parent", "subba"),
    respondent_facet="parent",
    type_facet="subba",
    prefix="D.",
    row_fields=("period", "subba", "subba-name", "parent", "parent-name", "value", "value-units"),
)

ROUTES: Final = MappingProxyType(
    {route.id: route for route in (REGION_DATA, FUEL_TYPE_DATA, INTERCHANGE_DATA, REGION_SUB_BA_DATA)}
)
"""Every route that GridLoom reads, by id."""
