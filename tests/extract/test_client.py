import asyncio
import contextlib
import gzip
import itertools
import json
import logging
import socket
import traceback
from urllib.parse import quote

import httpx2
import pytest
from pydantic import SecretStr
from tests.extract.fake_api import CANARY, MISSING, NO_WAIT, FakeAPI, Scripted, rows_of

from gridloom.errors import KeyRejectedError, SourceAnswerError, SourceUnreachableError
from gridloom.extract.circuit import Circuit
from gridloom.extract.client import EIAClient
from gridloom.extract.failures import Backoff
from gridloom.extract.limiter import RateLimiter
from gridloom.extract.query import data_path, parameters
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window

BASE = "https://api.example/v2"
DAY = HourRange.of_labels("2019-01-01T00", "2019-01-01T23")
WINDOW = Window("region-data", DAY, ("PACW",), ("D",), 5000)
INVALID = {"error": {"code": "API_KEY_INVALID", "message": f"An invalid api_key {CANARY} was supplied."}}


class Counted(dict):
    def __call__(self, **counts):
        for name, count in counts.items():
            self[name] = self.get(name, 0) + count


def patience(seconds):
    """A circuit whose clock moves on a second with every bad answer."""
    return Circuit(seconds, clock=itertools.count().__next__)


def ask(api, times=1, **options):
    """Asks for the window so many times with one client; returns the answers and what was counted."""
    counted = Counted()

    async def main():
        settings = {"key": SecretStr(CANARY), "backoff": NO_WAIT, "circuit": patience(6), **options}
        async with EIAClient(BASE, transport=api.transport, count=counted, **settings) as client:
            return [await client.get(data_path(WINDOW), parameters(WINDOW, 0)) for _ in range(times)]

    return asyncio.run(main()), counted


def api(*script):
    found = FakeAPI(rows_of(DAY))
    found.script = list(script)
    return found


def test_requests_are_gets_with_the_key_in_the_header_and_gzip_accepted():
    server = api()
    (answer,), counted = ask(server)
    (request,) = server.requests
    assert (request.method, request.url.path) == ("GET", "/v2/electricity/rto/region-data/data/")
    assert request.headers["x-api-key"] == CANARY
    assert request.headers["accept-encoding"] == "gzip"
    assert "CANARY" not in str(request.url)
    assert len(json.loads(answer.body)["response"]["data"]) == 24
    assert counted == {"requests": 1, "bytes_received": len(answer.packed)}


def test_each_request_is_told_with_what_came_of_it_and_without_its_query():
    heard = []

    def hear(url, status, duration_s, *, resend, size):
        assert duration_s >= 0
        heard.append((url, status, resend, size > 0))

    lost = httpx2.ConnectError(f"no way to {CANARY}")
    ask(api(Scripted(503, {}), lost), hear=hear)
    url = f"{BASE}/electricity/rto/region-data/data/"
    assert heard == [(url, 503, 0, True), (url, 0, 1, False), (url, 200, 2, True)]


def test_the_servers_gzip_is_kept_as_it_was_sent():
    (answer,), _ = ask(api())
    assert answer.packed[4:8] == (7).to_bytes(4, "little")  # the time that the server wrote into it
    assert gzip.decompress(answer.packed) == answer.body
    server = api()
    server.packed = False
    (answer,), _ = ask(server)
    assert answer.packed is None


def test_where_the_header_is_not_seen_the_key_goes_into_the_query_from_then_on():
    server = api()
    server.key_in_header = False
    _, counted = ask(server, times=3)
    assert counted["requests"] == 4
    assert "retries" not in counted
    in_query = [f"api_key={quote(CANARY, safe='')}" in str(request.url) for request in server.requests]
    assert in_query == [False, True, True, True]
    assert all("x-api-key" not in request.headers for request in server.requests[1:])


@pytest.mark.parametrize("key", ["clé-secrète", "with\nnewline", "tab\tinside"])
def test_a_key_that_no_header_can_hold_travels_in_the_query(key):
    server = api()
    ask(server, key=SecretStr(key))
    assert f"api_key={quote(key, safe='')}" in str(server.requests[0].url)


def test_long_parameters_travel_in_the_header_and_urls_stay_short():
    window = Window("region-data", DAY, tuple(f"R{place:03d}" for place in range(80)), ("D",), 5000)
    server = api()
    server.key_in_header = False

    async def main():
        async with EIAClient(BASE, transport=server.transport, key=SecretStr(CANARY)) as client:
            await client.get(data_path(window), parameters(window, 0))

    asyncio.run(main())
    assert all(len(str(request.url)) < 2000 for request in server.requests)
    assert len(server.asked[0]["facets"]["respondent"]) == 80
    assert CANARY not in server.requests[1].headers["x-params"]


