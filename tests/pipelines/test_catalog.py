from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.cli.conftest import SMALL
from tests.e2e.processes import gridloom
from tests.monitor.test_lineage import validate, validators

from gridloom.grid.table import COLUMNS

__all__ = ["validators"]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """OpenLineage events of a run on two routes, as the command line writes them."""
    folder = tmp_path_factory.mktemp("lineage")
    done = gridloom(*SMALL, "--series", "D,NG.all", "--lineage", "lineage.jsonl", cwd=folder)
    assert done.code == 0, done.err
    return [json.loads(line) for line in (folder / "lineage.jsonl").read_text("utf-8").splitlines()]


def table(events: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [
        output
        for event in events
        for output in event.get("outputs", ())
        if output["name"].endswith("hourly/day.parquet")
    ]
    return dict(found)


def test_the_hourly_table_has_its_columns_and_rows(events: list[dict[str, Any]]) -> None:
    output = table(events)

    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == [
        column.name for column in COLUMNS
    ]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] > 48


def test_its_columns_come_from_those_of_each_route(events: list[dict[str, Any]]) -> None:
    lineage = table(events)["facets"]["columnLineage"]["fields"]

    assert set(lineage) == {column.name for column in COLUMNS}
    assert {each["field"] for each in lineage["series"]["inputFields"]} == {"type", "fueltype"}
    assert {each["field"] for each in lineage["status"]["inputFields"]} == {"value"}


def test_the_routes_of_the_source_are_where_it_begins(events: list[dict[str, Any]]) -> None:
    read = {
        (each["namespace"], each["name"])
        for event in events
        if event.get("eventType") == "START"
        for each in event["inputs"]
        if each["namespace"] != "file"
    }

    assert read == {
        ("gridloom", "sample/electricity/rto/region-data"),
        ("gridloom", "sample/electricity/rto/fuel-type-data"),
    }


def test_all_of_it_follows_the_specification(
    events: list[dict[str, Any]], validators: dict[str, Draft202012Validator]
) -> None:
    assert [event for event in events if not validate(event, validators)] == []
