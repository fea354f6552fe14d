"""Small hourly tables and running stand-in servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import polars as pl
import pytest

from gridloom.extract.replay import Faults, ReplayData, ReplayOptions, ReplayServer
from gridloom.grid.table import KEY, polars_schema

START = datetime(2024, 1, 1, tzinfo=UTC)
Row = tuple[str, str, int, float | None, str]


def table_of(rows: list[Row]) -> pl.DataFrame:
    """Rows of (respondent, series, hours after START, value, status) as an hourly table."""
    columns = {
        "period": [START + timedelta(hours=row[2]) for row in rows],
        "respondent": [row[0] for row in rows],
        "series": [row[1] for row in rows],
        "value": [row[3] for row in rows],
        "status": [row[4] for row in rows],
    }
    texts = {name: pl.String if dtype == pl.Categorical else dtype for name, dtype in polars_schema().items()}
    return pl.DataFrame(columns, schema=texts).sort(KEY).cast(dict(polars_schema()))


def small_rows() -> list[Row]:
    """Two days of three respondents, with missing hours, nulls and decimals."""
    rows: list[Row] = []
    series = (
        ("PACW", "D"),
        ("PACW", "NG.WND"),
        ("PACW", "NG.SUN"),
        ("ERCO", "D"),
        ("ERCO", "DF"),
        ("CAR", "D"),
    )
    for number, (respondent, name) in enumerate(series):
        for hour in range(48):
            value, status = 100.0 * number + hour, "reported"
            if (hour + number) % 11 == 5:
                value, status = None, "missing"
            elif (hour + number) % 11 == 7:
                value, status = None, "null"
            elif name == "NG.SUN":
                value = -0.21 if hour % 2 else 0.3
            rows.append((respondent, name, hour, value, status))
    # The last hour of fuels has no row at all: endPeriod must still name it.
    return [(*row[:3], None, "missing") if row[1] == "NG.WND" and row[2] == 47 else row for row in rows]


class Client:
    """Asks one server; every request carries the key unless it is told otherwise."""

    def __init__(self, server: ReplayServer) -> None:
        self.server = server
        self.http = httpx2.Client()

    def get(self, path, *params, key="any", headers=None, **named):
        query = [*params, *named.items(), *([("api_key", key)] if key is not None else [])]
        return self.http.get(f"{self.server.url}/electricity/rto{path}", params=query, headers=headers)

    def rows(self, route, *params, **named):
        answer = self.get(f"/{route}/data/", ("data[]", "value"), *params, **named)
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["data"]


@pytest.fixture(scope="session")
def make_table():
    return table_of


@pytest.fixture(scope="session")
def small_table() -> pl.DataFrame:
    return table_of(small_rows())


@pytest.fixture(scope="session")
def small_data(small_table) -> ReplayData:
    return ReplayData.of_frame(small_table)


@pytest.fixture(scope="module")
def api(small_data) -> Iterator[Client]:
    # In the order of the key also without a sort, so that answers can be compared.
    with ReplayServer(small_data, ReplayOptions(faults=Faults(unordered=0))) as server:
        client = Client(server)
        with client.http:
            yield client


@pytest.fixture
def serve(small_data):
    """Starts servers with options of their own."""
    open_ones = []

    def start(data=None, **options) -> Client:
        server = ReplayServer(data or small_data, ReplayOptions(**options))
        server.start()
        client = Client(server)
        open_ones.append(client)
        return client

    yield start
    for client in open_ones:
        client.http.close()
        client.server.stop()
