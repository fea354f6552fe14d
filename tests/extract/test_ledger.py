import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.extract.ledger import Ledger, state_folder
from gridloom.extract.limiter import RateLimiter, shared_limiter

WORKER = """
import sys
from pathlib import Path
from gridloom.extract.ledger import Ledger
ledger = Ledger("custom:many", per_hour=150, folder=Path(sys.argv[1]))
print(sum(ledger.take().wait_s == 0 for _ in range(80)), ledger.trouble)
"""


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def ledger(folder, clock, per_hour=10, source="eia"):
    return Ledger(source, per_hour=per_hour, folder=folder, clock=clock)


def test_an_hour_is_counted_by_all_who_use_the_file(tmp_path, clock):
    one, two = ledger(tmp_path, clock), ledger(tmp_path, clock)
    for taker in [one, two] * 5:
        assert taker.take().wait_s == 0
        clock.now += 60
    wait = two.take().wait_s
    assert 3600 - 600 <= wait <= 3600 - 600 + 10
    assert one.take().wait_s == wait
    clock.now += wait
    assert one.take().wait_s == 0
    assert two.take().wait_s > 0


def test_sources_are_counted_apart(tmp_path, clock):
    assert [ledger(tmp_path, clock, 1).take().wait_s for _ in range(2)][1] > 0
    assert ledger(tmp_path, clock, 1, "custom:host").take().wait_s == 0


@given(st.lists(st.floats(0, 900), min_size=1, max_size=60))
def test_no_hour_holds_more_than_allowed(tmp_path_factory, pauses):
    clock, starts = Clock(), []
    counted = ledger(tmp_path_factory.mktemp("state"), clock, 4)
    for pause in pauses:
        clock.now += pause
        if counted.take().wait_s == 0:
            starts.append(clock.now)
    for start in starts:
        assert sum(start <= other < start + 3600 for other in starts) <= 4


def test_what_is_older_than_an_hour_leaves_no_trace(tmp_path, clock):
    counted = ledger(tmp_path, clock)
    for _ in range(10):
        assert counted.take().wait_s == 0
        clock.now += 4000
    with closing(sqlite3.connect(counted.path)) as file:
        assert file.execute("SELECT count(*) FROM starts").fetchone() == (1,)


def test_a_clock_that_was_set_back_far_does_not_block_for_ever(tmp_path, clock):
    counted = ledger(tmp_path, clock, 2)
    clock.now += 10_000_000
    counted.take().wait_s, counted.take().wait_s
    clock.now -= 10_000_000
    assert counted.take().wait_s == 0


def test_processes_side_by_side_get_exactly_the_hour_together(tmp_path):
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sum(int(count) for count, _ in told) == 150
    assert {trouble for _, trouble in told} == {"None"}


def test_threads_side_by_side_get_exactly_the_hour_together(tmp_path, clock):
    counted, got = ledger(tmp_path, clock, 50), []

    def work():
        got.extend(counted.take().wait_s == 0 for _ in range(30))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(got), counted.trouble) == (50, None)


def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path, clock):
    (tmp_path / "file").write_text("no folder")
    counted = ledger(tmp_path / "file", clock, 1)
    limiter = RateLimiter(1000, ledger=counted)
    assert limiter.news() is None
    assert [limiter.try_start(limiter.join()) for _ in range(3)] == [0, 0, 0]
    assert "GRIDLOOM_STATE" in limiter.news()
    assert limiter.news() is None


def test_a_damaged_file_is_set_aside(tmp_path, clock):
    counted = ledger(tmp_path, clock)
    counted.path.write_bytes(b"this is no database" * 100)
    assert counted.take().wait_s == 0
    assert "not a database" in counted.trouble
    assert ledger(tmp_path, clock, 1).take().wait_s == 0
    assert ledger(tmp_path, clock, 1).take().wait_s > 0


def test_a_limiter_waits_for_the_hour_of_other_processes(tmp_path, clock):
    ledger(tmp_path, clock, 1).take()
    limiter = RateLimiter(1000, ledger=ledger(tmp_path, clock, 1))
    ticket = limiter.join()
    assert limiter.try_start(ticket) > 3500
    clock.now += 3700
    assert limiter.try_start(ticket) == 0


def most_in_a_second(times):
    return max(sum(start <= other < start + 1.03 - 1e-6 for other in times) for start in times)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.5)), min_size=1, max_size=60))
def test_no_second_holds_more_than_allowed_however_many_take(tmp_path_factory, happenings):
    clock, folder, times = Clock(), tmp_path_factory.mktemp("state"), []
    takers = [ledger(folder, clock, 9000) for _ in range(3)]
    for taker, pause in happenings:
        clock.now += pause
        if takers[taker].take(5).wait_s == 0:
            times.append(clock.now)
    assert most_in_a_second(times) <= 5


def test_a_start_that_is_sent_late_counts_from_then(tmp_path, clock):
    one, two = ledger(tmp_path, clock), ledger(tmp_path, clock)
    taken = one.take(1, sent=False)
    clock.now += 1.5
    assert 0 < two.take(1).wait_s <= 0.005
    one.sent(taken.number)
    clock.now += 1.0
    assert two.take(1).wait_s == pytest.approx(0.03)
    clock.now += 0.04
    assert two.take(1).wait_s == 0


def test_a_process_that_died_before_it_sent_blocks_nobody_for_long(tmp_path, clock):
    ledger(tmp_path, clock).take(1, sent=False)
    clock.now += 3.1
    assert ledger(tmp_path, clock).take(1).wait_s == 0


def test_who_allows_itself_more_does_not_starve_who_allows_itself_less(tmp_path, clock):
    many, few = ledger(tmp_path, clock, 9000), ledger(tmp_path, clock, 9000)
    assert [many.take(7).wait_s for _ in range(6)] == [0] * 6
    assert few.take(2).wait_s == 0
    assert few.take(2).wait_s > 0
    assert many.take(7).wait_s > 0


def test_what_is_older_than_a_second_is_forgotten(tmp_path, clock):
    counted = ledger(tmp_path, clock, 9000)
    for _ in range(20):
        counted.take(5)
        clock.now += 1.2
    with closing(sqlite3.connect(counted.path)) as file:
        assert file.execute("SELECT count(*) FROM latest").fetchone() == (1,)


def test_requests_to_the_sample_are_counted_nowhere(monkeypatch, tmp_path):
    monkeypatch.setenv("GRIDLOOM_STATE", str(tmp_path / "none"))
    limiter = shared_limiter("sample:of-this-test", 1000)
    assert limiter.try_start(limiter.join()) == 0
    assert not (tmp_path / "none").exists()


def test_where_the_state_stands(tmp_path):
    assert state_folder({"GRIDLOOM_STATE": "/a", "XDG_STATE_HOME": "/b"}).as_posix() == "/a"
    assert state_folder({"XDG_STATE_HOME": "/b"}).as_posix() == "/b/gridloom"
    assert state_folder({}).as_posix().endswith("/.local/state/gridloom")
