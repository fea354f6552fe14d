from __future__ import annotations

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.monitor.runs import run
from tests.support.receivers import receiver

from gridloom.dag.events import LogWritten
from gridloom.errors import ConfigError
from gridloom.monitor.prometheus import PrometheusMetrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: bytes) -> Samples:
    """Returns every sample of a text in Prometheus' format, by its name and labels but the pipeline."""
    return {
        (sample.name, frozenset(sample.labels.items()) - {("pipeline", "small-one")}): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, /, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_a_run_is_counted_by_step_and_route(tmp_path: Path) -> None:
    metrics = PrometheusMetrics(routes={"make": "region-data"})
    run(tmp_path, metrics)

    found = samples(metrics.text())
    make = {"step": "make", "route": "region-data"}
    assert value(found, "gridloom_rows_received_total", **make) == 100
    assert value(found, "gridloom_requests_total", **make) == 4
    assert value(found, "gridloom_retries_total", **make) == 1
    assert value(found, "gridloom_bytes_received_total", **make) == 1000
    assert value(found, "gridloom_rows_total", step="use", route="") == 3
    assert value(found, "gridloom_steps", state="executed") == 2
    assert value(found, "gridloom_run_outcome", outcome="succeeded") == 1
    assert value(found, "gridloom_run_outcome", outcome="failed") == 0
    assert value(found, "gridloom_cache_decisions_total", hit="false") == 1
    assert value(found, "gridloom_step_progress_ratio", step="make") == 1
    assert value(found, "gridloom_step_metric", step="make", name="mean", unit="MWh") == 4.5
    assert (
        value(found, "gridloom_findings_total", step="make", check="even", required="false", passed="false")
        == 1
    )
    assert value(found, "gridloom_step_duration_seconds", step="use", outcome="executed") > 0
    assert value(found, "gridloom_run_end_time_seconds") >= value(found, "gridloom_run_start_time_seconds")


def test_a_second_run_hits_the_cache(tmp_path: Path) -> None:
    run(tmp_path)
    metrics = PrometheusMetrics()
    run(tmp_path, metrics)

    found = samples(metrics.text())
    assert value(found, "gridloom_cache_decisions_total", hit="true") == 1
    assert value(found, "gridloom_steps", state="cached") == 1


def test_counters_go_on_over_failed_attempts(tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    run(tmp_path, metrics, failures=2)

    found = samples(metrics.text())
    make = {"step": "make", "route": ""}
    assert value(found, "gridloom_attempts_total", **make) == 3
    assert value(found, "gridloom_attempts_failed_total", **make) == 2
    assert value(found, "gridloom_requests_total", **make) == 12


def test_names_follow_the_conventions(tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    run(tmp_path, metrics, breaks="No.")

    for family in text_string_to_metric_families(metrics.text().decode()):
        assert re.fullmatch(r"gridloom_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")
            assert sample.labels["pipeline"] == "small-one"


def test_the_textfile_is_written_at_the_end(tmp_path: Path) -> None:
    place = tmp_path / "textfiles" / "small.prom"
    metrics = PrometheusMetrics(textfile=place)
    run(tmp_path / "out", metrics)

    assert value(samples(place.read_bytes()), "gridloom_run_outcome", outcome="succeeded") == 1
    assert [path.name for path in place.parent.iterdir()] == ["small.prom"]


def test_a_pushgateway_gets_the_pipelines_group(tmp_path: Path) -> None:
    with receiver() as gateway:
        run(tmp_path, PrometheusMetrics(pushgateway=gateway.url + "/"))

    (sent,) = gateway.got
    assert (sent.method, sent.path) == ("PUT", "/metrics/job/gridloom/pipeline/small-one")
    assert value(samples(sent.body), "gridloom_run_outcome", outcome="succeeded") == 1


def test_a_gateway_that_refuses_is_said_once_without_its_path(tmp_path: Path) -> None:
    with receiver(status=400) as gateway:
        said = run(tmp_path, PrometheusMetrics(pushgateway=f"{gateway.url}/secret"))

    (warning,) = [event for event in said if isinstance(event, LogWritten) and event.level == "warning"]
    assert f"The Pushgateway at {gateway.url}/*** answered with status 400" in warning.message
    assert "/secret" not in warning.message


def test_a_port_that_is_taken_is_bad_input() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port}.*--metrics-port"):
            PrometheusMetrics(listen=("127.0.0.1", port)).__enter__()


def test_every_metric_of_rules_and_dashboard_is_one_of_a_run(tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    run(tmp_path, metrics)
    known = {name for name, _ in samples(metrics.text())}

    for file in ("prometheus/rules.yml", "grafana/gridloom.json"):
        asked = set(re.findall(r"gridloom_[a-z_]+", (DEPLOY / file).read_text(encoding="utf-8")))
        assert asked - known == set(), file
        assert len(asked) > 3


def test_the_dashboard_has_no_panel_over_another() -> None:
    panels = json.loads((DEPLOY / "grafana" / "gridloom.json").read_text(encoding="utf-8"))["panels"]

    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    """Where Prometheus' own programs are; skips where they are not, unless that is not allowed."""
    found = {name: shutil.which(name) for name in ("prometheus", "promtool")}
    missing = [name for name, path in found.items() if path is None]
    if missing and os.environ.get("GRIDLOOM_TEST_PROMETHEUS") != "required":
        pytest.skip(f"needs {' and '.join(missing)} (Debian's package prometheus)")
    assert not missing
    return {name: str(path) for name, path in found.items()}


@contextmanager
def prometheus(program: str, folder: Path, targets: list[str]) -> Iterator[str]:
    """Gives the URL of a Prometheus with the rules of ``deploy/`` that scrapes some targets all the time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shutil.copy(DEPLOY / "prometheus" / "rules.yml", folder)
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "gridloom", "static_configs": [{"targets": targets}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def asked(url: str, path: str, enough: Any, *, most_s: float = 30.0) -> Any:
    """Returns what Prometheus answers, once that is enough."""
    until_s = time.monotonic() + most_s
    answer = None
    while time.monotonic() < until_s:
        try:
            with urlopen(f"{url}/api/v1/{path}", timeout=5) as response:
                answer = json.load(response)["data"]
        except OSError:
            pass
        else:
            if enough(answer):
                return answer
        time.sleep(0.1)
    raise AssertionError(f"{path} never came to what was waited for: {answer}")


def test_prometheus_scrapes_runs_and_its_rules_fire_on_the_failed_one(
    programs: dict[str, str], tmp_path: Path
) -> None:
    local = ("127.0.0.1", 0)
    with PrometheusMetrics(listen=local) as good, PrometheusMetrics(listen=local) as bad:
        targets = [f"127.0.0.1:{metrics.port}" for metrics in (good, bad)]
        with prometheus(programs["prometheus"], tmp_path, targets) as url:
            run(tmp_path / "good", good)
            run(tmp_path / "bad", bad, breaks="It broke.")
            alerts = asked(
                url,
                "alerts",
                lambda data: (
                    {alert["labels"]["alertname"] for alert in data["alerts"]}
                    >= {"GridLoomRunFailed", "GridLoomDataWanting"}
                ),
            )["alerts"]
            query = quote('gridloom_requests_total{step="make"}')
            requests = asked(url, f"query?query={query}", lambda data: len(data["result"]) == 2)["result"]

    failed = [alert for alert in alerts if alert["labels"]["alertname"] == "GridLoomRunFailed"]
    assert [(alert["state"], alert["labels"]["instance"]) for alert in failed] == [("firing", targets[1])]
    assert failed[0]["annotations"]["summary"] == "The last run of small-one ended as failed."
    assert {result["value"][1] for result in requests} == {"4"}


def test_promtool_finds_the_metrics_well_named(programs: dict[str, str], tmp_path: Path) -> None:
    metrics = PrometheusMetrics()
    run(tmp_path, metrics)

    done = subprocess.run(
        [programs["promtool"], "check", "metrics"], input=metrics.text(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("file", ["rules.yml", "prometheus.yml"])
def test_promtool_takes_the_files_of_deploy(programs: dict[str, str], file: str) -> None:
    kind = "rules" if file == "rules.yml" else "config"
    command = [programs["promtool"], "check", kind, str(DEPLOY / "prometheus" / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_end_does_not_wait_for_the_server_to_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # it looks up after an hour, and the test may take two minutes
    monkeypatch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (3600.0,))
    for listen in (("127.0.0.1", 0), ("0.0.0.0", 0)):
        with PrometheusMetrics(listen=listen) as metrics:
            port = metrics.port
        with pytest.raises(OSError), urlopen(f"http://localhost:{port}/metrics", timeout=5):
            pass
