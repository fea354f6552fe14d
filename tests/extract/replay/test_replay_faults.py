"""Faults of answers over real connections: each is seen, none comes uncalled, the same seed repeats them."""

from __future__ import annotations

import time
import zlib

import httpx2
import pytest

from gridloom.errors import ConfigError
from gridloom.extract.replay import FAULT_NAMES, Faults, ReplayOptions, ReplayServer
from gridloom.extract.replay.faults import fault_help
from gridloom.extract.replay.mishaps import DRESSES

DATA = "/region-data/data/"


def raw(client, path=DATA):
    """Status, headers and the body as it came over the wire."""
    url = f"{client.server.url}/electricity/rto{path}?api_key=any&data[]=value"
    with client.http.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
        return answer, b"".join(answer.iter_raw())


# --- the specification


def test_a_specification_is_read():
    faults = Faults.parse(" seed=7, http500=0.3,suspend=1 ,rate=5,, retry_after=1,unordered=0")
    assert faults == Faults(seed=7, http500=0.3, suspend=1, rate=5, retry_after=1, unordered=0)
    assert Faults.parse("") == Faults()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("htp500=1", "There is no fault named 'htp500'. Did you mean http500"),
        ("bogus=1", "The names are http500, html502"),
        ("http500", "has the value '', which is no number"),
        ("http500=often", "has the value 'often', which is no number"),
        ("http500=1.5", "must be a probability from 0 to 1"),
        ("reset=-0.1", "must be a probability from 0 to 1"),
        ("reset=nan", "must be a probability from 0 to 1"),
        ("rate=2.5", "must be a whole number, 0 or more"),
        ("stall_s=inf", "must be a number, 0 or more"),
        ("seed=1,seed=2", "stands twice"),
    ],
)
def test_a_wrong_specification_is_a_sentence(spec, text):
    with pytest.raises(ConfigError) as caught:
        Faults.parse(spec)
    assert text in str(caught.value)


def test_the_help_explains_every_name():
    lines = fault_help().splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == sorted(
        FAULT_NAMES, key=lambda name: next(i for i, line in enumerate(lines) if line.startswith(f"  {name} "))
    )
    assert len([line for line in lines if line.startswith("  ")]) == len(FAULT_NAMES)


# --- no fault, no change


def test_with_zero_probabilities_nothing_changes(serve, small_data):
    zero = Faults(**dict.fromkeys((name for name in FAULT_NAMES if name != "unordered"), 0), unordered=0)
    without = serve(faults=Faults(unordered=0))
    withal = serve(faults=zero)
    for path in (DATA, "/fuel-type-data/data", "", "/region-data", "/region-data/facet/type", "/bogus"):
        one, other = without.get(path, ("data[]", "value")), withal.get(path, ("data[]", "value"))
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert set(one.headers) == set(other.headers)
    assert {entry.fault for entry in withal.server.requests} == {""}


# --- answers in the place of answers


@pytest.mark.parametrize(
    ("name", "status", "start"),
    [
        ("http500", 500, b"Something unexpected happened."),
        ("html502", 502, b"<!DOCTYPE html>"),
        ("html503", 503, b"<!DOCTYPE html>"),
        ("html504", 504, b"<!DOCTYPE html>"),
        ("html200", 200, b"<!DOCTYPE html>"),
        ("notfound500", 500, b'{"error":"Not found.","code":404}'),
    ],
)
def test_an_answer_is_replaced(serve, name, status, start):
    client = serve(faults=Faults(**{name: 1}))
    answer = client.get(DATA)
    assert answer.status_code == status
    assert answer.content.startswith(start)
    assert [entry.fault for entry in client.server.requests] == [name]


def test_too_many_requests_come_in_every_dress(serve):
    client = serve(faults=Faults(over_rate_limit=1, retry_after=3))
    answers = [client.get(DATA) for _ in range(100)]
    assert {(answer.status_code, answer.content) for answer in answers} == {dress[:2] for dress in DRESSES}
    assert {answer.headers["retry-after"] for answer in answers} == {"3"}
    assert "retry-after" not in serve(faults=Faults(over_rate_limit=1)).get(DATA).headers


def test_the_same_seed_meets_the_same_requests(serve):
    def met(seed, **more):
        client = serve(faults=Faults(seed=seed, http500=0.3, **more))
        return [client.get(DATA).status_code == 500 for _ in range(40)]

    first = met(7)
    assert first == met(7) != met(8)
    assert 4 <= sum(first) <= 22
    # Another fault does not change whom this one meets, as long as it does not come first.
    assert first == met(7, html503=0.3, reset=0.0)


