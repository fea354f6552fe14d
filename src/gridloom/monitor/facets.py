"""OpenLineage's facets: facts under a name, with who says so and the schema that they follow."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any, Final

from gridloom import __version__
from gridloom.dag.events import FindingReported

__all__ = ["PRODUCER", "assertion", "error_facet", "event_schema", "facet", "schema_facet"]

_SPEC: Final = "https://openlineage.io/spec"
PRODUCER: Final = f"https://pypi.org/project/gridloom/{__version__}"
_FACETS: Final = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityAssertions": "1-1-0/DataQualityAssertionsDatasetFacet",
    "dataQualityMetrics": "1-0-0/DataQualityMetricsDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "parent": "1-2-0/ParentRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
}


def facet(name: str, /, **content: Any) -> dict[str, Any]:
    """Returns a facet under its name, with what all facets have."""
    place = _FACETS[name]
    schema = f"{_SPEC}/facets/{place}.json#/$defs/{place.rpartition('/')[2]}"
    return {name: {"_producer": PRODUCER, "_schemaURL": schema, **content}}


def event_schema(kind: str) -> str:
    """Returns the address of the schema of ``RunEvent`` or ``DatasetEvent``."""
    return f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/{kind}"


def schema_facet(fields: Mapping[str, str]) -> dict[str, Any]:
    """Returns columns and their types as a facet under its name; nothing where there are none."""
    if not fields:
        return {}
    return facet("schema", fields=[{"name": name, "type": kind} for name, kind in fields.items()])


def error_facet(message: str) -> dict[str, Any]:
    """Returns what went wrong as a facet under its name."""
    language = f"Python {platform.python_version()}"
    return facet("errorMessage", message=message, programmingLanguage=language)


def assertion(event: FindingReported) -> dict[str, Any]:
    """Returns a finding as one of the assertions of a facet."""
    return {
        "assertion": event.name,
        "success": event.passed,
        "severity": "error" if event.required else "warn",
        "description": event.why,
        "actual": event.detail,
    }
