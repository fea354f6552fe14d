"""What is in the files that the steps of a pipeline make: columns, their types, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gridloom.dag import PipelineDAG
from gridloom.dag.events import OutputMade
from gridloom.extract.steps import EIAExtractStep
from gridloom.grid.artifacts import HourlyTable, RawPages
from gridloom.grid.routes import ROUTES, Route
from gridloom.monitor.lineage import SourceDataset

__all__ = ["PipelineCatalog"]

_PARQUET: Final = ".parquet"
_OF_ROUTES: Final = frozenset({RawPages.__name__, HourlyTable.__name__})


class PipelineCatalog:
    """What GridLoom knows of the steps of one DAG.

    Args:
        dag: The DAG.
    """

    def __init__(self, dag: PipelineDAG) -> None:
        self._out = dag.config.output_dir
        self._extracts = {
            step.step_id: step.config for step in dag.steps.values() if isinstance(step, EIAExtractStep)
        }

    def sources(self, step_id: str) -> Sequence[SourceDataset]:
        """Returns the route of the API that a step of extraction reads."""
        config = self._extracts.get(step_id)
        if config is None:
            return ()
        route = config.request.route
        if config.sample:
            return (SourceDataset("gridloom", f"sample/{route.path}", _fields(route)),)
        parts = urlsplit(config.base_url)
        name = f"{parts.path.strip('/')}/{route.path}".lstrip("/")
        return (SourceDataset(f"{parts.scheme}://{parts.netloc}", name, _fields(route)),)

    def fields(self, step_id: str, made: OutputMade) -> Mapping[str, str]:
        """Returns the columns of a route's pages or of a Parquet file, and their types."""
        if made.type == RawPages.__name__ and step_id in self._extracts:
            return _fields(self._extracts[step_id].request.route)
        return _parquet(self._out / made.path) if made.path.endswith(_PARQUET) else {}

    def columns(self, made: OutputMade, source_fields: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        """Returns from which columns those of pages and of the hourly table come."""
        if made.type not in _OF_ROUTES:
            return {}
        route = next(
            (route for route in ROUTES.values() if set(source_fields) == set(route.row_fields)), None
        )
        if route is None:
            return {}
        if made.type == RawPages.__name__:
            return {name: (name,) for name in route.row_fields}
        return {
            "period": ("period",),
            "respondent": (route.respondent_facet,),
            "series": (route.type_facet,),
            "value": ("value",),
            "status": ("value",),
        }

    def nulls(self, made: OutputMade) -> Mapping[str, int]:
        """Returns how many nulls the columns of a Parquet file have."""
        return _nulls(self._out / made.path) if made.path.endswith(_PARQUET) else {}


def _fields(route: Route) -> dict[str, str]:
    # EIA sends all of them as text, numbers too
    return dict.fromkeys(route.row_fields, "string")


def _parquet(path: Path) -> dict[str, str]:
    import polars as pl

    return {name: str(kind) for name, kind in pl.read_parquet_schema(path).items()}


def _nulls(path: Path) -> dict[str, int]:
    import polars as pl

    return pl.scan_parquet(path).null_count().collect().row(0, named=True)
