"""OpenLineage events, held against the specification's own schemas where those are at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from tests.monitor.runs import run
from tests.support.receivers import receiver

from gridloom.dag.events import LogWritten, OutputMade
from gridloom.errors import ConfigError
from gridloom.monitor.lineage import OpenLineageSink, SourceDataset

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "openlineage"


class Known:
    """A catalog of the small pipeline."""

    def sources(self, step_id: str) -> Sequence[SourceDataset]:
        return [SourceDataset("https://api.example", "numbers", {"n": "string"})] if step_id == "make" else []

    def fields(self, step_id: str, made: OutputMade) -> Mapping[str, str]:
        return {"number": "int64"} if step_id == "make" else {}

    def columns(self, made: OutputMade, source_fields: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        return {"number": tuple(source_fields)}


@pytest.fixture(scope="session")
def validators() -> dict[str, Draft202012Validator]:
    """A validator for each schema of the specification by the name of its file."""
    if not SCHEMAS.is_dir():
        pytest.skip("needs the schemas of OpenLineage in ../shared/spec/openlineage")
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in found.values()
    )
    return {
        name: Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())
        for name, schema in found.items()
    }


def facets(event: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Every facet of an event, by its name."""
    data = [*event.get("inputs", ()), *event.get("outputs", ()), event.get("dataset", {})]
    holders = [event.get("run", {}), event.get("job", {}), *data]
    groups = [
        holder.get(kind, {}) for holder in holders for kind in ("facets", "inputFacets", "outputFacets")
    ]
    return [item for group in groups for item in group.items()]


def validate(event: Mapping[str, Any], validators: dict[str, Draft202012Validator]) -> set[str]:
    """Holds an event and all its facets against their schemas; returns the names of those."""
    validators["OpenLineage"].validate(event)
    used = set()
    for name, facet in facets(event):
        schema = facet["_schemaURL"].partition("#")[0].rpartition("/")[2].removesuffix(".json")
        assert facet["_schemaURL"].startswith(validators[schema].schema["$id"] + "#/$defs/")
        validators[schema].validate({name: facet})
        used.add(schema)
    return used


def lineage(out: Path, **how: Any) -> list[dict[str, Any]]:
    """Events of a run of the small pipeline."""
    file = out / "lineage" / "events.jsonl"
    run(out, OpenLineageSink(str(file), out=out, catalog=Known()), **how)
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def ends(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["eventType"], event["job"]["name"]) for event in events if "run" in event]


def test_each_run_begins_and_ends_once(tmp_path: Path) -> None:
    events = lineage(tmp_path, failures=1)

    assert ends(events) == [
        ("START", "small-one"),
        ("START", "small-one.make"),
        ("COMPLETE", "small-one.make"),
        ("START", "small-one.make/checks"),
        ("COMPLETE", "small-one.make/checks"),
        ("START", "small-one.use"),
        ("COMPLETE", "small-one.use"),
        ("COMPLETE", "small-one"),
    ]
    runs = [event["run"]["runId"] for event in events if "run" in event]
    assert len(set(runs)) == 4
    parents = {
        event["run"]["facets"].get("parent", {}).get("run", {}).get("runId")
        for event in events[1:-1]
        if "run" in event
    }
    assert parents == {runs[0]}


def test_datasets_carry_columns_their_sources_and_how_much_there_is(tmp_path: Path) -> None:
    events = lineage(tmp_path)

    made = next(event for event in events if event.get("eventType") == "COMPLETE" and event["outputs"])
    (output,) = made["outputs"]
    assert output["namespace"] == "file"
    assert output["name"] == (tmp_path / "steps" / "make" / "numbers.txt").as_posix()
    assert output["facets"]["schema"]["fields"] == [{"name": "number", "type": "int64"}]
    assert output["facets"]["columnLineage"]["fields"] == {
        "number": {"inputFields": [{"namespace": "https://api.example", "name": "numbers", "field": "n"}]}
    }
    assert output["outputFacets"]["outputStatistics"]["size"] == 5
    (dataset,) = [event["dataset"] for event in events if "dataset" in event]
    assert dataset["facets"] == output["facets"]
    used = next(event for event in events if event.get("job", {}).get("name") == "small-one.use")
    assert [each["name"] for each in used["inputs"]] == [output["name"]]


def test_findings_are_assertions_on_what_was_checked(tmp_path: Path) -> None:
    events = lineage(tmp_path)

    (checked,) = [
        dataset for event in events for dataset in event.get("inputs", ()) if "inputFacets" in dataset
    ]
    assert checked["name"].endswith("numbers.txt")
    (said,) = checked["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (said["assertion"], said["success"], said["severity"]) == ("even", False, "warn")


def test_a_failure_says_why(tmp_path: Path) -> None:
    events = lineage(tmp_path, breaks="It broke.")

    assert ends(events)[-2:] == [("FAIL", "small-one.use"), ("FAIL", "small-one")]
    assert events[-1]["run"]["facets"]["errorMessage"]["message"] == "It broke."


@pytest.mark.parametrize("how", [{}, {"failures": 1}, {"breaks": "It broke."}], ids=str)
def test_events_and_facets_follow_the_specification(
    tmp_path: Path, how: dict[str, Any], validators: dict[str, Draft202012Validator]
) -> None:
    used = {name for event in lineage(tmp_path, **how) for name in validate(event, validators)}

    assert used >= {
        "SchemaDatasetFacet",
        "ColumnLineageDatasetFacet",
        "DataQualityAssertionsDatasetFacet",
        "DataQualityMetricsDatasetFacet",
        "OutputStatisticsOutputDatasetFacet",
        "ParentRunFacet",
        "JobTypeJobFacet",
        "ProcessingEngineRunFacet",
    }
    assert ("ErrorMessageRunFacet" in used) == ("breaks" in how)


def test_what_breaks_the_specification_is_found(
    tmp_path: Path, validators: dict[str, Draft202012Validator]
) -> None:
    events = lineage(tmp_path)
    good = next(event for event in events if event.get("outputs"))
    good["outputs"][0]["facets"]["schema"]["fields"] = [{"type": "int64"}]

    with pytest.raises(ValidationError):
        validate(good, validators)
    with pytest.raises(ValidationError):
        validate({**events[0], "run": {"runId": "1"}}, validators)


def test_a_server_gets_each_event_with_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret-key")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "grid")
    with receiver(status=201) as server:
        run(tmp_path, OpenLineageSink(server.url, out=tmp_path, catalog=Known()))

    assert {(sent.method, sent.path) for sent in server.got} == {("POST", "/api/v1/lineage")}
    assert {sent.headers["authorization"] for sent in server.got} == {"Bearer secret-key"}
    events = [json.loads(sent.body) for sent in server.got]
    assert ends(events)[0] == ("START", "small-one")
    assert {event["job"]["namespace"] for event in events if "job" in event} == {"grid"}


def test_a_server_that_refuses_is_said_once(tmp_path: Path) -> None:
    with receiver(status=500) as server:
        said = run(tmp_path, OpenLineageSink(server.url, out=tmp_path, catalog=Known()))

    (warning,) = [
        event.message for event in said if isinstance(event, LogWritten) and event.level == "warning"
    ]
    assert "The OpenLineage server" in warning
    assert len(server.got) == 1


def test_a_target_that_looks_like_a_url_has_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--lineage takes"):
        OpenLineageSink("ftp://host/x", out=tmp_path, catalog=Known())
