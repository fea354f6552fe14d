import asyncio
import gzip
import json

import pytest
from pydantic import SecretStr
from tests.extract.fake_api import CANARY, NO_WAIT, FakeAPI, Scripted, rows_of

from gridloom.errors import IncompleteWindowError, SourceAnswerError, SourceUnreachableError
from gridloom.extract.client import EIAClient
from gridloom.extract.fetch import Fetcher
from gridloom.extract.plan import plan_windows
from gridloom.extract.store import RawStore
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window, read_pages
from gridloom.grid.routes import REGION_DATA
from gridloom.grid.series import route_requests

DAYS = HourRange.of_labels("2019-01-01T00", "2019-01-04T23")
RESPONDENTS = ("ERCO", "MISO", "PACW")
(DEMAND,) = route_requests(["D"])
WINDOWS = plan_windows(DAYS, DEMAND, RESPONDENTS, batch_days=1, page_rows=10)
REFUSED = Scripted(400, {"error": "Invalid.", "code": 400})


def api():
    return FakeAPI(rows_of(DAYS, RESPONDENTS))


@pytest.fixture
def store(tmp_path):
    return RawStore(tmp_path / "raw", "custom:api.example")


def fetch(server, store, windows=WINDOWS, key=CANARY):
    """Fetches windows; returns those that landed, in the order in which they did."""
    landed = {}

    async def main():
        async with EIAClient(
            "https://api.example/v2", key=SecretStr(key), transport=server.transport, backoff=NO_WAIT
        ) as client:
            fetcher = Fetcher(client=client, store=store, width=4, backoff=NO_WAIT)
            await fetcher.windows(windows, landed.__setitem__)

    asyncio.run(main())
    return landed


def rows_on_disk(store, windows=WINDOWS):
    rows = []
    for window in windows:
        receipt = store.landed(window)
        for page in read_pages(store.folder / window.digest(store.source), receipt):
            rows += [
                (row["period"], row["respondent"], row["type"])
                for row in json.loads(page)["response"]["data"]
            ]
    return rows


def test_all_windows_land_with_all_their_pages(store):
    server = api()
    landed = fetch(server, store)
    assert set(landed) == set(WINDOWS)
    assert sorted(rows_on_disk(store)) == server.rows
    # 24 rows in pages of 10: three requests for each of twelve windows.
    assert len(server.requests) == 36


def test_the_servers_gzip_stands_on_disk_as_it_was_sent(store):
    fetch(api(), store, WINDOWS[:1])
    page = store.folder / WINDOWS[0].digest(store.source) / "page-0000.json.gz"
    assert page.read_bytes()[4:8] == (7).to_bytes(4, "little")


def test_an_echoed_key_reaches_no_file(store):
    server = api()
    server.key_in_header, server.echo_key = False, True
    fetch(server, store)
    assert server.asked[0]["api_key"] == CANARY
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    bodies = [gzip.decompress(path.read_bytes()) for path in files if path.suffix == ".gz"]
    assert len(bodies) == 36
    assert not [body for body in [*bodies, *(path.read_bytes() for path in files)] if b"CANARY" in body]
    assert b'"api_key": "***"' in bodies[0]


def test_scrubbed_pages_are_the_same_bytes_each_time_and_for_each_key(tmp_path):
    bodies = []
    for place, key in enumerate([CANARY, CANARY, "another-key-that-is-long"]):
        server, store = api(), RawStore(tmp_path / str(place), "custom:api.example")
        server.key_in_header, server.echo_key = False, True
        fetch(server, store, WINDOWS[:1], key=key)
        bodies.append([path.read_bytes() for path in sorted(store.folder.rglob("*.gz"))])
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_total_that_moves_once_has_the_window_asked_again(store):
    server = api()
    moves = iter([True])

    def move(envelope, params):
        if params["offset"] != "0" and next(moves, False):
            envelope["response"]["total"] = "25"

    server.tamper = move
    fetch(server, store, WINDOWS[:1])
    assert len(server.requests) == 6
    assert store.landed(WINDOWS[0]).rows == 24


def duplicate(envelope, params):
    rows = envelope["response"]["data"]
    if params["offset"] == "10":
        rows[0] = rows[1]


def always_moving(envelope, params):
    envelope["response"]["total"] = str(24 + int(params["offset"]))


def stranger(envelope, params):
    envelope["response"]["data"][0]["respondent"] = "XXX"


@pytest.mark.parametrize("tamper", [duplicate, always_moving, stranger])
def test_a_window_that_stays_incomplete_is_given_up_and_nothing_of_it_lands(store, tamper):
    server = api()
    server.tamper = tamper
    with pytest.raises(IncompleteWindowError, match="Run the same command again"):
        fetch(server, store, WINDOWS[:1])
    assert len(server.requests) == 18
    assert not store.folder.exists()


def test_an_empty_window_lands_as_empty(store):
    empty = Window("region-data", DAYS, ("XXX",), ("D",), 10)
    fetch(api(), store, [empty])
    receipt = store.landed(empty)
    assert (receipt.rows, receipt.total, len(receipt.pages)) == (0, 0, 1)


def test_after_a_failure_nothing_more_is_asked_and_what_landed_stays(store):
    server = api()
    server.script = [None] * 15 + [REFUSED]
    with pytest.raises(SourceAnswerError, match="refused the request"):
        fetch(server, store)
    assert len(server.requests) < 25
    kept = [window for window in WINDOWS if store.landed(window)]
    assert 0 < len(kept) < len(WINDOWS)
    assert not list(store.folder.glob(".staging-*"))


def test_a_page_that_fails_ends_the_window(store):
    server = api()
    server.script = [None, *[Scripted(500, "Something unexpected happened.")] * 9]
    with pytest.raises(SourceUnreachableError, match="unexpected happened"):
        fetch(server, store, WINDOWS[:1])


def test_metadata_is_fetched_scrubbed_and_landed(store):
    server = api()
    server.script = [
        Scripted(
            200,
            {"response": {"startPeriod": "2019-01-01T00", "endPeriod": "2019-02-01T00"}, "request": CANARY},
        )
    ]

    async def main():
        async with EIAClient(
            "https://api.example/v2", key=SecretStr(CANARY), transport=server.transport
        ) as client:
            return await Fetcher(client=client, store=store).metadata(REGION_DATA)

    metadata = asyncio.run(main())
    assert (metadata.first, metadata.last) == ("2019-01-01T00", "2019-02-01T00")
    assert server.requests[0].url.path == "/v2/electricity/rto/region-data"
    assert "CANARY" not in (store.folder / "metadata" / "region-data.json").read_text()
