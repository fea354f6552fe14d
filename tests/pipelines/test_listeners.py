from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.monitor.runs import pipeline
from tests.support.receivers import Receiver, receiver

from gridloom.dag import RunOutcome
from gridloom.dag.events import LogWritten
from gridloom.errors import MissingExtraError, UsageError
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.listeners import listening
from gridloom.pipelines.reporting import run_reported


def occasions(hook: Receiver) -> list[str]:
    return [json.loads(sent.body)["occasion"] for sent in hook.got]


def test_with_nobody_there_is_no_sink(tmp_path: Path) -> None:
    with listening(NOBODY, pipeline(tmp_path)) as sinks:
        assert sinks == []


def test_failure_recovery_and_then_what_was_found(tmp_path: Path) -> None:
    with receiver() as hook:
        options = ListenerOptions(notify=(hook.url,))
        for breaks in ("It broke.", "", ""):
            run_reported(pipeline(tmp_path, breaks=breaks), [].append, options)

    # the third takes everything from the cache, so nothing is found
    assert occasions(hook) == ["failure", "recovery"]


def test_a_run_of_another_pipeline_is_no_failure_to_recover_from(tmp_path: Path) -> None:
    with receiver() as hook:
        options = ListenerOptions(notify=(hook.url,), notify_on=("recovery",))
        run_reported(pipeline(tmp_path, breaks="It broke."), [].append)
        other = pipeline(tmp_path)
        other.config = other.config.model_copy(update={"pipeline_id": "another"})
        run_reported(other, [].append, options)

    assert hook.got == []


def test_a_listener_that_hangs_changes_nothing_about_the_run(tmp_path: Path) -> None:
    said: list[Any] = []
    with receiver(hangs=True) as hook:
        options = ListenerOptions(notify=(hook.url,), pushgateway=hook.url)
        result, report = run_reported(pipeline(tmp_path), said.append, options)

    assert result.outcome is RunOutcome.succeeded
    assert "report_problem" not in report
    warnings = [event.message for event in said if isinstance(event, LogWritten) and event.level == "warning"]
    assert len(warnings) == 2
    assert "WebhookAlerts" in warnings[0] + warnings[1]
    assert "PrometheusMetrics" in warnings[0] + warnings[1]


def test_a_port_that_is_taken_stops_before_any_work(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        options = ListenerOptions(metrics_port=("127.0.0.1", other.getsockname()[1]))
        with pytest.raises(UsageError, match="cannot be served"):
            run_reported(pipeline(tmp_path), [].append, options)

    assert list(tmp_path.iterdir()) == []


def test_an_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)
    options = ListenerOptions(metrics_textfile=tmp_path / "m.prom")

    with pytest.raises(MissingExtraError, match=r"pip install 'gridloom\[metrics\]'"):
        run_reported(pipeline(tmp_path), [].append, options)