WEATHER = [
    Scripted(500, "Something unexpected happened."),
    Scripted(503, "<html>503</html>"),
    Scripted(504, "<!DOCTYPE html>"),
    Scripted(200, "<html>proxy</html>"),
    Scripted(429, ""),
    Scripted(403, {"error": {"code": "OVER_RATE_LIMIT", "message": "slower"}}),
    Scripted(200, "OVER_RATE_LIMIT"),
    httpx2.ReadTimeout("late"),
    httpx2.ReadError("reset"),
    httpx2.RemoteProtocolError("Server disconnected without sending a response."),
    httpx2.ConnectError("refused"),
    Scripted(200, '{"response": {"total"'),
    Scripted(502, "<html>502</html>"),
    Scripted(200, ""),
    Scripted(400, {"error": "Error getting data.", "code": 400}),
    Scripted(500, {"error": "Not found.", "code": 404}),
    Scripted(503, "<html>OVER_RATE_LIMIT</html>"),
    Scripted(403, {"error": "Your key is temporarily suspended."}),
]


@pytest.mark.parametrize("weather", WEATHER, ids=str)
def test_bad_weather_is_waited_out_and_every_request_is_counted(weather):
    server = api(weather)
    (answer,), counted = ask(server)
    assert json.loads(answer.body)["response"]["total"] == "24"
    assert (counted["requests"], counted["retries"]) == (2, 1)


def test_truncated_gzip_is_asked_for_again():
    whole = gzip.compress(b'{"response":{}}')
    _, counted = ask(api(Scripted(200, whole[:-5], {"content-encoding": "gzip"})))
    assert counted["retries"] == 1


FINAL = [
    (Scripted(403, INVALID), 1, KeyRejectedError, "Check EIA_API_KEY"),
    (MISSING, 2, KeyRejectedError, "rejected the API key"),
    (Scripted(401, "no"), 1, KeyRejectedError, "Check EIA_API_KEY"),
    (Scripted(404, {"error": "Not found.", "code": 404}), 1, SourceAnswerError, "https://api.eia.gov/v2"),
    (Scripted(500, {"error": "Not found.", "code": 404}), 2, SourceAnswerError, "https://api.eia.gov/v2"),
    (Scripted(404, "<html>404</html>"), 1, SourceAnswerError, "https://api.eia.gov/v2"),
    (Scripted(400, {"error": f"Invalid '{CANARY}'.", "code": 400}), 1, SourceAnswerError, "would not help"),
    (Scripted(302, "", {"location": f"https://x/?api_key={CANARY}"}), 1, SourceAnswerError, "refused"),
    (Scripted(200, "<html>welcome</html>"), 2, SourceAnswerError, "proxy"),
    (Scripted(200, {"hello": "world"}), 2, SourceAnswerError, "https://api.eia.gov/v2"),
    (Scripted(500, f"Something about {CANARY}."), 4, SourceUnreachableError, "run the same command again"),
    (Scripted(429, f"api_key={CANARY}"), 7, SourceUnreachableError, "asks for fewer requests"),
    (Scripted(400, {"error": "Error getting data.", "code": 400}), 2, SourceAnswerError, "run the same"),
    (httpx2.ConnectError(f"refused {CANARY}"), 2, SourceUnreachableError, "Check --base-url or your network"),
    (httpx2.ReadTimeout(""), 2, SourceUnreachableError, r"ReadTimeout\), 2 times in a row"),
]


@pytest.mark.parametrize(("response", "requests", "kind", "text"), FINAL, ids=str)
def test_what_stays_bad_ends_in_words_that_help_and_hold_no_key(response, requests, kind, text, caplog):
    server = api(*[response] * 20)
    with caplog.at_level(logging.DEBUG), pytest.raises(kind, match=text) as caught:
        ask(server)
    assert len(server.requests) == requests
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert "CANARY" not in shown
    assert "\n" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(("response", "requests", "kind", "text"), FINAL[3:], ids=str)
def test_no_error_holds_a_key_that_travels_in_the_query(response, requests, kind, text, caplog):
    server = api(MISSING, *[response] * 20)
    with caplog.at_level(logging.DEBUG), pytest.raises(kind) as caught:
        ask(server)
    assert "api_key=" in str(server.requests[1].url)
    assert "CANARY" not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_after_success_a_refused_key_is_a_suspension_and_waited_out():
    server = api(None, *[Scripted(403, INVALID)] * 5)
    _, counted = ask(server, times=2)
    assert counted["retries"] == 5
    server = api(None, *[Scripted(403, INVALID)] * 9)
    with pytest.raises(KeyRejectedError, match="suspended for up to an hour") as caught:
        ask(server, times=2)
    assert len(server.requests) == 1 + 7
    assert "For 6 s (give_up_after_s) there was no good answer, but HTTP 403" in str(caught.value)
    assert "(7 times)" in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_after_success_a_lost_connection_is_waited_out_until_the_circuit_opens():
    server = api(None, *[httpx2.ConnectError("refused")] * 9)
    with pytest.raises(SourceUnreachableError, match="stopped answering"):
        ask(server, times=2)
    assert len(server.requests) == 1 + 7


def test_a_good_answer_closes_the_circuit_again():
    bad = [Scripted(429, "")] * 6
    server = api(*bad, None, *bad, None, *bad)
    _, counted = ask(server, times=3)
    assert counted["retries"] == 18


