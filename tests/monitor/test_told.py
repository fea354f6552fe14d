from __future__ import annotations

from tests.monitor.test_view import Told

from gridloom.dag.outcome import StepOutcome
from gridloom.monitor.told import Asked, asked, told


def test_a_step_tells_what_is_known_of_it() -> None:
    run = Told("a", "b")
    untold = told(run.state.steps["b"])
    run.start("a")
    begun = told(run.state.steps["a"])
    run.move("a", 0, 0, rows_received=0)
    run.move("a", 10, 50, rows_received=1, requests=1, retries=2)
    busy = told(run.state.steps["a"])
    run.end("a")

    assert (untold, begun) == ("", "")
    assert busy == "50 of 100 rows, 5 rows/s, 10.0 s left, 1 request, 2 repeated"
    assert told(run.state.steps["a"]) == "9 rows"


def test_nobody_is_asked_by_steps_that_have_ended() -> None:
    run = Told("a")
    run.start("a")
    run.limit("a", 5.0)
    before = asked(run.state)
    run.end("a", StepOutcome.failed)

    assert before == Asked("requests: 0/s, limiter at 5/s, 0 in all")
    assert asked(run.state) == Asked()


def test_a_limiter_that_allows_less_than_it_did_is_slow() -> None:
    run = Told("a")
    run.start("a")
    for per_s in (5.0, 2.5):
        run.limit("a", per_s)

    assert asked(run.state) == Asked("requests: 0/s, slowed down to 2.5 of 5/s, 0 in all", slowed=True)
