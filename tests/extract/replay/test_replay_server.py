"""Servers as processes see them: ports, threads, sharing, latency, and a clean end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import polars as pl
import pytest

from gridloom.errors import ConfigError, UsageError
from gridloom.extract.replay import ReplayOptions, ReplayServer, sample_server
from gridloom.sample import sample_path

SERVE = """
import sys
from pathlib import Path
from gridloom.extract.replay import ReplayData, serve_forever
count = serve_forever(ReplayData.load([Path(sys.argv[1])]), on_start=lambda url: print(url, flush=True))
print(count, flush=True)
"""


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "gridloom-replay"]


def test_two_servers_at_once_stand_on_ports_of_their_own(serve, make_table):
    from gridloom.extract.replay import ReplayData

    one = serve()
    two = serve(ReplayData.of_frame(make_table([("AVA", "D", 0, 7.0, "reported")])))
    assert one.server.url != two.server.url
    assert one.server.url.startswith("http://127.0.0.1:")
    assert {row["respondent"] for row in two.rows("region-data")} == {"AVA"}
    assert {row["respondent"] for row in one.rows("region-data")} == {"CAR", "ERCO", "PACW"}
    assert (len(one.server.requests), len(two.server.requests)) == (1, 1)


def test_a_stopped_server_is_gone_and_can_start_again(small_data):
    server = ReplayServer(small_data)
    with server:
        first = server.url
        assert httpx2.get(f"{first}/electricity/rto?api_key=k").status_code == 200
    assert not threads()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{first}/electricity/rto?api_key=k")
    with pytest.raises(UsageError, match="does not run"):
        _ = server.url
    with server:
        assert server.url == first
    server.stop()


def test_a_running_server_does_not_start_twice(small_data):
    with ReplayServer(small_data) as server, pytest.raises(UsageError, match="runs already"):
        server.start()


def test_a_taken_port_is_a_sentence(small_data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            UsageError, match=rf"Port {port} is already in use\. Choose another one with --port"
        ):
            ReplayServer(small_data, port=port).start()


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_a_sentence(small_data, port):
    with pytest.raises(UsageError, match=f"Port {port} cannot be used"):
        ReplayServer(small_data, port=port).start()


def test_a_negative_latency_is_a_sentence():
    with pytest.raises(ConfigError, match="-5 ms"):
        ReplayOptions(latency_ms=-5)


def test_latency_is_waited_for_side_by_side(serve):
    client = serve(latency_ms=300)
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: httpx2.get(f"{client.server.url}/electricity/rto?api_key=k"), range(4))
        )
    took = time.monotonic() - started
    assert all(answer.status_code == 200 for answer in answers)
    assert took >= 0.3


def test_the_log_counts_every_request_of_many_threads(serve):
    client = serve()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: client.get("/region-data/data", length=str(n), offset="0"), range(40)))
    entries = client.server.requests
    assert client.server.request_count == len(entries) == 40
    assert sorted(entry.rows for entry in entries) == sorted(min(n, 131) for n in range(40))
    assert sorted(int(entry.params["length"]) for entry in entries) == list(range(40))
    assert {(entry.method, entry.path, entry.status) for entry in entries} == {
        ("GET", "/v2/electricity/rto/region-data/data", 200)
    }


def test_the_sample_server_is_shared_while_it_is_used():
    with sample_server() as one, sample_server() as two:
        assert one is two
        with ThreadPoolExecutor(4) as pool:

            def url(_):
                with sample_server() as server:
                    return server.url

            assert set(pool.map(url, range(8))) == {one.url}
        assert len(threads()) == 1
    assert not threads()


def test_the_sample_server_ends_with_its_last_user_also_after_an_error():
    with pytest.raises(RuntimeError, match="of the user"), sample_server():
        raise RuntimeError("of the user")
    assert not threads()


@pytest.mark.parametrize(
    ("respondent", "series"),
    [("PACW", "NG.WND"), ("MISO", "D"), ("CAR", "DF"), ("PJM", "D"), ("NYIS", "NG.OIL")],
)
def test_the_sample_is_served_hour_for_hour(respondent, series):
    fuel = series.removeprefix("NG.")
    route, facet = ("region-data", "type") if fuel == series else ("fuel-type-data", "fueltype")
    served = {}
    with sample_server() as server, httpx2.Client() as http:
        while True:
            answer = http.get(
                f"{server.url}/electricity/rto/{route}/data/",
                params={
                    "api_key": "any",
                    "data[]": "value",
                    "facets[respondent][]": respondent,
                    f"facets[{facet}][]": fuel,
                    "sort[0][column]": "period",
                    "offset": str(len(served)),
                },
            ).json()["response"]
            served |= {row["period"]: float(row["value"]) for row in answer["data"]}
            if len(served) == int(answer["total"]):
                break
    table = pl.scan_parquet(sample_path()).filter(
        pl.col("respondent").cast(pl.String) == respondent, pl.col("series").cast(pl.String) == series
    )
    rows = table.filter(pl.col("value").is_not_null()).select("period", "value").collect().iter_rows()
    assert served == {period.isoformat()[:13]: value for period, value in rows}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_a_signal_ends_it_quietly(small_table, tmp_path, number):
    path = tmp_path / "small.parquet"
    small_table.write_parquet(path)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        url = process.stdout.readline().strip()
        assert httpx2.get(f"{url}/electricity/rto?api_key=canary-77").status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "1\n", "")
