import gzip
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.extract.fake_api import FakeAPI, rows_of

from gridloom.errors import SourceAnswerError, StorageError
from gridloom.extract import store as store_module
from gridloom.extract.pages import decode_page, prove
from gridloom.extract.store import RawStore, is_due
from gridloom.files import STAGING_PREFIX
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Window, read_pages, read_receipt
from gridloom.grid.routes import REGION_DATA

DAY = HourRange.of_labels("2019-01-01T00", "2019-01-01T23")
WINDOW = Window("region-data", DAY, ("ERCO", "PACW"), ("D",), 20)
NOW = datetime(2020, 1, 1, 12, tzinfo=UTC)


def land(store, respondents=("ERCO", "PACW")):
    rows = rows_of(DAY, respondents)
    pages = []
    for offset in (0, 20, 40)[: max(1, -(-len(rows) // 20))]:
        facets = {"respondent": ["ERCO", "PACW"]}
        params = {"start": "2018", "end": "2020", "facets": facets, "offset": offset, "length": 20}
        body = json.dumps(FakeAPI(rows).envelope("region-data", params)).encode()
        pages.append(decode_page(WINDOW, offset, body, None))
    return store.land(WINDOW, pages, prove(WINDOW, pages))


@pytest.fixture
def store(tmp_path):
    return RawStore(tmp_path / "raw" / "eia", "eia", now=lambda: NOW)


def names(store):
    return sorted(path.name for path in store.folder.iterdir())


def test_a_landed_window_is_found_with_its_receipt_and_pages(store):
    receipt = land(store)
    assert store.landed(WINDOW) == receipt
    assert (receipt.rows, receipt.total, receipt.fetched_at, receipt.api_version) == (48, 48, NOW, "2.1.8")
    assert receipt.rows_by_respondent == {"ERCO": 24, "PACW": 24}
    assert names(store) == [WINDOW.digest("eia")]
    folder = store.folder / WINDOW.digest("eia")
    rows = [json.loads(page)["response"]["data"] for page in read_pages(folder, read_receipt(folder))]
    assert [len(page) for page in rows] == [20, 20, 8]


def test_a_window_that_never_landed_is_not_found(store):
    assert store.landed(WINDOW) is None


def test_pages_of_one_source_never_answer_for_another(store):
    land(store)
    assert RawStore(store.folder, "custom:host").landed(WINDOW) is None
    shutil.copytree(store.folder / WINDOW.digest("eia"), store.folder / WINDOW.digest("custom:host"))
    assert RawStore(store.folder, "custom:host").landed(WINDOW) is None


def damage_truncate(page, receipt):
    page.write_bytes(page.read_bytes()[:-7])


def damage_change(page, receipt):
    size = page.stat().st_size
    body = gzip.decompress(page.read_bytes()).replace(b"PACW", b"PACE")
    page.write_bytes(gzip.compress(body, 6, mtime=0)[:size].ljust(size, b"\0"))


def damage_delete(page, receipt):
    page.unlink()


def damage_receipt(page, receipt):
    receipt.write_text("{")


def damage_no_receipt(page, receipt):
    receipt.unlink()


@pytest.mark.parametrize(
    "damage", [damage_truncate, damage_change, damage_delete, damage_receipt, damage_no_receipt]
)
def test_a_damaged_window_is_as_good_as_none_and_lands_again(store, damage):
    receipt = land(store)
    folder = store.folder / WINDOW.digest("eia")
    damage(folder / "page-0001.json.gz", folder / "receipt.json")
    assert store.landed(WINDOW) is None
    assert land(store) == receipt
    assert store.landed(WINDOW) == receipt
    assert names(store) == [folder.name]


def test_a_window_that_lands_again_replaces_the_old_one(store):
    land(store)
    receipt = land(store, respondents=("ERCO",))
    assert receipt.rows == 24
    assert store.landed(WINDOW) == receipt
    assert sorted(path.name for path in (store.folder / WINDOW.digest("eia")).iterdir()) == [
        "page-0000.json.gz",
        "page-0001.json.gz",
        "receipt.json",
        "revision.json",
    ]


def test_nothing_lands_when_everything_ends_before_the_rename(store, monkeypatch):
    def end(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RawStore, "_place", end)
        with pytest.raises(KeyboardInterrupt):
            land(store)
    assert store.landed(WINDOW) is None
    assert names(store) == []


def test_all_bytes_are_on_the_disk_before_a_window_stands(store, monkeypatch):
    seen = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append("sync"), fsync(handle)))
    monkeypatch.setattr(Path, "replace", lambda path, to: (seen.append("rename"), replace(path, to)))
    land(store)
    assert seen == ["sync"] * 5 + ["rename"]  # three pages, the receipt, their folder
    store.settle()
    assert seen[6:] == ["sync"]


def test_a_leftover_of_a_killed_run_is_no_landed_window(store):
    leftover = store.folder / f"{STAGING_PREFIX}{WINDOW.digest('eia')}-0123"
    leftover.mkdir(parents=True)
    (leftover / "receipt.json").write_text("{}")
    assert store.landed(WINDOW) is None


def test_answers_are_written_in_the_staging_folder_and_leave_nothing_there(tmp_path, monkeypatch):
    staging = tmp_path / "staging"
    store = RawStore(tmp_path / "raw" / "eia", "eia", staging=staging, now=lambda: NOW)
    from_where = []

    def watched(name):
        real = getattr(store_module, name)

        def call(staged, what):
            from_where.append(staged.parent)
            real(staged, what)

        monkeypatch.setattr(store_module, name, call)

    watched("write_folder")
    watched("publish")
    land(store)
    store.land_metadata(REGION_DATA, metadata_body())
    land(store, respondents=("ERCO",))
    assert set(from_where) == {staging}
    assert list(staging.iterdir()) == []
    assert names(store) == sorted([WINDOW.digest("eia"), "metadata"])


def test_the_same_answer_again_renews_the_time_of_fetch_and_moves_no_page(store):
    first = land(store)
    page = store.folder / WINDOW.digest("eia") / first.pages[0].file
    before = page.stat().st_ino
    store.now = lambda: NOW + timedelta(days=1)
    again = land(store)
    assert again.fetched_at == NOW + timedelta(days=1)
    assert again.content_digest == first.content_digest
    assert store.landed(WINDOW) == again
    assert page.stat().st_ino == before


def test_one_window_may_land_many_times_at_once(store):
    with ThreadPoolExecutor(8) as pool:
        landed = list(pool.map(lambda _: land(store), range(40)))
    assert {receipt.content_digest for receipt in landed} == {store.landed(WINDOW).content_digest}
    assert names(store) == [WINDOW.digest("eia")]


def test_a_disk_that_refuses_is_a_sentence(tmp_path):
    (tmp_path / "raw").write_text("a file")
    with pytest.raises(StorageError, match="Choose another folder with --out"):
        land(RawStore(tmp_path / "raw" / "eia", "eia"))


def metadata_body(first="2019-01-01T00", last="2019-12-31T23"):
    return json.dumps({"response": {"startPeriod": first, "endPeriod": last}}).encode()


def test_metadata_lands_and_is_found(store):
    metadata = store.land_metadata(REGION_DATA, metadata_body())
    assert store.metadata(REGION_DATA) == metadata
    assert metadata.hours == HourRange.of_years(2019)
    assert metadata.fetched_at == NOW
    (store.folder / "metadata" / "region-data.json").write_text("{")
    assert store.metadata(REGION_DATA) is None


@pytest.mark.parametrize("ends", [("", ""), ("2019", "2020"), ("2019-01-01T00", "2018-01-01T00"), (None, 3)])
def test_metadata_without_hours_is_refused(store, ends):
    with pytest.raises(SourceAnswerError, match="instead of two hours"):
        store.land_metadata(REGION_DATA, metadata_body(*ends))
    assert store.metadata(REGION_DATA) is None


@pytest.mark.parametrize(
    ("fetched_days_after_last", "age_hours", "refresh_days", "due"),
    [
        (44, 7, 45, True),
        (44, 6, 45, False),
        (45, 1000, 45, False),
        (400, 10_000, 45, False),
        (-3, 7, 45, True),
        (-3, 5, 45, False),
        (-3, 7, 0, True),
        (1, 7, 0, False),
    ],
)
def test_recent_hours_are_due_again_once_they_may_have_been_revised(
    fetched_days_after_last, age_hours, refresh_days, due
):
    fetched = datetime(2019, 1, 1, 23, tzinfo=UTC) + timedelta(days=fetched_days_after_last)
    assert is_due(DAY, fetched, fetched + timedelta(hours=age_hours), refresh_days) is due
