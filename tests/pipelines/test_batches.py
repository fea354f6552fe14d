"""Comparing batch sizes: what is compared is checked first, and the rule that recommends one is plain."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridloom.errors import ConfigError, GridLoomError, UsageError
from gridloom.pipelines.batches import BatchRun, _run, least_requests, prepare_all, recommend


def run(batch_days: str, *, requests: int, seconds: float, windows: int = 10) -> BatchRun:
    return BatchRun(batch_days, windows, requests, retries=0, rows=50_000, seconds=seconds, refused=0)


def test_each_size_is_prepared_once_in_its_order() -> None:
    prepared = prepare_all("90, auto,45,90", {"regions": "PACW", "series": None})

    assert [item.batch_days for item in prepared] == [90, "auto", 45]
    assert {item.settings.through for item in prepared} == {"extract"}
    assert {item.source.is_sample for item in prepared} == {True}


@pytest.mark.parametrize("sizes", ["", " , ", "0", "some", "45,-1"])
def test_a_size_that_is_none_is_found_before_any_work(sizes: str) -> None:
    with pytest.raises(ConfigError, match="--batch-days"):
        prepare_all(sizes, {})


def test_hours_that_the_sample_lacks_are_found_before_any_work() -> None:
    with pytest.raises(UsageError, match="2019"):
        prepare_all("45", {"year": "2024"})


def test_the_fastest_is_recommended() -> None:
    best, why = recommend(
        [run("45", requests=19, seconds=9.0), run("auto", requests=11, seconds=5.0, windows=3)]
    )

    assert best.batch_days == "auto"
    assert why == (
        "11 requests in 5.0 s, where 50,000 rows fill 10 pages at least. "
        "--batch-days 45 sends 19 requests and takes 9.0 s."
    )


def test_of_equally_fast_ones_fewer_requests_win_then_smaller_windows() -> None:
    slower_by_chance = run("90", requests=11, seconds=5.1, windows=4)
    fastest = run("45", requests=15, seconds=5.0)
    large = run("auto", requests=11, seconds=5.05, windows=3)

    assert recommend([fastest, large, slower_by_chance])[0] is slower_by_chance


def test_one_size_alone_is_recommended_without_a_comparison() -> None:
    best, why = recommend([run("45", requests=12, seconds=2.0)])

    assert best.batch_days == "45"
    assert "--batch-days" not in why


def test_a_run_without_time_has_no_rate() -> None:
    assert run("45", requests=1, seconds=0.0).rows_per_s == 0.0
    assert run("45", requests=1, seconds=2.0).record()["rows_per_s"] == 25_000


def test_least_requests_are_full_pages() -> None:
    assert [least_requests(rows) for rows in (0, 1, 5_000, 5_001)] == [0, 1, 1, 2]


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(GridLoomError, match=r"--batch-days 45 failed: .*ftp"):
        _run(prepare_all("45", {})[0], "ftp://127.0.0.1", tmp_path)
