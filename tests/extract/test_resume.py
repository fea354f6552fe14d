"""Runs that are killed, refused and asked again: what landed stays, and what changed is said."""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from pydantic import SecretStr
from tests.extract.fake_api import CANARY, FakeAPI, Scripted, rows_of

from gridloom.dag import PipelineDAG, PipelineDAGConfig, StepContext, StepOutcome
from gridloom.errors import SourceAnswerError
from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.hours import HourRange
from gridloom.sample import sample_path

PROGRAM = """
import sys
from pathlib import Path
from gridloom.dag import StepContext
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep

step = EIAExtractStep(EIAExtractConfig.model_validate_json(sys.argv[2]))
out = Path(sys.argv[1])
step.run({}, StepContext(out=out, step_id=step.step_id, staging=out / step.output_folder()))
"""
MONTHS = {"first": "2019-01-01T00", "last": "2019-04-30T23"}
WEEK = HourRange.of_labels("2019-03-01T00", "2019-03-07T23")


def settings(url, **changes):
    return {
        "series": ["NG.all"],
        "respondents": ["ERCO", "PACW"],
        "batch_days": 5,
        "base_url": url,
        "rate_limit": "off",
        **MONTHS,
        **changes,
    }


def landed(out):
    return {path.parent.name for path in (out / "raw").glob("*/*/receipt.json")}


def contents(out):
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted((out / "raw").rglob("*"))
        if path.is_file() and path.name.endswith((".gz", ".json")) and path.name != "receipt.json"
        and path.parent.name != "metadata" and ".staging-" not in path.parent.name
    }  # fmt: skip


def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path):
    data = ReplayData.load([sample_path()])
    with ReplayServer(data, ReplayOptions(latency_ms=60)) as server:
        asked = json.dumps(settings(server.url))
        step = EIAExtractStep(EIAExtractConfig.model_validate_json(asked))
        digests = {
            (window.hours.first_label, *window.respondents): window.digest(step.config.source)
            for window in step.config.windows()
        }
        before: set[str] = set()
        for after in (4, 12, 25):
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(tmp_path / "killed"), asked],
                env={**os.environ, "EIA_API_KEY": CANARY},
                stderr=subprocess.DEVNULL,
            )
            told = server.request_count
            while len(landed(tmp_path / "killed")) < after and process.poll() is None:
                time.sleep(0.01)
            process.kill()
            process.wait()
            again = {
                digests[(request.params["start"], *request.params["facets"]["respondent"])]
                for request in server.requests[told:]
                if "start" in request.params
            }
            assert not again & before
            before = landed(tmp_path / "killed")
            assert len(before) >= after
        step.run({}, context(step, tmp_path / "killed", key=True))
        step.run({}, context(step, tmp_path / "whole", key=True))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(landed(tmp_path / "whole")) == len(digests) == 48


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("EIA_API_KEY", CANARY)


def context(step, out, **_):
    return StepContext(out=out, step_id=step.step_id, staging=out / step.output_folder())


class Revising(FakeAPI):
    """An API whose values can be revised."""

    values: dict[tuple[str, str], str | None] = {}  # noqa: RUF012 - set on instances

    def envelope(self, route_id, params):
        envelope = super().envelope(route_id, params)
        for row in envelope["response"]["data"]:
            row["value"] = self.values.get((row["period"], row["respondent"]), row["value"])
        return envelope


def revising():
    api = Revising(rows_of(WEEK, ("ERCO", "PACW")), hours=HourRange.of_years(2019))
    api.values = {}
    return api


def step_of(api, clock, **changes):
    config = EIAExtractConfig(
        series=("D",),
        respondents=("ERCO", "PACW"),
        first=WEEK.first_label,
        last=WEEK.last_label,
        batch_days=2,
        base_url="http://127.0.0.1:1/v2",
        rate_limit="off",
        api_key=SecretStr(CANARY),
        **changes,
    )
    return EIAExtractStep(config, transport=api.transport, now=lambda: clock[0])


