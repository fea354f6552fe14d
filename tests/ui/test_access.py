"""Who may see the pages, and what every answer says to the browser."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.e2e.processes import gridloom
from tests.ui.conftest import base, pages

from gridloom.ui.access import Access

TOKEN = "a-token-of-the-test-0123"


@pytest.mark.parametrize("path", ["/", "/runs/nothing", "/static/style.css", "/static/live.js"])
def test_every_answer_has_its_policy(client: httpx2.Client, path: str) -> None:
    headers = client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8931", 200),
        ("[::1]:8931", 200),
        ("evil.example", 421),
        ("evil.example:8931", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("203.0.113.7", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine_are_answered(client: httpx2.Client, host: str, status: int) -> None:
    answer = client.get("/", headers={"host": host})

    assert answer.status_code == status
    assert ("Runs" in answer.text) == (status == 200)
    assert answer.headers["content-security-policy"]


def test_on_the_loopback_no_token_is_needed(
    shown: tuple[str, Path, list[str]], client: httpx2.Client
) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", shown[0])
    assert client.get("/").status_code == 200


def test_for_others_a_token_is_made_and_stands_in_the_address(tmp_path: Path) -> None:
    with pages(tmp_path, "--host", "0.0.0.0") as url:
        found = urlsplit(url)
        assert found.hostname == socket.gethostname().lower()
        assert len(found.query.removeprefix("token=")) >= 40
        here = f"http://127.0.0.1:{found.port}/"
        assert httpx2.get(here).status_code == 401
        assert httpx2.get(f"{here}?{found.query}").status_code == 303
        named = {"host": found.netloc, "authorization": f"Bearer {found.query.removeprefix('token=')}"}
        assert httpx2.get(here, headers=named).status_code == 200
        assert httpx2.get(here, headers={**named, "host": "evil.example"}).status_code == 421


class TestToken:
    def test_from_the_address_it_moves_to_a_cookie(self, tmp_path: Path) -> None:
        with pages(tmp_path, "--token", TOKEN) as url, httpx2.Client() as browser:
            first = browser.get(f"{base(url)}/?outcome=failed&token={TOKEN}")
            cookie = first.headers["set-cookie"]

            assert (first.status_code, first.headers["location"]) == (303, "/?outcome=failed")
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert browser.get(base(url) + "/").status_code == 200
            assert browser.get(base(url) + "/static/style.css").status_code == 200

    def test_without_it_nothing_is_shown(self, tmp_path: Path) -> None:
        paths = ("/", "/runs/latest", "/runs/x/events", "/runs/x/report", "/static/style.css", "/nothing")
        with pages(tmp_path, environ={"GRIDLOOM_UI_TOKEN": TOKEN}) as url:
            for path in paths:
                for wrong in (
                    {},
                    {"authorization": "Bearer x"},
                    {"cookie": f"gridloom-{urlsplit(url).port}=x"},
                ):
                    answer = httpx2.get(base(url) + path, headers=wrong)
                    assert answer.status_code == 401
                    assert "A token is needed" in answer.text
                assert httpx2.get(f"{base(url)}{path}?token=wrong").status_code == 401
                right = {"authorization": f"Bearer {TOKEN}"}
                assert httpx2.get(base(url) + path, headers=right).status_code != 401

    def test_the_address_cannot_lead_elsewhere(self, tmp_path: Path) -> None:
        with pages(tmp_path, "--token", TOKEN) as url:
            for path in ("//evil.example/", "/%5cevil.example", "/\\evil.example"):
                answer = httpx2.get(f"{base(url)}{path}?token={TOKEN}")
                assert re.match(r"/(?![/\\])", answer.headers["location"])

    def test_letters_that_no_token_has_are_wrong_and_no_crash(self) -> None:
        access = Access(token=TOKEN)

        assert access.knows(TOKEN)
        assert not any(access.knows(wrong) for wrong in (None, "", TOKEN[:-1], TOKEN + "x", "é", "\x00"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--token", "short"], "--token takes 16 to 200"),
        (["--token", "with a blank in between"], "--token takes 16 to 200"),
        (["--host", "no.such.host.invalid"], "is not one of this machine"),
        (["--host", "203.0.113.7"], "cannot be used there"),
        (["--port", "65536"], "--port"),
        (["--out", "a-file"], "--out takes an output folder, and 'a-file' is a file."),
    ],
)
def test_bad_input_is_said_before_anything_is_served(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "a-file").touch()
    done = gridloom("ui", *arguments, cwd=tmp_path)

    assert done.code == 2
    assert said in done.error
    assert done.out == ""


def test_a_port_that_is_taken_is_bad_input(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = gridloom("ui", "--port", str(taken.getsockname()[1]), cwd=tmp_path)

    assert done.code == 2
    assert "is already in use" in done.error
