"""A run as OpenLineage knows it: a job for the pipeline, one for each step of datasets, and the datasets.

Each run of a job starts and completes, fails or is aborted. A step that neither reads nor makes a file, such
as one whose output is a number, is told of only where it fails. What a step made carries its columns, where
each of them comes from, how much of it there is and what is lacking. The checks that a step reported are a
job of their own that reads what they checked, for the specification has assertions on what is read only. Each
dataset that is made has an event of its own as well, for whoever knows no runs. Events follow
``OpenLineage.json`` 2-0-2 and the facets' schemas; they are written as JSON here, so no library is needed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import msgspec

from gridloom import __version__
from gridloom.dag.events import (
    Event,
    FindingReported,
    OutputMade,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
)
from gridloom.dag.outcome import INTERRUPTED, RunOutcome, StepOutcome
from gridloom.files import storage_errors
from gridloom.monitor.facets import PRODUCER, assertion, error_facet, event_schema, facet, schema_facet
from gridloom.monitor.post import checked_url, post

__all__ = ["Catalog", "OpenLineageSink", "SourceDataset"]

_ENDS: Final = {
    StepOutcome.executed: "COMPLETE",
    StepOutcome.cached: "COMPLETE",
    StepOutcome.failed: "FAIL",
}
"""Event types of steps' ends; every other outcome is an ABORT."""
_ENGINE: Final = facet(
    "processing_engine", name="GridLoom", version=__version__, openlineageAdapterVersion=__version__
)
_OF_DAG, _OF_TASK = (
    facet("jobType", processingType="BATCH", integration="GRIDLOOM", jobType=kind) for kind in ("DAG", "TASK")
)


@dataclass(frozen=True, slots=True)
class SourceDataset:
    """What a step reads from outside the run.

    Attributes:
        namespace: Where it is, such as ``https://api.eia.gov``.
        name: Its name there.
        fields: Its columns and their types.
    """

    namespace: str
    name: str
    fields: Mapping[str, str]


