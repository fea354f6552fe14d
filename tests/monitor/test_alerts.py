from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.monitor.runs import run
from tests.support.receivers import Receiver, receiver

from gridloom.dag.events import LogWritten, RunFinished
from gridloom.dag.outcome import RunOutcome
from gridloom.errors import ConfigError, ListenerError
from gridloom.monitor.alerts import WebhookAlerts
from gridloom.monitor.post import checked_url, post, shown_url


def message(got: Receiver) -> dict[str, Any]:
    (sent,) = got.got
    assert sent.method == "POST"
    assert sent.headers["content-type"] == "application/json"
    return dict(json.loads(sent.body))


def test_a_failed_run_says_what_failed_and_what_was_found(tmp_path: Path) -> None:
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(f"{hook.url}/hook"), breaks="The disk is on fire.")

    said = message(hook)
    assert hook.got[0].path == "/hook"
    assert said["occasion"] == "failure"
    assert said["outcome"] == "failed"
    assert said["pipeline"] == {"id": "small-one", "name": "Small one"}
    assert said["error"] == {"type": "RawDataError", "message": "The disk is on fire."}
    assert [step["step_id"] for step in said["failed_steps"]] == ["use"]
    assert [finding["name"] for finding in said["findings"]] == ["even"]
    assert said["run_id"] in said["text"]
    assert "The disk is on fire." in said["text"]


def test_that_somebody_stopped_a_run_is_no_message() -> None:
    def ended(error_type: str) -> RunFinished:
        return RunFinished(
            seq=1,
            at=datetime.now(UTC),
            run_id="r",
            outcome=RunOutcome.failed,
            duration_s=1.0,
            error_type=error_type,
        )

    with receiver() as hook:
        WebhookAlerts(hook.url)(ended("InterruptedRunError"))
        assert hook.got == []
        WebhookAlerts(hook.url)(ended("RawDataError"))

    assert message(hook)["occasion"] == "failure"


def test_a_run_that_succeeds_after_a_failed_one_is_a_recovery(tmp_path: Path) -> None:
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(hook.url, recovers=True))

    assert message(hook)["occasion"] == "recovery"
    assert "works again" in message(hook)["text"]


def test_checks_that_did_not_hold_are_told_of_a_run_that_succeeded(tmp_path: Path) -> None:
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(hook.url))

    said = message(hook)
    assert (said["occasion"], said["outcome"], said["error"]) == ("findings", "succeeded", None)
    assert said["findings"] == [{"step_id": "make", "name": "even", "required": False, "detail": "3 are odd"}]


@pytest.mark.parametrize("occasions", [("failure",), ("failure", "recovery")])
def test_what_nobody_wants_to_hear_is_not_sent(tmp_path: Path, occasions: Any) -> None:
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(hook.url, occasions=occasions))

    assert hook.got == []


def test_a_run_from_the_cache_without_findings_says_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(hook.url))

    assert hook.got == []


def test_slack_gets_a_text_without_markup(tmp_path: Path) -> None:
    with receiver() as hook:
        run(tmp_path, WebhookAlerts(f"slack:{hook.url}/services/T/B/secret"), breaks="<!channel> & more")

    said = message(hook)
    assert set(said) == {"text"}
    assert "&lt;!channel&gt; &amp; more" in said["text"]


def test_slacks_host_is_known() -> None:
    assert WebhookAlerts("https://hooks.slack.com/services/T/B/x")._slack
    assert not WebhookAlerts("https://hooks.slack.com.example.org/services/T/B/x")._slack


@pytest.mark.parametrize("status", [301, 307, 404, 500])
def test_a_refusal_is_a_warning_without_the_secret_and_the_run_is_as_it_was(
    tmp_path: Path, status: int
) -> None:
    with receiver(status=status) as hook:
        said = run(tmp_path, WebhookAlerts(f"{hook.url}/secret-token?key=secret-token"))

    warnings = [event.message for event in said if isinstance(event, LogWritten) and event.level == "warning"]
    assert len(warnings) == 1
    assert f"status {status}" in warnings[0]
    assert "secret-token" not in str(said)
    assert [event.outcome for event in said if isinstance(event, RunFinished)] == ["succeeded"]


def test_who_never_answers_is_given_up(tmp_path: Path) -> None:
    with receiver(hangs=True) as hook, pytest.raises(ListenerError, match="did not answer") as caught:
        post(f"{hook.url}/secret", b"{}", what="It", content_type="application/json", timeout_s=0.2)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "url",
    ["", "hooks.slack.com/x", "ftp://host/x", "http://", "http://host:port/x", "http://a b/", "file:///x"],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="--notify takes an http or https URL") as caught:
        checked_url(url, "--notify")

    assert not url or url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.slack.com/services/T/B/x", "https://hooks.slack.com/***"),
        ("http://user:secret@host:80", "http://host:80/***"),
        ("https://host?token=x", "https://host/***"),
        ("http://host:9091/", "http://host:9091"),
    ],
)
def test_of_a_url_only_its_host_is_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown
