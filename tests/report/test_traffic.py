from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.runs import event

from gridloom.dag.events import AnyEvent, MetricReported, ProgressMade, StepFinished, StepStarted
from gridloom.dag.outcome import StepOutcome
from gridloom.report.traffic import COUNTERS, RATE_LIMIT, traffic

RISES = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), min_size=1, max_size=30)


def started(at_s: float, step: str = "a", attempt: int = 1) -> StepStarted:
    return event(StepStarted, at_s, step_id=step, step_name=step, attempt=attempt, reason="")


def progress(at_s: float, requests: int, step: str = "a", **counted: int) -> ProgressMade:
    return event(
        ProgressMade, at_s, step_id=step, done=0, total=None, unit="rows", requests=requests, **counted
    )


def finished(at_s: float, requests: int, step: str = "a", **more: Any) -> StepFinished:
    return event(
        StepFinished, at_s, step_id=step, outcome=StepOutcome.executed, reason="", attempts=1,
        duration_s=0, requests=requests, **more,
    )  # fmt: skip


@given(RISES, RISES)
def test_the_bins_hold_what_was_counted(one: list[tuple[float, int]], other: list[tuple[float, int]]) -> None:
    events: list[AnyEvent] = []
    for step, rises in (("a", one), ("b", other)):
        at_s, count = 0.0, 0
        events.append(started(at_s, step))
        for wait_s, rise in rises:
            at_s, count = at_s + wait_s, count + rise
            events.append(progress(at_s, count, step, rows_received=2 * count))
        events.append(finished(at_s + 1, count + 3, step, rows_received=2 * count))

    found = traffic(sorted(events, key=lambda item: item.at))

    rises = sum(rise for _, rise in [*one, *other])
    assert sum(found.counts["requests"]) == pytest.approx(rises + 6)
    assert sum(found.counts["rows_received"]) == pytest.approx(2 * rises)
    assert all(value >= 0 for name in COUNTERS for value in found.counts[name])
    assert found.bins <= 201


def test_what_rose_between_two_events_is_spread_over_the_time() -> None:
    found = traffic([started(0), progress(10, 100), finished(10, 100)])

    assert found.counts["requests"][:-1] == pytest.approx([100 / (found.bins - 1)] * (found.bins - 1))


def test_a_new_attempt_counts_from_the_beginning() -> None:
    found = traffic([started(0), progress(1, 5), started(2, attempt=2), progress(3, 7), finished(4, 9)])

    assert sum(found.counts["requests"]) == pytest.approx(5 + 9)


def test_the_limit_holds_until_it_changes() -> None:
    limits = [
        event(MetricReported, at_s, step_id="a", name=RATE_LIMIT, value=value, unit="requests/s")
        for at_s, value in ((1, 5.0), (3, 2.5))
    ]
    found = traffic([started(0), *limits, finished(5, 1)])

    assert found.bin_s == 1.0
    assert found.limit_per_s == [None, 5.0, 5.0, 2.5, 2.5, 2.5]


def test_no_event_is_no_traffic() -> None:
    assert traffic([]).bins == 0
