from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridloom.errors import ConfigError
from gridloom.pipelines.listener_options import LISTENER_HELP, NOBODY, ListenerOptions


def test_nothing_given_is_nobody() -> None:
    assert ListenerOptions.of(dict.fromkeys(LISTENER_HELP), environ={}) == NOBODY


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("localhost:65535", ("localhost", 65535)),
        ("[::1]:9464", ("::1", 9464)),
    ],
)
def test_an_address_is_on_this_machine_unless_it_says_otherwise(text: str, address: tuple[str, int]) -> None:
    assert ListenerOptions.of({"metrics_port": text}, environ={}).metrics_port == address


BAD = {
    "a port of none": ({"metrics_port": "0"}, "--metrics-port takes a port"),
    "a port too high": ({"metrics_port": "65536"}, "--metrics-port takes a port"),
    "a word": ({"metrics_port": "http"}, "got 'http'"),
    "a text file of another name": ({"metrics_textfile": "m.txt"}, "ends in .prom"),
    "a gateway without scheme": ({"pushgateway": "host:9091"}, "--pushgateway takes an http"),
    "a hook without scheme": ({"notify": "slack:T/B/x"}, "--notify takes an http"),
    "a hook of the wrong scheme": ({"notify": ("ftp://host/x",)}, "with 'slack:' before it"),
    "lineage of the wrong scheme": ({"lineage": "ftp://host/x"}, "--lineage takes a file, or an http"),
    "lineage into a folder": ({"lineage": "."}, "--lineage takes a file or a URL, and '.' is a folder"),
    "an empty file of lineage": ({"lineage": ""}, "--lineage is empty"),
    "an empty store": ({"mlflow": ""}, "--mlflow is empty"),
    "an empty hook among others": ({"notify": ("https://a.example/x", "")}, "--notify is empty"),
    "an unknown occasion": ({"notify_on": "failure,success"}, "failure, recovery, findings"),
}


@pytest.mark.parametrize(("flags", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_said(flags: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ListenerOptions.of(flags, environ={})


def test_the_environment_speaks_where_no_flag_does() -> None:
    environ = {"GRIDLOOM_NOTIFY": " https://a.example/x "}

    assert ListenerOptions.of({}, environ=environ).notify == ("https://a.example/x",)
    flag = {"notify": "https://b.example/y"}
    assert ListenerOptions.of(flag, environ=environ).notify == ("https://b.example/y",)
    assert ListenerOptions.of({}, environ={"GRIDLOOM_NOTIFY": " "}).notify == ()


def test_there_may_be_several_receivers_of_messages() -> None:
    urls = ("https://a.example/x", "slack:https://b.example/y")

    assert ListenerOptions.of({"notify": (*urls, urls[0])}, environ={}).notify == urls
    assert ListenerOptions.of({"notify": ()}, environ={"GRIDLOOM_NOTIFY": urls[0]}).notify == urls[:1]


def test_a_server_of_the_environment_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="OPENLINEAGE_URL takes an http"):
        ListenerOptions.of({}, environ={"OPENLINEAGE_URL": "foo"})
    file = ListenerOptions.of({"lineage": "foo"}, environ={"OPENLINEAGE_URL": "foo"})
    assert file.lineage == "foo"


def test_the_home_folder_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = ListenerOptions.of({"lineage": "~/l.jsonl", "metrics_textfile": "~/m.prom"}, environ={})

    assert options.lineage == str(tmp_path / "l.jsonl")
    assert options.metrics_textfile == tmp_path / "m.prom"


def test_addresses_are_not_shown() -> None:
    options = ListenerOptions.of({"notify": "https://a.example/secret", "metrics_textfile": "m.prom"})

    assert repr(options) == "ListenerOptions(metrics_textfile=…, notify=…)"


def test_occasions_and_files_are_read() -> None:
    options = ListenerOptions.of({"notify_on": "findings, failure", "metrics_textfile": "a/m.prom"})

    assert options.notify_on == ("failure", "findings")
    assert options.metrics_textfile == Path("a/m.prom")


def test_a_collector_in_the_environment_is_told_unless_it_is_one_for_grpc() -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}

    assert ListenerOptions.of({}, environ=environ).otel
    assert not ListenerOptions.of({}, environ={}).otel
    assert not ListenerOptions.of({}, environ={**environ, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).otel
    assert not ListenerOptions.of({"otel": True}, environ={**environ, "OTEL_SDK_DISABLED": "true"}).otel


def test_mlflow_in_the_environment_is_told_where_its_extra_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}

    assert ListenerOptions.of({}, environ=environ).mlflow == "http://mlflow:5000"
    assert ListenerOptions.of({"mlflow": "sqlite:///a.db"}, environ=environ).mlflow == "sqlite:///a.db"
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)
    assert ListenerOptions.of({}, environ=environ).mlflow is None


def test_a_server_for_lineage_in_the_environment_is_told() -> None:
    environ = {"OPENLINEAGE_URL": "http://marquez:5000"}

    assert ListenerOptions.of({}, environ=environ).lineage == "http://marquez:5000"
    assert ListenerOptions.of({}, environ={**environ, "OPENLINEAGE_DISABLED": "true"}).lineage is None