class Catalog(Protocol):
    """Who knows what is in the files and folders that steps make."""

    def sources(self, step_id: str) -> Sequence[SourceDataset]:
        """Returns what a step reads from outside the run."""

    def fields(self, step_id: str, made: OutputMade) -> Mapping[str, str]:
        """Returns the columns of what a step made, and their types; empty if nobody knows."""

    def columns(self, made: OutputMade, source_fields: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        """Returns for columns of what was made those of a dataset with such fields that they come from."""

    def nulls(self, made: OutputMade) -> Mapping[str, int]:
        """Returns how many values each column lacks; empty if nobody knows."""


class OpenLineageSink:
    """A sink of events that tells of them by OpenLineage.

    Args:
        target: A file that lines are added to, or the URL of a server.
        out: The output folder of the run.
        catalog: Who knows what is in its files.
        namespace: Namespace of the jobs; by default ``OPENLINEAGE_NAMESPACE``, else ``default``.

    Attributes:
        kinds: The events that it wants.

    Raises:
        ConfigError: If the target begins like a URL and is none.
    """

    kinds: tuple[type[Event], ...] = (RunStarted, StepStarted, FindingReported, StepFinished, RunFinished)

    def __init__(self, target: str, *, out: Path, catalog: Catalog, namespace: str | None = None) -> None:
        self._url = checked_url(target, "--lineage") if "://" in target else None
        self._file = None if self._url else Path(target)
        self._stream: BinaryIO | None = None
        self._lines: list[bytes] = []
        self._out, self._catalog = out.absolute().as_posix(), catalog
        self._namespace = namespace or os.environ.get("OPENLINEAGE_NAMESPACE") or "default"
        self._pipeline = ""
        self._parent: dict[str, Any] = {}
        self._runs: dict[str, str] = {}
        self._started: dict[str, datetime] = {}
        self._dependencies: Mapping[str, Sequence[str]] = {}
        self._made: dict[str, list[dict[str, Any]]] = {}
        self._findings: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, event: Event) -> None:
        """Hears one event, and tells of it what OpenLineage has words for.

        Raises:
            ListenerError: If the server does not take it.
            StorageError: If the disk refuses the file.
        """
        match event:
            case StepFinished():  # first, for there are thousands of these and the next
                self._step_finished(event)
            case StepStarted():
                if event.step_id not in self._started:
                    self._step_started(event)
            case RunStarted():
                self._pipeline, self._dependencies = event.pipeline_id, event.dependencies
                self._begin("", event.at)
            case FindingReported():
                self._findings.setdefault(event.step_id, []).append(assertion(event))
            case RunFinished():
                good = event.outcome in {RunOutcome.succeeded, RunOutcome.planned}
                facets = {} if good else error_facet(event.message or event.outcome.value)
                ended = "COMPLETE" if good else "ABORT" if event.ended_as == INTERRUPTED else "FAIL"
                self._tell(ended, "", event.at, run_facets=facets)
            case _:
                pass
        if self._file and self._lines:
            self._write(self._file)
        if self._stream and type(event) is RunFinished:
            self._stream.close()

    def _begin(self, step_id: str, at: datetime, inputs: Sequence[dict[str, Any]] = ()) -> None:
        self._runs[step_id] = str(uuid.uuid4())
        self._tell("START", step_id, at, inputs=inputs)

    def _step_started(self, event: StepStarted) -> None:
        self._started[event.step_id] = event.at
        if inputs := self._inputs(event.step_id):
            self._begin(event.step_id, event.at, inputs)

    def _step_finished(self, event: StepFinished) -> None:
        step_id, kind = event.step_id, _ENDS.get(event.outcome, "ABORT")
        began = step_id in self._runs
        if not began and not event.outputs and kind != "FAIL":
            return
        inputs = self._inputs(step_id)
        if not began:
            self._begin(step_id, self._started.get(step_id, event.at), inputs)
        facets = error_facet(event.reason) if kind == "FAIL" else {}
        outputs = [self._output(step_id, made, inputs) for made in event.outputs]
        self._made[step_id] = outputs
        self._tell(kind, step_id, event.at, run_facets=facets, inputs=inputs, outputs=outputs)
        for made in outputs:
            self._send(
                {
                    "eventTime": event.at.isoformat(),
                    "producer": PRODUCER,
                    "schemaURL": event_schema("DatasetEvent"),
                    "dataset": _plain(made),
                }
            )
        checked = self._findings.pop(step_id, [])
        if checked and outputs:
            assertions = facet("dataQualityAssertions", assertions=checked)
            name = f"{step_id}/checks"  # no step can be called so
            self._begin(name, event.at)
            read = [{**_plain(made), "inputFacets": assertions} for made in outputs]
            self._tell("COMPLETE", name, event.at, inputs=read)

    def _inputs(self, step_id: str) -> list[dict[str, Any]]:
        read = [
            {
                "namespace": source.namespace,
                "name": source.name,
                "facets": schema_facet(source.fields),
            }
            for source in self._catalog.sources(step_id)
        ]
        above = self._dependencies.get(step_id, ())
        return read + [_plain(made) for name in above for made in self._made.get(name, ())]

    def _output(self, step_id: str, made: OutputMade, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        rows = {} if made.rows is None else {"rowCount": made.rows}
        facets = {
            **schema_facet(self._catalog.fields(step_id, made)),
            **self._column_lineage(made, inputs),
            **facet(
                "dataQualityMetrics",
                **rows,
                bytes=made.size_bytes,
                columnMetrics={
                    column: {"nullCount": nulls} for column, nulls in self._catalog.nulls(made).items()
                },
            ),
        }
        return {
            "namespace": "file",
            "name": f"{self._out}/{made.path}",
            "facets": facets,
            "outputFacets": facet("outputStatistics", **rows, size=made.size_bytes),
        }

    def _column_lineage(self, made: OutputMade, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        fields: dict[str, dict[str, list[dict[str, str]]]] = {}
        for dataset in inputs:
            known = {
                field["name"]: field["type"]
                for field in dataset["facets"].get("schema", {}).get("fields", ())
            }
            for column, sources in self._catalog.columns(made, known).items():
                fields.setdefault(column, {"inputFields": []})["inputFields"] += [
                    {"namespace": dataset["namespace"], "name": dataset["name"], "field": source}
                    for source in sources
                ]
        return facet("columnLineage", fields=fields) if fields else {}

    def _tell(
        self,
        kind: str,
        step_id: str,
        at: datetime,
        *,
        run_facets: Mapping[str, Any] | None = None,
        inputs: Sequence[dict[str, Any]] = (),
        outputs: Sequence[dict[str, Any]] = (),
    ) -> None:
        self._send(
            {
                "eventType": kind,
                "eventTime": at.isoformat(),
                "producer": PRODUCER,
                "schemaURL": event_schema("RunEvent"),
                "run": {
                    "runId": self._runs[step_id],
                    "facets": {**self._of_run(step_id), **(run_facets or {})},
                },
                "job": {
                    "namespace": self._namespace,
                    "name": f"{self._pipeline}.{step_id}" if step_id else self._pipeline,
                    "facets": _OF_TASK if step_id else _OF_DAG,
                },
                "inputs": inputs,
                "outputs": outputs,
            }
        )

    def _of_run(self, step_id: str) -> Mapping[str, Any]:
        """Returns what is said of each run of a job: the engine, or the run that it is part of."""
        if not step_id:
            return _ENGINE
        if not self._parent:
            job = {"namespace": self._namespace, "name": self._pipeline}
            self._parent = facet("parent", run={"runId": self._runs[""]}, job=job)
        return self._parent

    def _write(self, file: Path) -> None:
        with storage_errors("write", file):
            if self._stream is None:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._stream = file.open("ab", buffering=0)
            # whole lines by one write at the end of the file, so that several runs can add to it
            self._stream.write(b"\n".join((*self._lines, b"")))
            self._lines.clear()

    def _send(self, message: Mapping[str, Any]) -> None:
        data = msgspec.json.encode(message)
        if self._url is None:
            self._lines.append(data)
        else:
            endpoint = os.environ.get("OPENLINEAGE_ENDPOINT") or "api/v1/lineage"
            key = os.environ.get("OPENLINEAGE_API_KEY")
            post(
                f"{self._url.rstrip('/')}/{endpoint.lstrip('/')}",
                data,
                what="The OpenLineage server",
                content_type="application/json",
                headers={"Authorization": f"Bearer {key}"} if key else None,
            )


def _plain(made: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an output as what reads it names it."""
    return {"namespace": made["namespace"], "name": made["name"], "facets": made["facets"]}
