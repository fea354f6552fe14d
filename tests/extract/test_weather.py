"""The client against the real stand-in server in bad weather: all rows, no key, few requests."""

import asyncio
import gzip
import json
import logging

import pytest
from pydantic import SecretStr
from tests.extract.fake_api import CANARY

from gridloom.errors import KeyRejectedError, SourceError
from gridloom.extract.connect import connected
from gridloom.extract.failures import Backoff
from gridloom.extract.fetch import Fetcher
from gridloom.extract.plan import plan_windows
from gridloom.extract.replay import Faults, ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.source import Source
from gridloom.extract.store import RawStore
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import read_pages
from gridloom.grid.series import route_requests
from gridloom.sample import sample_path

QUICK = Backoff(wait_initial_s=0.01, wait_max_s=0.1, jitter_s=0.02)
WEEKS = HourRange.of_labels("2019-03-01T00", "2019-03-14T23")
(FUELS,) = route_requests(["NG.all"])
WINDOWS = plan_windows(WEEKS, FUELS, ("ERCO", "PACW"), batch_days=4, page_rows=300)


@pytest.fixture(scope="module")
def data():
    return ReplayData.load([sample_path()])


def fetch(server, folder, *, windows=WINDOWS, timeout_s=5.0, **options):
    """Fetches all windows; returns the store."""
    source = Source.of_url(server.url)
    store = RawStore(folder, source.identity)
    settings = {"rate_limit": "off", "backoff": QUICK, "give_up_after_s": 30.0, **options}

    async def main():
        async with connected(source, api_key=SecretStr(CANARY), timeout_s=timeout_s, **settings) as client:
            fetcher = Fetcher(client=client, store=store, backoff=QUICK)
            await fetcher.windows(windows, lambda *_: None)

    asyncio.run(main())
    return store


def rows(store, windows=WINDOWS):
    found = []
    for window in windows:
        for page in read_pages(store.folder / window.digest(store.source), store.landed(window)):
            found += [
                (row["period"], row["respondent"], row["fueltype"], row["value"])
                for row in json.loads(page)["response"]["data"]
            ]
    return sorted(found)


@pytest.fixture(scope="module")
def truth(data, tmp_path_factory):
    with ReplayServer(data) as server:
        return rows(fetch(server, tmp_path_factory.mktemp("truth")))


WEATHER = [
    "http500=0.3",
    "html502=0.1,html503=0.1,html504=0.1,html200=0.1",
    "notfound500=0.2",
    "over_rate_limit=0.3",
    "reset=0.2,cut=0.2",
    "truncate=0.3",
    "stall=0.1,stall_s=1.5",
    "moving_total=0.3",
    "inserted=0.5",
    "unordered=1",
    "suspend=2,suspend_s=0.5",
    "http500=0.2,reset=0.05,truncate=0.05,html200=0.05,over_rate_limit=0.1,moving_total=0.1,unordered=1",
]


@pytest.mark.parametrize("spec", WEATHER)
def test_every_row_arrives_in_any_weather_and_the_key_nowhere(data, truth, tmp_path, caplog, spec):
    options = ReplayOptions(faults=Faults.parse(f"{spec},seed=5"))
    timeout_s, errors = 0.5 if "stall" in spec else 5.0, []
    with ReplayServer(data, options) as server, caplog.at_level(logging.DEBUG):
        try:
            store = fetch(server, tmp_path, timeout_s=timeout_s)
        except SourceError as error:
            # What a fault makes of the very first requests cannot be told from a wrong address.
            errors.append(error)
            store = fetch(server, tmp_path, timeout_s=timeout_s)
    assert {row[:3] for row in rows(store)} >= {row[:3] for row in truth}
    if "inserted" not in spec:
        assert rows(store) == truth
    assert "CANARY" not in caplog.text + repr(errors)
    contents = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    contents += [gzip.decompress(content) for content in contents if content.startswith(b"\x1f\x8b")]
    assert contents
    assert not [content for content in contents if b"CANARY" in content]


def test_a_bad_key_ends_at_once_and_says_so(data, tmp_path):
    with ReplayServer(data, ReplayOptions(faults=Faults.parse("badkey=1"))) as server:
        with pytest.raises(KeyRejectedError, match="Check EIA_API_KEY"):
            fetch(server, tmp_path)
        assert server.request_count <= 10  # those that were in flight together


def test_a_server_that_only_fails_is_given_up_with_what_landed_kept_and_a_rerun_completes(
    data, truth, tmp_path
):
    with ReplayServer(data) as server:
        fetch(server, tmp_path, windows=WINDOWS[:3])
    throttling = ReplayServer(data, ReplayOptions(faults=Faults.parse("over_rate_limit=1")))
    with throttling as server, pytest.raises(SourceError, match=r"asks for fewer.*For 0 s \(give_up_after_s"):
        fetch(server, tmp_path, windows=WINDOWS[3:], give_up_after_s=0.5)
    with ReplayServer(data) as server:
        store = fetch(server, tmp_path, windows=WINDOWS[3:])
    assert rows(store) == truth


def test_a_server_with_eias_own_limits_never_suspends_us(data, truth, tmp_path):
    faults = Faults.parse("rate=5,per_hour=9000,suspend_s=5")
    with ReplayServer(data, ReplayOptions(faults=faults, latency_ms=300)) as server:
        store = fetch(server, tmp_path, rate_limit=5.0, concurrency=5)
        statuses = {request.status for request in server.requests}
        arrived = sorted(request.arrived_s for request in server.requests)
    assert statuses == {200}
    assert rows(store) == truth
    assert min(sixth - first for first, sixth in zip(arrived, arrived[5:], strict=False)) >= 1.0
    # 1.05 times what five a second allow; a busy machine comes on top.
    assert arrived[-1] - arrived[0] <= 1.05 * (len(arrived) - 1) / 5 + 0.5