def revisions(ctx):
    return [finding for finding in ctx.findings if finding.name == "hours-revised"]


def run(step, out):
    ctx = context(step, out)
    return step.run({}, ctx), ctx


def test_what_the_source_revised_is_counted_and_said(tmp_path):
    api, clock = revising(), [datetime(2019, 3, 8, tzinfo=UTC)]
    step = step_of(api, clock)
    first, ctx = run(step, tmp_path)
    assert revisions(ctx) == []
    clock[0] += timedelta(days=2)
    api.values = {("2019-03-01T05", "PACW"): "99", ("2019-03-04T00", "ERCO"): None}
    api.rows.remove(("2019-03-06T00", "ERCO", "D"))
    again, ctx = run(step, tmp_path)
    (finding,) = revisions(ctx)
    assert not finding.passed
    assert finding.detail == (
        "3 hours revised since 2019-03-08: 1 with another value, 1 that had or have no value, "
        "1 that are gone."
    )
    assert ctx.custom_metrics["hours_revised"] == {"value": 3, "unit": "hours"}
    assert again.digest != first.digest
    _, ctx = run(step, tmp_path)
    assert revisions(ctx) == []  # it was said once


def test_asked_again_without_change_is_said_as_well(tmp_path):
    api, clock = revising(), [datetime(2019, 9, 1, tzinfo=UTC)]
    step = step_of(api, clock)
    first, _ = run(step, tmp_path)
    assert step.plan_detail(tmp_path)["requests"]["most"] == 0
    assert step.should_use_cache({"output": first}) is True
    clock[0] += timedelta(hours=1)
    forced = step_of(api, clock, ask_again=True)
    assert forced.plan_detail(tmp_path)["requests"]["most"] == 5
    assert "asked for again" in forced.should_use_cache({"output": first})
    again, ctx = run(forced, tmp_path)
    assert ctx.counters["requests"] == 5
    assert again.digest == first.digest
    (finding,) = revisions(ctx)
    assert finding.passed
    assert finding.detail == "0 hours revised since 2019-09-01."


def test_a_run_that_fails_half_way_does_not_lose_what_was_revised(tmp_path):
    api, clock = revising(), [datetime(2019, 3, 8, tzinfo=UTC)]
    run(step_of(api, clock), tmp_path)
    clock[0] += timedelta(days=2)
    api.values = {("2019-03-01T05", "PACW"): "99"}
    api.script = [None, None, None, Scripted(400, {"error": "Invalid.", "code": 400})]
    with pytest.raises(SourceAnswerError, match=r"refused.*\d of 4 windows \([\d,]+ rows\) have landed"):
        run(step_of(api, clock, concurrency=1), tmp_path)
    clock[0] += timedelta(hours=1)
    _, ctx = run(step_of(api, clock), tmp_path)
    (finding,) = revisions(ctx)
    assert finding.detail.startswith("1 hour revised since 2019-03-08")


def test_a_server_that_is_gone_is_given_up_with_what_has_landed(tmp_path):
    api, clock = revising(), [datetime(2019, 9, 1, tzinfo=UTC)]
    api.script = [None] * 3 + [httpx2.ConnectError("refused")] * 99
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="test", output_dir=tmp_path))
    dag.add_step(step_of(api, clock, give_up_after_s=0, concurrency=1))
    result = dag.execute()
    message = str(result["extract-region-data"].error)
    assert "For 0 s (give_up_after_s) there was no good answer, but refused" in message
    assert "run the same command again" in message
    assert "of 4 windows" in message
    api.script = []
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="test", output_dir=tmp_path))
    dag.add_step(step_of(api, clock))
    again = dag.execute()
    assert again["extract-region-data"].outcome is StepOutcome.executed
    assert again["extract-region-data"].metrics.requests < 4
