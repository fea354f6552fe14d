"""A stand-in server, and what it serves, for other people's clients.

These tests need the packages of the dependency group ``clients``; `.ci/run` installs them into an
environment of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.sample import sample_path

DAYS = 30
KEY = "a-key-for-this-test"
NULL_HOUR = pl.datetime(2019, 1, 2, 5, time_zone="UTC", time_unit="ms")
"""The hour at which wind of PACW is served without a value; the sample itself has no such hour."""


@pytest.fixture(scope="session")
def served() -> pl.DataFrame:
    """The rows that the server has: 30 days of three respondents, one value of them taken away."""
    hours = pl.col("period") < pl.datetime(2019, 1, 1, time_zone="UTC") + pl.duration(days=DAYS)
    texts = pl.col("respondent", "series", "status").cast(pl.String)
    frame = pl.scan_parquet(sample_path()).with_columns(texts).filter(hours)
    taken = (
        (pl.col("respondent") == "PACW") & (pl.col("series") == "NG.WND") & (pl.col("period") == NULL_HOUR)
    )
    return (
        frame.filter(pl.col("respondent").is_in(["ERCO", "PACW", "PJM"]))
        .with_columns(
            value=pl.when(~taken).then("value"),
            status=pl.when(taken).then(pl.lit("null")).otherwise("status"),
        )
        .collect()
    )


@pytest.fixture(scope="session")
def base_url(served: pl.DataFrame) -> Iterator[str]:
    """The server's base URL."""
    options = ReplayOptions(key=KEY)
    with ReplayServer(ReplayData.of_frame(served), options) as server:
        yield server.url
