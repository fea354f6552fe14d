from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.runs import event

from gridloom.dag.events import AttemptFailed, CacheDecided, RunStarted, StepFinished, StepStarted
from gridloom.dag.outcome import StepOutcome
from gridloom.report.timeline import Span, parallelism, tick_step, timeline

TIMES = st.integers(0, 1000).map(lambda tenth: tenth / 8)
SPANS = st.lists(
    st.tuples(TIMES, TIMES).map(lambda pair: Span(min(pair), max(pair), "executed", 1)), max_size=30
)


def started(at_s: float, step: str = "a", attempt: int = 1) -> StepStarted:
    return event(StepStarted, at_s, step_id=step, step_name=step, attempt=attempt, reason="")


def failed(at_s: float, attempt: int = 1, retry_in_s: float | None = None) -> AttemptFailed:
    return event(
        AttemptFailed, at_s, step_id="a", attempt=attempt, error_type="E", message="", retry_in_s=retry_in_s
    )


def finished(at_s: float, outcome: StepOutcome, duration_s: float = 0.0, step: str = "a") -> StepFinished:
    return event(
        StepFinished, at_s, step_id=step, outcome=outcome, reason="", attempts=1, duration_s=duration_s
    )


def test_attempts_and_the_waits_between_them_are_spans() -> None:
    found = timeline(
        [started(1), failed(2, retry_in_s=3), started(5, attempt=2), finished(6, StepOutcome.executed)]
    )

    assert found.spans == {
        "a": [Span(0, 1, "failed", 1), Span(1, 4, "waiting", 2), Span(4, 5, "executed", 2)]
    }
    assert found.length_s == 5


def test_a_last_attempt_that_failed_is_one_span() -> None:
    found = timeline([started(0), failed(2), finished(2.5, StepOutcome.failed)])

    assert found.spans == {"a": [Span(0, 2, "failed", 1)]}


def test_a_cached_step_has_a_span_without_an_attempt() -> None:
    decided = event(CacheDecided, 1, step_id="a", hit=True, reason="")
    found = timeline([decided, finished(3, StepOutcome.cached, 1.5)])

    assert found.spans == {"a": [Span(0.5, 2, "cached", 0)]}
    assert not found.spans["a"][0].working


def test_what_a_killed_run_was_at_is_interrupted() -> None:
    found = timeline([started(0), started(1, step="b"), finished(4, StepOutcome.executed, step="b")])

    assert found.spans["a"] == [Span(0, 4, "interrupted", 1)]


def test_the_limit_is_that_of_the_run() -> None:
    begin = event(RunStarted, 0, pipeline_id="p", pipeline_name="p", steps=("a",), max_parallel_steps=3)

    assert timeline([begin]).limit == 3
    assert timeline([]).spans == {}


@given(SPANS)
def test_steps_at_work_add_up_to_the_work(spans: list[Span]) -> None:
    steps = parallelism(spans)

    area = sum(level * (end_s - start_s) for (start_s, level), (end_s, _) in pairwise(steps))
    assert area == pytest.approx(sum(span.end_s - span.start_s for span in spans))
    assert all(0 <= level <= len(spans) for _, level in steps)
    assert not steps or steps[-1][1] == 0


def test_waits_are_not_work() -> None:
    assert parallelism([Span(0, 9, "waiting", 2), Span(1, 2, "cached", 0)]) == []


@given(st.floats(1e-3, 1e9), st.integers(1, 10))
def test_ticks_are_few_and_round(length: float, most: int) -> None:
    step = tick_step(length, most)

    assert length / step <= most + 1e-6
    assert f"{step:e}"[0] in "125"
