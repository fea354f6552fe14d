from __future__ import annotations

from pathlib import Path

import pytest
from tests.monitor.runs import run
from tests.support.receivers import receiver

from gridloom.errors import ConfigError
from gridloom.monitor.otlp_settings import OtlpSettings
from gridloom.monitor.telemetry import OpenTelemetrySink

OTLP = "OTEL_EXPORTER_OTLP_"


def test_where_to_is_this_machine_unless_it_is_said() -> None:
    targets = OtlpSettings.of({}).targets

    assert {signal: target.url for signal, target in targets.items()} == {
        "traces": "http://localhost:4318/v1/traces",
        "metrics": "http://localhost:4318/v1/metrics",
        "logs": "http://localhost:4318/v1/logs",
    }


def test_what_is_said_of_one_signal_goes_before_what_is_said_of_all() -> None:
    targets = OtlpSettings.of(
        {
            f"{OTLP}ENDPOINT": "https://all.example/otlp/",
            f"{OTLP}TRACES_ENDPOINT": "https://traces.example/here",
            f"{OTLP}HEADERS": "api-key=a%20b, X-Team=grid",
            f"{OTLP}LOGS_HEADERS": "api-key=c",
            f"{OTLP}TIMEOUT": "1500",
            f"{OTLP}METRICS_COMPRESSION": "gzip",
            "OTEL_LOGS_EXPORTER": "otlp",
        }
    ).targets

    assert targets["traces"].url == "https://traces.example/here"
    assert targets["metrics"].url == "https://all.example/otlp/v1/metrics"
    assert targets["traces"].headers == {"api-key": "a b", "x-team": "grid"}
    assert targets["logs"].headers == {"api-key": "c"}
    assert targets["traces"].timeout_s == 1.5
    assert [targets[signal].gzipped for signal in ("traces", "metrics")] == [False, True]
    assert "a b" not in repr(targets)


def test_a_signal_that_is_turned_off_has_no_target() -> None:
    assert set(OtlpSettings.of({"OTEL_METRICS_EXPORTER": "none"}).targets) == {"traces", "logs"}


def test_the_resource_names_the_service() -> None:
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=a,deployment.environment.name=prod%2C1"}

    assert OtlpSettings.of(environ).resource["service.name"] == "a"
    assert OtlpSettings.of(environ).resource["deployment.environment.name"] == "prod,1"
    assert OtlpSettings.of({**environ, "OTEL_SERVICE_NAME": "b"}).resource["service.name"] == "b"
    assert OtlpSettings.of({}).resource["service.name"] == "gridloom"


LOW, HIGH = b"\0" * 16, b"\xff" * 16


@pytest.mark.parametrize(
    ("sampler", "argument", "trace", "parent", "kept"),
    [
        ("", "", HIGH, None, True),
        ("", "", HIGH, False, False),
        ("always_on", "", HIGH, False, True),
        ("always_off", "", LOW, True, False),
        ("traceidratio", "0.5", LOW, False, True),
        ("traceidratio", "0.5", HIGH, True, False),
        ("traceidratio", "0", LOW, None, False),
        ("parentbased_traceidratio", "0.5", HIGH, True, True),
        ("parentbased_always_off", "", LOW, None, False),
    ],
)
def test_samplers(sampler: str, argument: str, trace: bytes, parent: bool | None, kept: bool) -> None:
    settings = OtlpSettings.of({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})

    assert settings.samples(trace, parent=parent) is kept


BAD = {
    "endpoint": ({f"{OTLP}ENDPOINT": "host:4318"}, f"{OTLP}ENDPOINT takes an http or https URL"),
    "protocol": ({f"{OTLP}TRACES_PROTOCOL": "grpc"}, f"{OTLP}TRACES_PROTOCOL is 'grpc'"),
    "compression": ({f"{OTLP}COMPRESSION": "zip"}, "takes gzip or none, got 'zip'"),
    "timeout": ({f"{OTLP}TIMEOUT": "soon"}, f"{OTLP}TIMEOUT takes a number that is not negative, got 'soon'"),
    "headers": ({f"{OTLP}HEADERS": "secret-word"}, f"{OTLP}HEADERS takes pairs"),
    "exporter": ({"OTEL_TRACES_EXPORTER": "zipkin"}, "takes otlp or none, got 'zipkin'"),
    "sampler": ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "Choose from always_on"),
    "ratio": ({"OTEL_TRACES_SAMPLER_ARG": "2"}, "from 0 to 1"),
}


@pytest.mark.parametrize(("environ", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_said(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        OtlpSettings.of(environ)

    assert "secret-word" not in str(caught.value)


def test_certificates_that_are_not_there_are_said_before_any_work(tmp_path: Path) -> None:
    environ = {f"{OTLP}CERTIFICATE": str(tmp_path / "none.pem")}

    with pytest.raises(ConfigError, match=r"none\.pem"):
        OpenTelemetrySink(environ)


def test_headers_go_with_each_request_and_are_shown_nowhere(tmp_path: Path) -> None:
    with receiver() as server:
        environ = {f"{OTLP}ENDPOINT": server.url, f"{OTLP}HEADERS": "api-key=secret-word"}
        said = run(tmp_path, OpenTelemetrySink(environ))

    assert {sent.headers["api-key"] for sent in server.got} == {"secret-word"}
    assert "secret-word" not in repr(said)


def test_a_trace_that_is_not_sampled_is_not_sent_but_its_logs_are(tmp_path: Path) -> None:
    with receiver() as server:
        run(tmp_path, OpenTelemetrySink({f"{OTLP}ENDPOINT": server.url, "OTEL_TRACES_SAMPLER": "always_off"}))

    assert {sent.path for sent in server.got} == {"/v1/metrics", "/v1/logs"}