def test_one_request_that_fails_in_many_ways_is_not_given_up_for_any_one_of_them():
    ways = [Scripted(500, "x"), Scripted(200, "<html>"), httpx2.ReadError("reset")]
    server = api(None, *ways * 3)
    _, counted = ask(server, times=2, circuit=patience(60))
    assert counted["retries"] == 9
    with pytest.raises(SourceUnreachableError, match="4 times in a row"):
        ask(api(None, *ways * 4), times=2, circuit=patience(60))


def test_who_asks_to_wait_longer_than_the_circuit_allows_is_not_waited_for():
    server = api(Scripted(429, "", {"retry-after": "1800"}))
    with pytest.raises(SourceUnreachableError, match=r"asks to wait 1,800 s\. For 900 s"):
        ask(server, circuit=Circuit(900))
    assert len(server.requests) == 1


def test_every_try_goes_through_the_limiter_and_retry_after_holds_everyone():
    limiter, told = RateLimiter(1000), []
    server = api(Scripted(429, "", {"retry-after": "1"}), Scripted(503, "", {"retry-after": "0"}))
    ask(server, limiter=limiter, tell=told.append)
    starts = list(limiter._starts)
    assert len(starts) == 3
    assert starts[1] - starts[0] >= 1
    assert limiter.state.throttled == 1
    assert limiter.state.per_s == 520
    assert "nothing is asked for 1 s, then 500 requests a second at first" in told[0]


def test_an_outage_is_told_when_it_begins_and_once_a_minute():
    told, clock = [], itertools.count(0, 25).__next__
    server = api(*[Scripted(500, "down")] * 6)
    ask(
        server,
        tell=told.append,
        circuit=Circuit(900, clock=clock),
        backoff=Backoff(jitter_s=0, wait_initial_s=0),
    )
    assert len(told) == 2
    assert told[0] == "api.example failed to answer (HTTP 500: down); trying again for up to 0 s."


def test_an_address_is_doubted_only_where_the_server_never_answered():
    lost = [Scripted(404, '{"error":"Not found.","code":404}')]
    with pytest.raises(SourceAnswerError, match="check --base-url"):
        ask(api(*lost))
    with pytest.raises(SourceAnswerError, match="It answers at others, so it does not have this route"):
        ask(api(None, *lost), times=2)


def test_a_single_failure_among_good_answers_is_no_outage():
    told = []
    ask(api(None, Scripted(500, "down")), times=2, tell=told.append)
    assert told == []
    ask(api(None, *[Scripted(500, "down")] * 2), times=2, tell=told.append)
    assert len(told) == 1


def test_an_answer_that_cannot_be_read_is_asked_for_again():
    server, seen = api(), []

    def read(answer):
        seen.append(answer)
        if len(seen) < 3:
            raise SourceAnswerError("not what was asked for")
        return "read"

    async def main():
        async with EIAClient(BASE, transport=server.transport, key=SecretStr("k"), backoff=NO_WAIT) as client:
            return await client.ask(data_path(WINDOW), parameters(WINDOW, 0), read)

    with pytest.raises(SourceAnswerError, match="not what was asked for"):
        asyncio.run(main())
    assert asyncio.run(main()) == "read"


def test_no_more_than_so_many_requests_are_in_flight():
    flying, most = 0, 0

    async def handle(request):
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.01)
        flying -= 1
        return httpx2.Response(200, stream=httpx2.ByteStream(b'{"response":{}}'))

    async def main():
        transport = httpx2.MockTransport(handle)
        async with EIAClient(BASE, transport=transport, key=SecretStr("k"), concurrency=3) as client:
            await asyncio.gather(*(client.get("x") for _ in range(12)))

    asyncio.run(main())
    assert most == 3


def test_of_many_answers_that_come_at_once_the_first_leads_to_further_requests_before_the_last_is_read():
    read, read_before_further, together = [], [], asyncio.Barrier(8)

    async def handle(request):
        if request.url.path.endswith("/further"):
            read_before_further.append(len(read))
        else:
            await together.wait()
        return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

    async def pages(client, number):
        await client.ask(f"first-{number}", {}, lambda _: read.append(number))
        further = asyncio.create_task(client.ask("further", {}, lambda _: None))
        await further

    async def main():
        transport = httpx2.MockTransport(handle)
        async with EIAClient(BASE, transport=transport, key=SecretStr("k"), concurrency=8) as client:
            await asyncio.gather(*(pages(client, number) for number in range(8)))

    asyncio.run(main())
    assert len(read_before_further) == 8
    assert read_before_further[0] < 4


def test_a_port_that_nobody_listens_on_is_said_so():
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused

        async def main():
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/v2"
            async with EIAClient(url, key=SecretStr(CANARY), backoff=NO_WAIT, local=True) as client:
                await client.get("x")

        with pytest.raises(SourceUnreachableError, match=r"127\.0\.0\.1:\d+ does not answer"):
            asyncio.run(main())


def test_the_http_librarys_own_log_shows_no_key(caplog):
    server = api()
    server.key_in_header = False
    with caplog.at_level(logging.DEBUG):
        ask(server, times=2)
    assert "api_key=***" in caplog.text
    assert "CANARY" not in caplog.text
