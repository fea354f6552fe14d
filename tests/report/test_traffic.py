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
    found = traffic([started(0), *limits, finished(7, 1)])

    assert found.bin_s == 2.0
    assert found.limit_per_s == [5.0, 5.0, 2.5, 2.5]


def test_requests_of_a_limiter_that_slows_down_stay_below_its_line() -> None:
    # as a run of five a second went on that was told to slow down after the first second
    starts = [0.0, 0.01, 0.02, 0.02, 0.02, 1.03, 1.05, 1.76, 2.07, 2.4, 2.73, 3.24, 3.34, 3.82, 4.1, 4.33]
    limits = [(0.0, 5.0), (0.02, 2.5), *((at_s, 2.5 + 0.1 * n) for n, at_s in enumerate(starts[6:]))]
    metrics = [
        event(MetricReported, at_s, step_id="a", name=RATE_LIMIT, value=per_s, unit="requests/s")
        for at_s, per_s in limits
    ]
    found = traffic(
        [
            started(0),
            *(progress(at_s, number) for number, at_s in enumerate(starts, 1)),
            *metrics,
            finished(4.5, len(starts)),
        ]
    )

    assert found.bins > 2
    for requests, per_s in zip(found.counts["requests"], found.limit_per_s, strict=True):
        assert per_s is not None
        assert requests / found.bin_s <= per_s


def test_a_limit_that_never_changes_is_counted_by_the_second() -> None:
    limit = event(MetricReported, 1, step_id="a", name=RATE_LIMIT, value=5.0, unit="requests/s")

    assert traffic([started(0), limit, finished(3, 1)]).bin_s == 1.0


def test_no_event_is_no_traffic() -> None:
    assert traffic([]).bins == 0
