"""What a run writes and says: results, events, totals, metrics, and never a secret."""

from __future__ import annotations

import asyncio
import json
import platform
import time
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from tests.dag.toys import CachedWork, Note, Rows, Work, chain, fail, pipeline

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, RunOutcome, RunResult, StepConfig, StepContext, StepMetrics, events
from gridloom.dag.events import Event, LogWritten, ProgressMade, RunFinished, RunStarted, StepFinished
from gridloom.errors import UsageError
from gridloom.finding import Finding

CANARY = "canary-0123456789abcdef"


def results(result: RunResult) -> dict[str, Any]:
    return json.loads((result.run_dir / "results.json").read_text())


def lines(result: RunResult) -> list[Any]:
    return [events.decode(line) for line in (result.run_dir / "events.jsonl").read_text().splitlines()]


class GivesRows(BaseStep[StepConfig]):
    rows = 10

    def _execute(self, ctx: StepContext) -> Rows:
        ctx.add(rows_received=self.rows, requests=3, retries=1, bytes_received=1000)
        ctx.metric("hours", 24, "h")
        ctx.path("rows.txt").write_text("r" * self.rows)
        return Rows.of(ctx.path("rows.txt"), rows=self.rows)


class PassesRows(BaseStep[StepConfig]):
    def _execute(self, rows: Rows, ctx: StepContext) -> Rows:
        ctx.path("table.txt").write_text("t" * rows.rows)
        return Rows.of(ctx.path("table.txt"), rows=rows.rows)


class CountsRows(BaseStep[StepConfig]):
    def _execute(self, rows: Rows, ctx: StepContext) -> int:
        return rows.rows


def three(out: Path) -> RunResult:
    dag = pipeline(out)
    extract = dag.add_step(GivesRows(StepConfig(step_id="extract")))
    table = dag.add_step(PassesRows(StepConfig(step_id="transform")), [extract])
    dag.add_step(CountsRows(StepConfig(step_id="count")), [table])
    result = dag.execute()
    result.raise_for_failure()
    return result


def test_the_same_rows_never_count_twice(tmp_path: Path) -> None:
    result = three(tmp_path)
    assert result.totals["rows"] == 10, "extracted and transformed rows are the same rows"
    assert result.totals["rows_received"] == 10
    assert (result.totals["requests"], result.totals["retries"], result.totals["bytes_received"]) == (
        3,
        1,
        1000,
    )
    assert result.totals["bytes_written"] == 20
    assert result.totals["files_written"] == 2
    assert result.totals["steps"]["executed"] == 3