def test_faults_of_answers_end_where_they_are_told_to(serve):
    client = serve(faults=Faults(http500=1, until=3))
    assert [client.get(DATA).status_code for _ in range(5)] == [500, 500, 500, 200, 200]


# --- answers that break off


def test_a_reset_is_an_error_in_the_middle_of_the_body(serve, capfd):
    client = serve(faults=Faults(reset=1, unordered=0))
    for _ in range(5):
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            raw(client)
    assert {entry.fault for entry in client.server.requests} == {"reset"}
    client.server.stop()
    assert capfd.readouterr().err == ""


def test_a_cut_answer_ends_before_its_length(serve, capfd):
    client = serve(faults=Faults(cut=1))
    with pytest.raises(httpx2.RemoteProtocolError, match="complete message body"):
        raw(client)
    client.server.stop()
    assert capfd.readouterr().err == ""


def test_a_truncated_answer_is_whole_to_http_and_broken_to_gzip(serve):
    client = serve(faults=Faults(truncate=1))
    whole = raw(serve(faults=Faults(unordered=0)))[1]
    sizes = set()
    for _ in range(6):
        answer, body = raw(client)
        assert answer.status_code == 200
        assert len(body) == int(answer.headers["content-length"]) < len(whole) + 100
        sizes.add(len(body))
        unpacker = zlib.decompressobj(31)
        unpacker.decompress(body)
        assert not unpacker.eof
    assert len(sizes) > 1


def test_a_stall_is_waited_out_or_given_up(serve):
    client = serve(faults=Faults(stall=1, stall_s=0.25, unordered=0))
    started = time.monotonic()
    bodies = {raw(client)[1] for _ in range(4)}
    assert time.monotonic() - started >= 1.0
    assert bodies == {raw(serve(faults=Faults(unordered=0)))[1]}
    patient = serve(faults=Faults(stall=1, stall_s=60))
    with pytest.raises(httpx2.ReadTimeout):
        patient.http.get(f"{patient.server.url}/electricity/rto?api_key=any", timeout=0.2)


def test_a_server_does_not_wait_for_a_stall_to_end(small_data, capfd):
    with ReplayServer(small_data, ReplayOptions(faults=Faults(stall=1, stall_s=60))) as server:
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{server.url}/electricity/rto?api_key=any", timeout=0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert capfd.readouterr().err == ""


def test_latency_and_the_penalty_of_plain_text(serve):
    client = serve(faults=Faults(latency=1, unordered=0))
    started = time.monotonic()
    assert client.get(DATA).status_code == 200
    assert time.monotonic() - started >= 0.3
    plain = serve(faults=Faults(identity=1, unordered=0))
    started = time.monotonic()
    rows = plain.get(DATA, headers={"Accept-Encoding": "identity"}).json()["response"]["data"]
    assert time.monotonic() - started >= 0.002 * len(rows)


# --- the key


def test_a_bad_key_is_refused_from_the_first_request_on(serve):
    client = serve(faults=Faults(badkey=1))
    answers = [client.get(DATA) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["code"] for answer in answers} == {"API_KEY_INVALID"}


def test_a_suspended_key_worked_before_and_works_again(serve):
    client = serve(faults=Faults(suspend=1, suspend_s=0.4, seed=3))
    statuses, deadline = [], time.monotonic() + 20
    while statuses[-1:] != [403]:
        assert time.monotonic() < deadline
        statuses.append(client.get(DATA).status_code)
    assert set(statuses[:-1]) == {200}
    assert len(statuses) > 2
    time.sleep(0.5)
    assert {client.get(DATA).status_code for _ in range(30)} == {200}
    assert [entry.fault for entry in client.server.requests].count("suspend") == 1


def test_more_requests_than_the_rate_suspend_the_key(serve):
    client = serve(faults=Faults(rate=5, suspend_s=0.6, retry_after=1))
    answers = [client.get("/region-data") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].json()["error"]["code"] == "OVER_RATE_LIMIT"
    assert answers[-1].headers["retry-after"] == "1"
    time.sleep(1.2)
    assert client.get("/region-data").status_code == 200
    assert {entry.fault for entry in client.server.requests} == {"", "rate"}


def test_an_hour_has_a_limit_of_its_own(serve):
    client = serve(faults=Faults(per_hour=3, suspend_s=0.05))
    assert [client.get("/region-data").status_code for _ in range(5)] == [200] * 3 + [429] * 2
    time.sleep(0.1)
    assert client.get("/region-data").status_code == 429


def test_the_log_says_when_requests_came(serve):
    client = serve()
    before = time.monotonic()
    client.get("/region-data")
    client.get("/region-data")
    first, second = (entry.arrived_s for entry in client.server.requests)
    assert before <= first <= second <= time.monotonic()
