from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.landing import Row, land

from gridloom.errors import RawDataError
from gridloom.grid.artifacts import RawPages
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import (
    RECEIPT_NAME,
    Receipt,
    Window,
    read_pages,
    read_receipt,
    source_folder,
    unpack,
)

HOURS = HourRange.of_labels("2019-01-01T00", "2019-01-02T23")
WINDOW = Window("region-data", HOURS, ("CAR", "PACW"), ("D",), 5000)
PAGES = [[Row("2019-01-01T00", "PACW", "D", "1")], [Row("2019-01-01T01", "PACW", "D", "2")]]


@pytest.fixture(params=["now", "by an earlier version"])
def raw(tmp_path: Path, request: pytest.FixtureRequest) -> RawPages:
    landed = land(
        tmp_path,
        [PAGES, PAGES[:1]],
        route_id="region-data",
        first=HOURS.first_label,
        last=HOURS.last_label,
        respondents=["PACW"],
        types=["D"],
    )
    if request.param != "now":
        for path in landed.folder.rglob(RECEIPT_NAME):
            record = json.loads(path.read_text())
            record["pages"] = [{**page, "file_digest": ""} for page in record["pages"]]
            path.write_text(json.dumps(record))
    return landed


def first_window(raw: RawPages) -> Path:
    return raw.folder / raw.index().windows[0].folder


def test_a_request_sorts_by_the_full_key_and_never_holds_a_bare_date() -> None:
    assert WINDOW.request() == {
        "route": "region-data",
        "frequency": "hourly",
        "data": ["value"],
        "facets": {"respondent": ["CAR", "PACW"], "type": ["D"]},
        "start": "2019-01-01T00",
        "end": "2019-01-02T23",
        "sort": ["period", "respondent", "type"],
        "length": 5000,
    }


def test_without_types_every_type_is_asked_for() -> None:
    assert dataclasses.replace(WINDOW, types=()).request()["facets"] == {"respondent": ["CAR", "PACW"]}


@pytest.mark.parametrize(
    ("route_id", "facets", "sort"),
    [
        ("interchange-data", {"fromba": ["CAR", "PACW"], "toba": ["D"]}, ["period", "fromba", "toba"]),
        ("region-sub-ba-data", {"parent": ["CAR", "PACW"], "subba": ["D"]}, ["period", "parent", "subba"]),
    ],
)
def test_a_request_names_the_facets_of_its_route(route_id: str, facets: dict, sort: list) -> None:
    request = dataclasses.replace(WINDOW, route_id=route_id).request()

    assert (request["facets"], request["sort"]) == (facets, sort)


@pytest.mark.parametrize(
    "changes",
    [
        {"route_id": "fuel-type-data"},
        {"hours": HourRange.of_labels("2019-01-01T00", "2019-01-02T22")},
        {"hours": HourRange.of_labels("2019-01-01T01", "2019-01-02T23")},
        {"respondents": ("CAR",)},
        {"types": ()},
        {"types": ("D", "DF")},
        {"page_rows": 2500},
    ],
)
def test_another_request_has_another_name(changes: dict) -> None:
    assert dataclasses.replace(WINDOW, **changes).digest("eia") != WINDOW.digest("eia")


def test_another_source_has_another_name() -> None:
    names = {WINDOW.digest(source) for source in ("eia", "sample:1f0c", "custom:here")}

    assert len(names) == 3
    assert all(len(name) == 32 for name in names)


@given(source=st.text(min_size=1))
def test_a_source_s_folder_is_one_plain_name(source: str) -> None:
    folder = source_folder(source)

    assert folder
    assert not set(folder) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_pages_come_back_in_order(raw: RawPages) -> None:
    folder = first_window(raw)
    receipt = read_receipt(folder)

    values = [json.loads(body)["response"]["data"][0]["value"] for body in read_pages(folder, receipt)]

    assert values == ["1", "2"]
    assert (receipt.rows, receipt.total, len(receipt.pages)) == (2, 2, 2)


