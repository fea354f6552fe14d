"""What a collector gets, read with OpenTelemetry's own protobuf definitions."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.cli.conftest import SMALL
from tests.e2e.processes import gridloom
from tests.monitor.runs import run
from tests.support.receivers import Receiver, receiver

from gridloom.dag.events import Event, LogWritten, RunFinished
from gridloom.monitor.telemetry import OpenTelemetrySink

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


@dataclass
class Told:
    """What a collector got."""

    spans: list[Span] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)

    def parent(self, span: Span) -> str:
        """Name of a span's parent; empty if it has none."""
        names = {each.span_id: each.name for each in self.spans}
        return names[span.parent_span_id] if span.parent_span_id else ""

    def shape(self) -> Counter[tuple[str, str]]:
        """How many spans there are by name and parent's name."""
        return Counter((span.name, self.parent(span)) for span in self.spans)


def told(collector: Receiver) -> Told:
    """Reads all that came to a collector."""
    found = Told()
    for sent in collector.got:
        assert sent.headers["content-type"] == "application/x-protobuf"
        packed = sent.headers.get("content-encoding") == "gzip"
        message: Any = REQUESTS[sent.path]()
        message.ParseFromString(gzip.decompress(sent.body) if packed else sent.body)
        for part in (
            getattr(message, "resource_spans", None)
            or getattr(message, "resource_metrics", None)
            or message.resource_logs
        ):
            found.resources.append(facts(part.resource))
            for scope in getattr(part, "scope_spans", ()):
                found.spans += scope.spans
            for scope in getattr(part, "scope_metrics", ()):
                found.metrics += scope.metrics
            for scope in getattr(part, "scope_logs", ()):
                found.logs += scope.log_records
    return found


def facts(of: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


def traced(
    monkeypatch: pytest.MonkeyPatch, out: Path, status: int = 200, **how: Any
) -> tuple[Told, list[Event]]:
    """Runs the small pipeline with a collector; returns what that got, and what the run said."""
    with receiver(status=status) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with OpenTelemetrySink() as sink:
            said = run(out, sink, **how)
    return told(collector), said


def test_a_run_is_one_trace_with_its_steps_and_their_attempts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, said = traced(monkeypatch, tmp_path, failures=1)

    assert found.shape() == {
        ("run small-one", ""): 1,
        ("make", "run small-one"): 1,
        ("use", "run small-one"): 1,
        ("attempt 1", "make"): 1,
        ("attempt 2", "make"): 1,
        ("attempt 1", "use"): 1,
    }
    assert len({span.trace_id for span in found.spans}) == 1
    spans = {(span.name, found.parent(span)): span for span in found.spans}
    for span in found.spans:
        if span.parent_span_id:
            (outer,) = [each for each in found.spans if each.span_id == span.parent_span_id]
            assert outer.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= outer.end_time_unix_nano
    first = spans["attempt 1", "make"]
    assert first.status.code == Status.STATUS_CODE_ERROR
    assert facts(first)["error.type"] == "RawDataError"
    assert facts(first.events[0])["exception.message"] == "The numbers were not there."
    assert spans["attempt 2", "make"].status.code == Status.STATUS_CODE_UNSET
    assert facts(spans["run small-one", ""])["gridloom.run.id"] == said[0].run_id
    assert facts(spans["make", "run small-one"])["gridloom.outcome"] == "executed"
    assert {resource["service.name"] for resource in found.resources} == {"gridloom"}


def test_a_failed_run_is_an_error_up_to_its_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found, _ = traced(monkeypatch, tmp_path, breaks="It broke.")

    wrong = {(span.name, found.parent(span)) for span in found.spans if span.status.code}
    assert wrong == {("run small-one", ""), ("use", "run small-one"), ("attempt 1", "use")}


def test_logs_and_findings_stand_in_the_span_that_said_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found, _ = traced(monkeypatch, tmp_path)

    attempt = next(span for span in found.spans if found.parent(span) == "make")
    logs = {log.body.string_value: log for log in found.logs if log.span_id == attempt.span_id}
    assert set(logs) == {"Numbers are made.", "even: 3 are odd"}
    assert logs["even: 3 are odd"].severity_text == "WARN"
    assert {log.trace_id for log in logs.values()} == {attempt.trace_id}


def test_metrics_are_those_of_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found, _ = traced(monkeypatch, tmp_path, failures=1)

    metrics = {metric.name: metric for metric in found.metrics}
    points = {
        facts(point)["gridloom.step.id"]: point.as_int
        for point in metrics["gridloom.requests"].sum.data_points
    }
    assert points == {"make": 8, "use": 0}
    assert metrics["gridloom.requests"].sum.is_monotonic
    assert metrics["gridloom.bytes_received"].unit == "By"
    assert sum(point.count for point in metrics["gridloom.step.duration"].histogram.data_points) == 2


def test_a_cached_step_is_a_span_without_an_attempt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(tmp_path)
    found, _ = traced(monkeypatch, tmp_path)

    assert found.shape()["make", "run small-one"] == 1
    assert [name for name, parent in found.shape() if parent == "make"] == []


def test_the_run_stands_in_the_trace_that_started_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACEPARENT", f"00-{'a' * 32}-{'b' * 16}-01")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "nightly")
    with receiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with OpenTelemetrySink() as sink:
            run(tmp_path, sink)
    found = told(collector)

    assert {span.trace_id.hex() for span in found.spans} == {"a" * 32}
    (root,) = [span for span in found.spans if span.name == "run small-one"]
    assert root.parent_span_id.hex() == "b" * 16
    assert {resource["service.name"] for resource in found.resources} == {"nightly"}


def test_signals_that_the_environment_turns_off_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    found, _ = traced(monkeypatch, tmp_path)

    assert found.spans
    assert (found.metrics, found.logs) == ([], [])


@pytest.mark.parametrize("status", [404, 503])
def test_a_collector_that_refuses_is_said_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    _, said = traced(monkeypatch, tmp_path, status=status)

    warnings = [event.message for event in said if isinstance(event, LogWritten) and event.level == "warning"]
    assert len(warnings) == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in warnings[0]
    assert [event.outcome for event in said if isinstance(event, RunFinished)] == ["succeeded"]
    assert capfd.readouterr().err == ""


def test_every_request_of_a_real_run_is_a_client_span_in_its_attempt(tmp_path: Path) -> None:
    with receiver() as collector:
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        done = gridloom(*SMALL, "--json", cwd=tmp_path, environ=environ)
    found = told(collector)

    assert done.code == 0, done.err
    requests = [span for span in found.spans if span.kind == Span.SPAN_KIND_CLIENT]
    events = next((tmp_path / "data" / "runs").glob("*/events.jsonl")).read_text(encoding="utf-8")
    assert len(requests) == events.count('"type":"request"') == done.json["http_requests"]
    attempts = {span.span_id: found.parent(span) for span in found.spans if span.name == "attempt 1"}
    assert {attempts[span.parent_span_id] for span in requests} == {"extract-region-data"}
    said = [facts(span) for span in requests]
    assert {each["http.response.status_code"] for each in said} == {200}
    assert all(each["url.full"].startswith("http://127.0.0.1:") for each in said)
    assert {each["url.full"].partition("/v2/")[2] for each in said} == {
        "electricity/rto/region-data",
        "electricity/rto/region-data/data/",
    }
