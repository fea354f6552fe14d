"""A year of eight respondents, by other people's EIA clients, each as its documents say.

Their own gates are off, and they get the base URL; nothing else of them is touched. Each function runs
in an environment in which its client is installed and GridLoom need not be. What came is compared after
the clock has stopped: rows, rows with a key of their own, and the sum of the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from clock import Clock

RESPONDENTS = ["CAR", "ERCO", "ISNE", "MISO", "NYIS", "PACW", "PJM", "SWPP"]
ROUTES = {"region-data": "type", "fuel-type-data": "fueltype"}
"""Routes with the facet that tells their series apart."""

Row = tuple[str, str, str, float | None]
"""Period, respondent, series, value."""


def _facets(route: str) -> dict[str, list[str]]:
    return {"respondent": RESPONDENTS, **({"type": ["D"]} if route == "region-data" else {})}


def gridstatus(url: str, last: str, in_flight: int, out: str) -> dict[str, float]:  # noqa: ARG001
    """One `get_dataset` a route, as many workers as were asked for."""
    from gridstatus import EIA
    from gridstatus.eia_constants import EIA_FUEL_TYPES

    client = EIA(api_key="any")
    client.BASE_URL = f"{url}/"
    with Clock() as clock:
        frames = [
            client.get_dataset(
                f"electricity/rto/{route}",
                start="2019-01-01",
                end=last,
                facets=_facets(route),
                n_workers=in_flight,
            )
            for route in ROUTES
        ]
    columns = ["Load", *EIA_FUEL_TYPES]
    rows = [
        (str(period), respondent, column, value)
        for frame in frames
        for column in columns
        if column in frame
        for period, respondent, value in zip(
            frame["Interval End"], frame["Respondent"], frame[column], strict=True
        )
        if value == value  # noqa: PLR0124 - it makes a column of NaN for a fuel that nobody has
    ]
    return _facts(clock, rows)


def openeia(url: str, last: str, in_flight: int, out: str) -> dict[str, float]:  # noqa: ARG001
    """One `get` a route; it asks for one page after the other."""
    return _openeia(url, last, lambda client, route, **asked: client.get(route, **asked))


def openeia_backfill(url: str, last: str, in_flight: int, out: str) -> dict[str, float]:  # noqa: ARG001
    """One `backfill` a route, in windows of a week, as many at once as were asked for."""
    how = {"chunk": "7D", "max_workers": in_flight}
    return _openeia(url, last, lambda client, route, **asked: client.backfill(route, **asked, **how).frame)


def _openeia(url: str, last: str, fetch: Callable[..., Any]) -> dict[str, float]:
    from openeia import EIA

    asked = {"frequency": "hourly", "start": "2019-01-01T00", "end": last}
    with EIA(api_key="any", base_url=url, requests_per_second=0) as client:
        with Clock() as clock:
            frames = {
                route: fetch(client, f"electricity/rto/{route}", facets=_facets(route), **asked)
                for route in ROUTES
            }
        rows = _rows_of_pandas(frames)
    return _facts(clock, rows)


def _rows_of_pandas(frames: dict[str, Any]) -> list[Row]:
    return [
        row
        for route, frame in frames.items()
        for row in zip(
            frame["period"], frame["respondent"], frame[ROUTES[route]], frame["value"], strict=True
        )
    ]


def eiax(url: str, last: str, in_flight: int, out: str) -> dict[str, float]:  # noqa: ARG001
    """One `fetch` a route; it has eight requests in flight, and no cache here."""
    import eiax as package
    import eiax.client

    eiax.client.BASE_URL = f"{url}/"
    cache = package.CacheConfig.from_settings()
    cache = type(cache)(**{**vars(cache), "enabled": False})
    with Clock() as clock:
        frames = {
            route: package.fetch(
                f"electricity/rto/{route}/data",
                facets=_facets(route),
                start="2019-01-01T00",
                end=last,
                client=package.EIAClient(api_key="any", rate_limit=1e9),
                cache=cache,
            )
            for route in ROUTES
        }
    rows = [
        (str(period), *others)
        for route, frame in frames.items()
        for period, *others in frame.select("period", "respondent", ROUTES[route], "value").iter_rows()
    ]
    return _facts(clock, rows)


def dlt(url: str, last: str, in_flight: int, out: str) -> dict[str, float]:  # noqa: ARG001
    """Its REST source, written to Parquet, with a sort on the full key, which one has to think of oneself."""
    import dlt as package
    import pyarrow.parquet as pq
    from dlt.sources.rest_api import rest_api_source

    client = {
        "base_url": f"{url}/electricity/rto/",
        "headers": {"X-Api-Key": "any", "Accept-Encoding": "gzip"},
        "paginator": {
            "type": "offset",
            "limit": 5000,
            "limit_param": "length",
            "total_path": "response.total",
        },
    }
    resources = [
        {
            "name": route.replace("-", "_"),
            "endpoint": {
                "path": f"{route}/data/",
                "data_selector": "response.data",
                "params": _dlt_params(route, last),
            },
        }
        for route in ROUTES
    ]
    with Clock() as clock:
        pipeline = package.pipeline(
            "bench",
            destination=package.destinations.filesystem(f"{out}/lake"),
            dataset_name="eia",
            pipelines_dir=f"{out}/state",
        )
        pipeline.run(
            rest_api_source({"client": client, "resources": resources}), loader_file_format="parquet"
        )
    rows: list[Row] = []
    for route, facet in ROUTES.items():
        for path in Path(out, "lake", "eia", route.replace("-", "_")).glob("*.parquet"):
            table = pq.read_table(path, columns=["period", "respondent", facet, "value"])
            columns = (table.column(place).to_pylist() for place in range(4))
            rows += [(str(p), r, s, float(v)) for p, r, s, v in zip(*columns, strict=True)]
    return _facts(clock, rows)


def _dlt_params(route: str, last: str) -> dict[str, Any]:
    """Returns the query; a facet of several values becomes one parameter each."""
    key = ("period", "respondent", ROUTES[route])
    sort = {
        f"sort[{place}][{part}]": text
        for place, column in enumerate(key)
        for part, text in (("column", column), ("direction", "asc"))
    }
    facets = {
        f"facets[{name}][{place}]": code
        for name, codes in _facets(route).items()
        for place, code in enumerate(codes)
    }
    return {
        "frequency": "hourly",
        "data[0]": "value",
        "start": "2019-01-01T00",
        "end": last,
        **facets,
        **sort,
    }


def _facts(clock: Clock, rows: Iterable[Row]) -> dict[str, float]:
    got = list(rows)
    return {
        **clock.facts(len(got)),
        "lost_rows": len(got) - len({row[:3] for row in got}),
        "value_sum": float(sum(row[3] or 0.0 for row in got)),
    }
