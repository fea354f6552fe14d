"""The proof that the stand-in is faithful: recorded answers of the real API, envelope for envelope."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from gridloom.extract.replay import Faults, ReplayData, ReplayOptions, ReplayServer

FILES = sorted((Path(__file__).parents[2] / "support" / "recorded").glob("*.json.gz"))
FUELS = ("NG", "OTH", "SUN", "WAT", "WND")
MADE_UP_HOURS = (("2024-02-11T16", "2024-02-14T00"), ("2024-03-27T16", "2024-03-30T00"))
"""Hours of the two truncated answers that were never recorded; `total` says that there were rows."""


def read(path):
    return json.loads(gzip.decompress(path.read_bytes()))


def hour(label):
    return datetime.strptime(label, "%Y-%m-%dT%H").replace(tzinfo=UTC)


def as_the_api_writes(answer):
    return json.dumps(answer, separators=(",", ":")).replace("/", "\\/").encode()


def flat(params, *, numbered):
    """Parameters of ``request.params`` as the query that they came from."""
    pairs = []
    for name, value in params.items():
        if name == "data":
            pairs += [(f"data[{i if numbered else ''}]", text) for i, text in enumerate(value)]
        elif name == "facets":
            pairs += [
                (f"facets[{facet}][{i if numbered else ''}]", text)
                for facet, texts in value.items()
                for i, text in enumerate(texts)
            ]
        elif name == "sort":
            pairs += [(f"sort[{i}][{part}]", key[part]) for i, key in enumerate(value) for part in key]
        else:
            pairs.append((name, value))
    return pairs


@pytest.fixture(scope="module")
def server(make_table):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = {}
    for path in FILES:
        for row in read(path)["response"]["data"]:
            series = row["type"] if "type" in row else "NG." + row["fueltype"]
            key = (row["respondent"], series, (hour(row["period"]) - start) // timedelta(hours=1))
            value = float(row["value"])
            assert rows.setdefault(key, value) == value
    for first, last in MADE_UP_HOURS:
        span = ((hour(label) - start) // timedelta(hours=1) for label in (first, last))
        low, high = span
        for number in range(low, high + 1):
            for fuel in FUELS:
                assert rows.setdefault(("PACW", f"NG.{fuel}", number), 1.0) == 1.0
    table = make_table([(*key, value, "reported") for key, value in rows.items()])
    # The recorded requests sort by period only, and their answers are in the order of the key.
    with ReplayServer(ReplayData.of_frame(table), ReplayOptions(faults=Faults(unordered=0))) as running:
        yield running


def test_there_are_recorded_answers_of_both_routes():
    assert len(FILES) == 6
    assert {path.name.split("_")[0] for path in FILES} == {"fuel-type-data", "region-data"}


@pytest.mark.parametrize("numbered", [True, False], ids=["data[0]", "data[]"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_the_answer_is_the_recorded_one_byte_for_byte(server, path, numbered):
    recorded = read(path)
    url = server.url.removesuffix("/v2") + recorded["request"]["command"]
    answer = httpx2.get(url, params=flat(recorded["request"]["params"], numbered=numbered))
    assert answer.status_code == 200
    assert answer.content == as_the_api_writes(recorded)


def test_the_rows_that_were_cut_off_come_on_the_next_page(server):
    recorded = read(next(path for path in FILES if "2024-02-14_truncated" in path.name))
    url = server.url.removesuffix("/v2") + recorded["request"]["command"]
    pairs = [*flat(recorded["request"]["params"], numbered=True), ("offset", "5000")]
    answer = httpx2.get(url, params=pairs).json()
    assert answer["response"]["total"] == "5285"
    assert len(answer["response"]["data"]) == 285
    assert answer["response"]["data"][0]["period"] == "2024-02-11T16"
    assert answer["response"]["data"][-1]["period"] == "2024-02-14T00"
