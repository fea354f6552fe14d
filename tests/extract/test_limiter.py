import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.extract.limiter import Limit, LimiterState, RateLimiter, limiter_seconds, shared_limiter


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def run_all(limiter, clock, tickets, delays=()):
    """Starts every ticket, as sleepers that wake late by `delays`; returns (ticket, time) in order."""
    started, wake = [], dict.fromkeys(range(len(tickets)), 0.0)
    lateness = iter(delays)
    while wake:
        place = min(wake, key=lambda place: (wake[place], place))
        clock.now = max(clock.now, wake[place])
        wait = limiter.try_start(tickets[place])
        if wait:
            wake[place] = clock.now + wait + next(lateness, 0.0)
        else:
            started.append((place, clock.now))
            del wake[place]
    return started


def most_in(times, window_s):
    return max(sum(start <= other < start + window_s for other in times) for start in times)


@given(
    st.sampled_from([0.5, 1, 2.5, 5, 7]),
    st.integers(1, 60),
    st.lists(st.floats(0, 2), max_size=200),
)
def test_no_window_holds_more_starts_than_allowed_however_late_sleepers_wake(per_s, count, delays):
    clock = Clock()
    limiter = RateLimiter(per_s, clock=clock)
    times = [at for _, at in run_all(limiter, clock, [limiter.join() for _ in range(count)], delays)]
    limit = Limit.of_rate(per_s)
    assert len(times) == count
    assert most_in(times, limit.window_s - 1e-9) <= limit.starts


@given(st.integers(1, 80))
def test_without_lateness_the_rate_is_reached_and_the_order_kept(count):
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)
    started = run_all(limiter, clock, [limiter.join() for _ in range(count)])
    assert [place for place, _ in started] == list(range(count))
    assert started[-1][1] == pytest.approx(limiter_seconds(count, 5.0), abs=0.05)


def test_an_hour_holds_no_more_than_its_limit():
    clock = Clock()
    limiter = RateLimiter(5, per_hour=20, clock=clock)
    times = [at for _, at in run_all(limiter, clock, [limiter.join() for _ in range(45)])]
    assert most_in(times, 3600 - 1e-6) == 20
    assert times[20] == pytest.approx(3600)
    assert limiter_seconds(45, 5.0, per_hour=20) == pytest.approx(times[-1], abs=0.01)


def test_a_slow_rate_waits_longer_than_a_second():
    assert Limit.of_rate(0.5) == Limit(1, 2.06)
    assert limiter_seconds(3, 0.5) == pytest.approx(4.12)


def test_who_asks_for_a_rest_gets_it_from_all_and_the_rate_recovers_slowly():
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)
    assert limiter.slow(7)
    ticket = limiter.join()
    assert limiter.try_start(ticket) == pytest.approx(7)
    assert limiter.state == LimiterState(per_s=2.5, full_per_s=5, held_s=7, waiting=1, throttled=1)
    clock.now = 7
    assert limiter.try_start(ticket) == 0
    rates = []
    while limiter.state.per_s < 5:
        limiter.good()
        rates.append(limiter.state.per_s)
    assert rates == pytest.approx([2.5 + 0.1 * step for step in range(1, 26)])
    assert limiter._limits[0] == Limit.of_rate(5)


def test_answers_that_were_under_way_together_count_as_one_complaint():
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)
    assert [limiter.slow() for _ in range(5)] == [True, False, False, False, False]
    assert limiter.state.per_s == 2.5
    assert limiter.slow(3) is False
    assert limiter.state.held_s == 3


def test_complaints_in_a_row_are_met_with_longer_rests_and_a_floor():
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)
    rests = []
    for _ in range(9):
        limiter.slow()
        rests.append(limiter.state.held_s)
        clock.now += rests[-1]
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert limiter.state.per_s == 0.5
    limiter.good()
    limiter.slow()
    assert limiter.state.held_s == 1


@given(st.lists(st.tuples(st.sampled_from(["start", "slow", "good"]), st.floats(0, 1)), max_size=120))
def test_no_window_holds_more_starts_than_allowed_however_the_rate_moves(happenings):
    clock = Clock()
    limiter = RateLimiter(5, clock=clock)
    times = []
    for what, passed in happenings:
        clock.now += passed
        if what == "start":
            ticket = limiter.join()
            if limiter.try_start(ticket) == 0:
                times.append(clock.now)
            limiter.leave(ticket)
        else:
            getattr(limiter, what)()
    if times:
        assert most_in(times, 1.03 - 1e-9) <= 5


def test_a_ticket_given_back_does_not_hold_up_the_next():
    clock = Clock()
    limiter = RateLimiter(1, clock=clock)
    first, second = limiter.join(), limiter.join()
    assert limiter.try_start(second) > 0
    limiter.leave(first)
    assert limiter.try_start(second) == 0


def test_a_cancelled_waiter_leaves_the_queue():
    async def main():
        limiter = RateLimiter(1)
        limiter.slow(60)
        waiter = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert limiter._queue == []

    asyncio.run(main())


def test_threads_with_their_own_loops_share_the_limit():
    limiter = RateLimiter(20)

    async def several():
        await asyncio.gather(*(limiter.acquire() for _ in range(15)))

    threads = [threading.Thread(target=asyncio.run, args=(several(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(limiter._starts) == 30
    # The 21st start is at least a whole window after the first.
    assert limiter._starts[20] - limiter._starts[0] >= 1.03


def test_one_limiter_for_one_source():
    one = shared_limiter("custom:one", 5)
    assert shared_limiter("custom:one", 2) is one
    assert one._limits[0] == Limit.of_rate(2)
    assert shared_limiter("custom:two", 5) is not one


def test_no_limit_takes_no_time():
    assert limiter_seconds(1000, None) == limiter_seconds(0, 5.0) == 0
