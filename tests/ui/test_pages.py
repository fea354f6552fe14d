"""The pages, asked of a real server by a real client."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.cli.conftest import SMALL
from tests.e2e.canary import CANARY, held
from tests.e2e.processes import gridloom
from tests.e2e.servers import sample_part, serve
from tests.report.runs import HOSTILE, Page, run
from tests.support.interrupted import cut_off
from tests.ui.conftest import Shown, base, newest, pages


def test_every_run_is_listed_newest_first(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get("/").text)

    order = [page.words.index(run_id) for run_id in sorted(shown[2], reverse=True)]
    assert order == sorted(order)
    assert "all 3" in page.words
    assert "succeeded 2" in page.words


def test_the_list_can_be_filtered_by_outcome(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get("/", params={"outcome": "failed"}).text)
    links = {each["href"] for each in page.all("a")}

    assert f"/runs/{shown[2][0]}" in links
    assert f"/runs/{shown[2][1]}" not in links
    assert "No run is nothing." in Page(client.get("/?outcome=nothing").text).words


def test_very_many_runs_come_by_the_hundred(tmp_path: Path) -> None:
    for number in range(250):
        (tmp_path / "data" / "runs" / f"20190101T000000-{number:06}").mkdir(parents=True)
    with pages(tmp_path) as url:
        third = Page(httpx2.get(url, params={"page": "3"}).text)
        beyond = Page(httpx2.get(url, params={"page": "99"}).text)

    assert sum("report" in str(each["href"]) for each in third.all("a")) == 50
    assert "page 3 of 3" in third.words
    assert third.words == beyond.words


def test_a_folder_without_runs_says_how_to_start_one(tmp_path: Path) -> None:
    with pages(tmp_path) as url:
        assert "gridloom year --sample" in httpx2.get(url).text
        assert httpx2.get(f"{url}runs/latest").headers["location"] == "/"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_over_needs_no_script(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get(f"/runs/{shown[2][1]}").text)

    assert list(page.all("script")) == []
    assert "2 executed" in page.words or "1 executed, 1 cached" in page.words
    assert "extract-region-data" in page.words
    assert {each["data-row"] for each in page.all("tr") if "data-row" in each} == {
        "extract-region-data",
        "transform",
    }


def test_a_run_that_failed_says_why(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get(f"/runs/{shown[2][0]}").text)

    assert "1 failed" in page.words
    assert "TI" in page.words


def test_a_run_that_is_about_to_begin_is_not_taken_for_one_that_was_cut_off(tmp_path: Path) -> None:
    young, old = "20260101T000000-young0", "20250101T000000-old000"
    for name in (young, old):
        (tmp_path / "data" / "runs" / name).mkdir(parents=True)
    os.utime(tmp_path / "data" / "runs" / old, (0, 0))
    with pages(tmp_path) as url:
        found = [httpx2.get(f"{url}runs/{name}").text for name in (young, old)]

    assert ["live.js" in text for text in found] == [True, False]
    assert ["interrupted" in Page(text).words for text in found] == [False, True]


def test_latest_leads_to_the_newest(shown: Shown, client: httpx2.Client) -> None:
    answer = client.get("/runs/latest")

    assert answer.status_code == 303
    assert answer.headers["location"] in {f"/runs/{run_id}" for run_id in shown[2]}


def test_the_report_is_that_of_the_command_line(shown: Shown, client: httpx2.Client) -> None:
    run_id = shown[2][1]
    answer = client.get(f"/runs/{run_id}/report")
    file = shown[1] / "data" / "runs" / run_id / "report.html"

    assert answer.text == file.read_text(encoding="utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_two_runs_are_compared(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get("/compare", params={"one": shown[2][2], "other": shown[2][1]}).text)

    assert "Settings that differ" in page.words
    assert "respondents ERCO, PACW PACW" in page.words
    assert "48 24 differ" in page.words


def test_a_run_with_itself_has_the_same_settings(shown: Shown, client: httpx2.Client) -> None:
    page = Page(client.get("/compare", params={"one": shown[2][1], "other": shown[2][1]}).text)

    assert "The settings are the same." in page.words


def test_a_run_that_was_cut_off_is_shown_as_far_as_it_came(shown: Shown, tmp_path: Path) -> None:
    shutil.copytree(shown[1] / "data", tmp_path / "data")
    run_id = shown[2][2]
    cut_off(tmp_path / "data", run_id, "transform")
    log = tmp_path / "data" / "runs" / run_id / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:4]) + lines[4][:10])
    with pages(tmp_path) as url:
        page = Page(httpx2.get(f"{url}runs/{run_id}").text)
        report = httpx2.get(f"{url}runs/{run_id}/report")
        compared = httpx2.get(f"{url}compare", params={"one": run_id, "other": run_id})

    assert "1 interrupted" in page.words
    assert "running" not in page.words
    assert (report.status_code, compared.status_code) == (200, 200)
    assert "The settings are the same." in compared.text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/runs/",
        "/runs/nothing",
        "/runs/2",
        "/runs/nothing/report",
        "/runs/nothing/events",
        "/runs/%2e%2e",
        "/runs/%2e%2e/report",
        "/runs/..%2f..%2fetc/report",
        "/runs/%00/report",
        "/runs/%2fetc%2fpasswd",
        "/static/..%2fapp.py",
        "/static/base.html",
        "/compare",
        "/compare?one=..&other=..",
    ],
)
def test_what_is_not_there_is_404_in_words(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "Nothing to show" in Page(answer.text).words
    assert "root:" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_pages_only_read(client: httpx2.Client, method: str) -> None:
    assert client.request(method, "/").status_code == 405


def test_what_is_hostile_is_text(tmp_path: Path) -> None:
    made = run(tmp_path / "data", ValueError(HOSTILE), name=HOSTILE)
    with pages(tmp_path) as url:
        found = [
            Page(httpx2.get(f"{base(url)}{path}").text)
            for path in ("/", f"/runs/{made.run_id}", f"/compare?one={made.run_id}&other={made.run_id}")
        ]

    assert HOSTILE in found[1].words
    assert all(list(page.all("img")) == [] for page in found)
    assert {each.get("src") for page in found for each in page.all("script")} == {"/static/runs.js"}


def test_nothing_names_a_folder_of_the_machine(tmp_path: Path) -> None:
    made = run(tmp_path / "data", ValueError(f"cannot read {tmp_path}/private/key.txt"))
    with pages(tmp_path) as url:
        text = httpx2.get(f"{url}runs/{made.run_id}").text

    assert "key.txt" in text
    assert str(tmp_path) not in text


def test_a_key_that_a_server_repeats_is_on_no_page(tmp_path: Path) -> None:
    def echo(_request: Request) -> Response:
        return Response(f"I do not know {CANARY}.", 403)

    with serve(sample_part(["PACW"], ["D"]), first=echo) as server:
        asked = (*SMALL, "--regions", "PACW", "--base-url", server.url)
        failed = gridloom(*(each for each in asked if each != "--sample"), cwd=tmp_path, key=CANARY)
    assert failed.code == 1
    run_id = newest(tmp_path)
    with pages(tmp_path, environ={"EIA_API_KEY": CANARY}) as url:
        found = [
            httpx2.get(f"{url}{path}")
            for path in (
                "",
                f"runs/{run_id}",
                f"runs/{run_id}/report",
                f"runs/{run_id}/events",
                f"compare?one={run_id}&other={run_id}",
            )
        ]

    assert {answer.status_code for answer in found} == {200}
    assert "1 failed" in Page(found[1].text).words
    assert not any(held(answer.content) for answer in found)
