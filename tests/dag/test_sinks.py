"""Whatever a listener does, the run ends as it would have without it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.dag.toys import Work, chain, pipeline

from gridloom.dag import RunResult, events, sinks
from gridloom.dag.events import Event


def run(out: Path, *listeners: sinks.Sink, steps: int = 3, within_s: float = 0.05) -> RunResult:
    dag = pipeline(out)
    for listener in listeners:
        dag.subscribe(listener, within_s=within_s)
    chain(dag, [Work(f"s{number}") for number in range(steps)])
    return dag.execute()


def said(result: RunResult) -> list[str]:
    lines = (result.run_dir / "events.jsonl").read_text().splitlines()
    found = [events.decode(line) for line in lines]
    return [event.message for event in found if isinstance(event, events.LogWritten)]


def test_everyone_hears_everything_in_order(tmp_path: Path) -> None:
    heard: tuple[list[Event], list[Event]] = ([], [])
    result = run(tmp_path, heard[0].append, heard[1].append)
    lines = [events.decode(line) for line in (result.run_dir / "events.jsonl").read_text().splitlines()]
    assert heard[0] == heard[1] == lines
    assert [event.seq for event in lines] == list(range(1, len(lines) + 1))


def test_a_listener_that_hangs_changes_nothing_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_PATIENCE_S", 0.2)
    forever, heard = threading.Event(), []

    def hangs(_event: Event) -> None:
        forever.wait(60)

    try:
        result = run(tmp_path, hangs, heard.append)
    finally:
        forever.set()
    assert result.outcome.value == "succeeded"
    assert isinstance(heard[-1], events.RunFinished)
    (line,) = said(result)
    assert "hangs did not hear" in line
    assert f"{len(heard):,} events" in line


def test_a_listener_that_is_behind_misses_what_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_MOST_WAITING", 5)
    heard: list[Event] = []
    result = run(tmp_path, heard.append, steps=8, within_s=60.0)
    assert result.outcome.value == "succeeded"
    assert [event.seq for event in heard] == [1, 2, 3, 4, 5]
    (line,) = said(result)
    assert "did not hear" in line


def test_what_raises_is_dropped_with_its_reason(tmp_path: Path) -> None:
    calls: list[Event] = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise OSError("the screen is gone")

    result = run(tmp_path, broken)
    assert result.outcome.value == "succeeded"
    assert len(calls) == 1
    (line,) = said(result)
    assert line.endswith("was dropped because it raised OSError: the screen is gone")


def test_who_names_kinds_hears_those_only(tmp_path: Path) -> None:
    heard: list[Event] = []
    dag = pipeline(tmp_path)
    dag.subscribe(heard.append, events.StepFinished, events.RunFinished)
    chain(dag, [Work("a"), Work("b")])
    dag.execute()
    assert [type(event).__name__ for event in heard] == ["StepFinished", "StepFinished", "RunFinished"]


def test_what_may_wait_is_heard_at_the_end_by_everyone_in_order(tmp_path: Path) -> None:
    heard: tuple[list[Event], list[Event]] = ([], [])
    result = run(tmp_path, heard[0].append, heard[1].append, within_s=3600.0)
    lines = [events.decode(line) for line in (result.run_dir / "events.jsonl").read_text().splitlines()]
    assert heard[0] == heard[1] == lines


def test_many_events_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "_MANY", 3)
    heard = threading.Event()
    dag = pipeline(tmp_path)
    dag.subscribe(lambda _event: heard.set(), within_s=3600.0)
    # without it the last step would wait for ever, for the end of the run comes after it
    chain(dag, [Work("a"), Work("b"), Work("c", lambda _: heard.wait(60) or pytest.fail("it waits"))])
    assert dag.execute().outcome.value == "succeeded"


def test_a_listener_that_hangs_holds_up_nobody_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_PATIENCE_S", 0.2)
    forever, heard = threading.Event(), threading.Event()
    dag = pipeline(tmp_path)
    dag.subscribe(lambda _event: forever.wait(60))
    dag.subscribe(lambda _event: heard.set())
    chain(dag, [Work("a"), Work("b", lambda _: heard.wait(60) or pytest.fail("it is held up"))])
    try:
        assert dag.execute().outcome.value == "succeeded"
    finally:
        forever.set()