def test_the_time_of_fetch_is_no_content(raw: RawPages) -> None:
    receipt = read_receipt(first_window(raw))
    record = json.loads((first_window(raw) / RECEIPT_NAME).read_text())
    record["fetched_at"] = "2030-01-01T00:00:00Z"
    (first_window(raw) / RECEIPT_NAME).write_text(json.dumps(record))

    later: Receipt = read_receipt(first_window(raw))

    assert later.fetched_at != receipt.fetched_at
    assert later.content_digest == receipt.content_digest
    assert raw.mismatch() is None


def test_unchanged_pages_match(raw: RawPages) -> None:
    assert raw.mismatch() is None
    assert raw.index().respondents == ("PACW",)


def _gone(folder: Path) -> None:
    (folder / "page-0001.json.gz").unlink()


def _truncated(folder: Path) -> None:
    page = folder / "page-0001.json.gz"
    page.write_bytes(page.read_bytes()[:-3])


def _not_gzip(folder: Path) -> None:
    page = folder / "page-0001.json.gz"
    page.write_bytes(b"x" * page.stat().st_size)


def _other_content(folder: Path) -> None:
    page = folder / "page-0001.json.gz"
    size = page.stat().st_size
    body = gzip.decompress(page.read_bytes()).replace(b'"2"', b'"3"')
    packed = gzip.compress(body, mtime=0)
    assert len(packed) == size
    page.write_bytes(packed)


def _receipt_gone(folder: Path) -> None:
    (folder / RECEIPT_NAME).unlink()


def _receipt_damaged(folder: Path) -> None:
    (folder / RECEIPT_NAME).write_bytes(b'{"source":')


def _receipt_no_text(folder: Path) -> None:
    (folder / RECEIPT_NAME).write_bytes(b"\xff\xfe")


def _fetched_again(folder: Path) -> None:
    record = json.loads((folder / RECEIPT_NAME).read_text())
    (folder / RECEIPT_NAME).write_text(json.dumps({**record, "rows": 3}))


def _window_gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


SPOILED = [_gone, _truncated, _not_gzip, _other_content, _receipt_gone, _receipt_damaged, _receipt_no_text]


@pytest.mark.parametrize("spoil", [*SPOILED, _fetched_again, _window_gone])
def test_every_change_of_a_window_is_a_mismatch_with_a_reason(raw: RawPages, spoil) -> None:
    spoil(first_window(raw))

    assert raw.mismatch()


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_damaged_window_is_never_read_as_if_it_were_whole(raw: RawPages, spoil) -> None:
    folder = first_window(raw)
    spoil(folder)

    with pytest.raises(RawDataError, match=folder.name):
        list(read_pages(folder, read_receipt(folder)))


def test_a_damaged_index_is_a_mismatch_and_an_error_in_words(raw: RawPages) -> None:
    raw.path.write_bytes(b"{" * raw.size_bytes)

    assert raw.mismatch()
    with pytest.raises(RawDataError, match=r"The index .* is damaged"):
        raw.index()


@given(bodies=st.lists(st.binary(max_size=300) | st.just(b"\x1f\x8b\x08" * 40), min_size=1, max_size=3))
def test_gzip_of_one_stream_or_several_is_unpacked_to_all_of_it(bodies: list[bytes]) -> None:
    assert unpack(b"".join(gzip.compress(body) for body in bodies)) == b"".join(bodies)


@given(body=st.binary(max_size=300), data=st.data())
def test_gzip_that_is_broken_off_is_never_read(body: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(body)
    short = packed[: data.draw(st.integers(0, len(packed) - 1))]

    # An empty file is an empty archive.
    with pytest.raises((OSError, EOFError, zlib.error)) if short else contextlib.nullcontext():
        assert unpack(short) == b""


def test_a_size_that_lies_is_no_size_to_be_made_room_for() -> None:
    packed = gzip.compress(b"x" * 1000)

    with pytest.raises((OSError, zlib.error)):
        unpack(packed[:-4] + (2**32 - 1).to_bytes(4, "little"))