def test_two_ends_of_a_run_both_count(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    root = dag.add_step(GivesRows(StepConfig(step_id="extract")))
    for name in ("one", "two"):
        dag.add_step(PassesRows(StepConfig(step_id=name)), [root])
    assert dag.execute().totals["rows"] == 20


def test_metrics_of_a_step(tmp_path: Path) -> None:
    metrics = three(tmp_path)["extract"].metrics
    assert (metrics.rows, metrics.rows_received, metrics.requests) == (10, 10, 3)
    assert metrics.custom == {"hours": {"value": 24, "unit": "h"}}
    assert 0 < metrics.cpu_s <= metrics.duration_s + 0.05
    assert 1 << 20 < metrics.peak_rss_bytes < 1 << 40
    assert metrics.peak_rss_scope == "process"
    assert metrics.rows_per_s == pytest.approx(10 / metrics.duration_s)


def test_a_rate_over_no_time_is_zero() -> None:
    assert StepMetrics(rows=5).rows_per_s == 0.0


def test_the_record_of_a_run(tmp_path: Path) -> None:
    result = three(tmp_path)
    record = results(result)
    assert result.run_dir == tmp_path / "runs" / result.run_id
    assert record["schema_version"] == 1
    assert record["run_id"] == result.run_id
    assert record["pipeline"] == {"id": "toys", "name": "toys"}
    assert record["outcome"] == "succeeded"
    assert record["started_at"].endswith("+00:00")
    assert record["started_at"] <= record["finished_at"]
    assert record["totals"]["rows"] == 10
    assert record["error"] is None
    assert list(record["settings"]) == ["extract", "transform", "count"]
    extract, transform, count = record["steps"]
    assert extract["type"].endswith("test_records.GivesRows")
    assert extract["metrics"]["custom"]["hours"]["value"] == 24
    assert transform["depends_on"] == ["extract"]
    assert transform["outputs"] == [
        {
            "name": "output",
            "type": "tests.dag.toys.Rows",
            "path": "steps/transform/table.txt",
            "digest": result["transform"].output.digest,
            "size_bytes": 10,
            "rows": 10,
        }
    ]
    assert count["outputs"] == [{"name": "output", "type": "int", "value": 10}]


def test_a_failure_is_recorded_with_its_traceback(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [Work("a", fail("divided by nothing")), Work("b")])
    record = results(dag.execute())
    assert record["outcome"] == "failed"
    assert record["error"]["type"] == "RuntimeError"
    assert record["error"]["message"] == "Step 'a' failed with RuntimeError: divided by nothing"
    assert "toys.py" in record["error"]["traceback"]
    assert record["steps"][0]["error"] == {**record["error"], "message": "divided by nothing"}
    assert record["steps"][1]["error"] is None


def test_an_error_of_ours_is_recorded_without_a_traceback(tmp_path: Path) -> None:
    def action(_ctx: StepContext) -> None:
        raise UsageError("Give another year.")

    dag = pipeline(tmp_path)
    dag.add_step(Work("a", action))
    assert results(dag.execute())["error"] == {"type": "UsageError", "message": "Give another year."}


def test_events_are_numbered_dated_and_readable(tmp_path: Path) -> None:
    heard: list[Event] = []
    dag = pipeline(tmp_path)
    dag.subscribe(heard.append)
    chain(dag, [CachedWork("a"), Work("b", lambda ctx: ctx.log("hello", "warning"))])
    result = dag.execute()
    written = lines(result)
    assert written == heard
    assert [event.seq for event in written] == list(range(1, len(written) + 1))
    assert all(event.at.tzinfo == UTC and event.run_id == result.run_id and event.v == 1 for event in written)
    assert isinstance(written[0], RunStarted)
    assert written[0].steps == ("a", "b")
    assert isinstance(written[-1], RunFinished)
    assert written[-1].outcome is RunOutcome.succeeded
    kinds = [type(event).__name__ for event in written]
    assert kinds == [
        "RunStarted",
        "CacheDecided",
        "StepStarted",
        "StepFinished",
        "StepStarted",
        "LogWritten",
        "StepFinished",
        "RunFinished",
    ]


def test_every_event_survives_its_line(tmp_path: Path) -> None:
    heard: list[Event] = []

    def action(ctx: StepContext) -> None:
        ctx.progress(1, None, "windows")
        ctx.metric("m", 1.5, "MWh")
        ctx.finding(Finding(name="f", why="w", required=False, passed=True))

    dag = pipeline(tmp_path)
    dag.subscribe(heard.append)
    dag.add_step(Work("a", action))
    dag.execute()
    assert [events.decode(events.encode(event)) for event in heard] == heard
    with pytest.raises(msgspec.DecodeError):
        events.decode(b'{"type":"unheard-of"}')


def test_progress_is_thinned_but_its_end_is_told(tmp_path: Path) -> None:
    heard: list[Event] = []

    def action(ctx: StepContext) -> None:
        for done in range(1, 10_001):
            ctx.add(rows_received=1)
            ctx.progress(done, 10_000)

    dag = pipeline(tmp_path)
    dag.subscribe(heard.append)
    dag.add_step(Work("a", action))
    dag.execute()
    told = [event for event in heard if isinstance(event, ProgressMade)]
    assert len(told) < 1000
    assert (told[0].done, told[-1].done, told[-1].rows_received) == (1, 10_000, 10_000)


def test_a_listener_that_raises_is_dropped_and_the_run_goes_on(tmp_path: Path) -> None:
    heard: list[Event] = []
    calls: list[Event] = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise RuntimeError("the screen is gone")

    dag = pipeline(tmp_path)
    dag.subscribe(broken)
    dag.subscribe(heard.append)
    chain(dag, [Work("a"), Work("b")])
    assert dag.execute().outcome is RunOutcome.succeeded
    assert len(calls) == 1
    warnings = [event for event in heard if isinstance(event, LogWritten)]
    assert [event.level for event in warnings] == ["warning"]
    assert "the screen is gone" in warnings[0].message


def test_counters_are_safe_between_threads(tmp_path: Path) -> None:
    class Many(BaseStep[StepConfig]):
        async def _execute(self, ctx: StepContext) -> int:
            def work() -> None:
                for _ in range(2000):
                    ctx.add(rows_received=1, requests=1)

            await asyncio.gather(*(asyncio.to_thread(work) for _ in range(4)))
            return 0

    dag = pipeline(tmp_path)
    dag.add_step(Many(StepConfig()))
    totals = dag.execute().totals
    assert (totals["rows_received"], totals["requests"]) == (8000, 8000)


class KeyConfig(StepConfig):
    api_key: SecretStr = SecretStr(CANARY)
    nested: tuple[SecretStr, ...] = (SecretStr("second-canary-value"),)


class Leaks(BaseStep[KeyConfig]):
    """Tells its key to everyone."""

    def validate_input(self, inputs: Mapping[str, Any]) -> None:
        assert self.config.api_key.get_secret_value() == CANARY

    def _execute(self, ctx: StepContext) -> Note:
        key = self.config.api_key.get_secret_value()
        ctx.log(f"asking http://host/?api_key={key}")
        ctx.metric(key, 1.0, key)
        ctx.finding(
            Finding(name="key", why=key, required=False, passed=False, detail=f"second-canary-value {key}")
        )
        ctx.path("n.txt").write_text("n")
        raise ConnectionError(f"GET http://host/?api_key={key} was refused") from ValueError(f"bad key {key}")


def everything(root: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in root.rglob("*") if path.is_file())


def test_a_secret_is_nowhere(tmp_path: Path) -> None:
    heard: list[Event] = []
    dag = pipeline(tmp_path, stop_on_failure=False)
    dag.subscribe(heard.append)
    dag.add_step(Leaks(KeyConfig(step_id="leaks", retries=1, retry_backoff_s=0)))
    result = dag.execute()
    assert isinstance(result.error, ConnectionError)
    told = [everything(tmp_path), repr(heard), repr(result.error), str(result.error.__cause__)]
    told += [repr(dag.get_pipeline_summary()), repr(result["leaks"])]
    for text in told:
        assert "canary" not in text
    assert "GET http://host/?api_key=*** was refused" in told[0]
    assert len(heard) == len(lines(result))


def test_an_added_secret_is_nowhere_either_not_even_in_a_value(tmp_path: Path) -> None:
    class GivesKey(CachedWork):
        def _execute(self, ctx: StepContext) -> dict[str, str]:
            return {"key": CANARY}

    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_secret(CANARY)
        dag.add_step(GivesKey("a", text=f"a setting with {CANARY}"))
        result = dag.execute()
        assert result["a"].output == {"key": CANARY}, "the program itself gets what the step gave"
        assert result["a"].outcome.value == "executed", "what holds a secret is not remembered"
    assert "canary" not in everything(tmp_path)
    assert "holds a secret" in everything(tmp_path)


def test_a_custom_error_that_hides_its_text_does_not_leak(tmp_path: Path) -> None:
    class Stubborn(Exception):  # noqa: N818
        def __str__(self) -> str:
            return f"refused {CANARY}"

    def action(_ctx: StepContext) -> None:
        raise Stubborn

    dag = pipeline(tmp_path)
    dag.add_secret(CANARY)
    dag.add_step(Work("a", action))
    result = dag.execute()
    assert "canary" not in everything(tmp_path) + str(result.error)
    assert "refused ***" in str(result.error)


def test_what_a_run_cannot_record_has_failed(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> None:
        results_file = ctx.out / "runs" / ctx.run_id / "results.json"
        results_file.mkdir()
        (results_file / "in the way").write_text("x")

    dag = pipeline(tmp_path)
    dag.add_step(Work("a", action))
    result = dag.execute()
    assert result.outcome is RunOutcome.failed
    assert "results.json" in str(result.error)


def test_finished_events_carry_the_step_s_numbers(tmp_path: Path) -> None:
    finished = [event for event in lines(three(tmp_path)) if isinstance(event, StepFinished)]
    assert [(event.step_id, event.rows, event.requests) for event in finished] == [
        ("extract", 10, 3),
        ("transform", 10, 0),
        ("count", 0, 0),
    ]


def test_artifacts_without_rows_count_what_the_step_said(tmp_path: Path) -> None:
    class Says(BaseStep[StepConfig]):
        def _execute(self, ctx: StepContext) -> Artifact:
            ctx.add(rows=7)
            ctx.path("x").write_text("x")
            return Artifact.of(ctx.path("x"))

    dag = pipeline(tmp_path)
    dag.add_step(Says(StepConfig()))
    assert dag.execute().totals["rows"] == 7


def test_the_start_of_a_run_tells_what_comes_after_what(tmp_path: Path) -> None:
    started = lines(three(tmp_path))[0]

    assert started.dependencies == {"transform": ("extract",), "count": ("transform",)}


def test_a_start_written_before_that_is_read_as_none() -> None:
    line = (
        '{"type":"run-started","seq":1,"at":"2026-01-01T00:00:00Z","run_id":"r","v":1,"pipeline_id":"p",'
        '"pipeline_name":"p","steps":["a"],"max_parallel_steps":4}'
    )

    found = events.decode(line)

    assert isinstance(found, RunStarted)
    assert found.dependencies == {}


def test_the_environment_is_recorded_without_host_or_path(tmp_path: Path) -> None:
    found = results(three(tmp_path))["environment"]

    assert found.keys() == {"python", "platform", "processors", "packages"}
    assert {"gridloom", "msgspec", "polars"} <= found["packages"].keys()
    assert list(found["packages"]) == sorted(found["packages"])
    assert platform.node() not in json.dumps(found)


class OnlyCounts(BaseStep[StepConfig]):
    """Gets nothing done for a while, but counts what it tries."""

    def _execute(self, ctx: StepContext) -> int:
        ctx.progress(0, 10, "windows")
        until_s = time.monotonic() + 1.2
        while time.monotonic() < until_s:
            ctx.add(retries=1)
            time.sleep(0.05)
        return 1


def test_counters_that_move_without_progress_are_said(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(OnlyCounts(StepConfig(step_id="only")))
    said = [event for event in lines(dag.execute()) if isinstance(event, ProgressMade)]

    assert [event.done for event in said] == [0, 0]
    assert said[0].retries == 0 < said[1].retries
