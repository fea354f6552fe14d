"""A small API in memory, for what a well-behaved server does not do: faults, lies and echoes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx2

from gridloom.extract.failures import Backoff
from gridloom.extract.replay.params import parse_json, parse_query
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.grid.routes import ROUTES

CANARY = "CANARY/key+0123456789abcdef"
"""A key with characters that URLs and JSON escape."""

NO_WAIT = Backoff(tries=4, first_tries=2, odd_tries=3, wait_initial_s=0, wait_max_s=0, jitter_s=0)

Response = httpx2.Response
Tamper = Callable[[dict[str, Any], dict[str, Any]], None]


def each_hour(hours: HourRange) -> list[str]:
    return [label(hours.start + place * HOUR) for place in range(len(hours))]


def rows_of(
    hours: HourRange, respondents: Iterable[str] = ("PACW",), codes: Iterable[str] = ("D",)
) -> list[tuple[str, str, str]]:
    return [(period, who, code) for period in each_hour(hours) for who in respondents for code in codes]


@dataclass(frozen=True)
class Scripted:
    """An answer that can be given again and again."""

    status: int
    body: dict[str, Any] | str | bytes
    headers: dict[str, str] | None = None

    def __call__(self) -> Response:
        text = json.dumps(self.body) if isinstance(self.body, dict) else self.body
        body = text if isinstance(text, bytes) else text.encode()
        return httpx2.Response(self.status, headers=self.headers, stream=httpx2.ByteStream(body))

    def __str__(self) -> str:
        return f"{self.status} {str(self.body)[:30]}"


MISSING = Scripted(403, {"error": {"code": "API_KEY_MISSING", "message": "No api_key was supplied."}})


class FakeAPI:
    """Answers for `rows`; `script` answers first, one entry per request (None lets it through)."""

    def __init__(self, rows: Iterable[tuple[str, str, str]], *, hours: HourRange | None = None) -> None:
        self.rows = sorted(rows)
        self.hours = hours or HourRange.of_years(2019)
        self.script: list[Scripted | Exception | None] = []
        self.tamper: Tamper | None = None
        self.key_in_header = True
        self.echo_key = False
        self.packed = True
        self.requests: list[httpx2.Request] = []
        self.asked: list[dict[str, Any]] = []

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.handle)

    async def handle(self, request: httpx2.Request) -> Response:
        self.requests.append(request)
        scripted = self.script.pop(0) if self.script else None
        if isinstance(scripted, Exception):
            raise scripted
        return scripted() if scripted else self.answer(request)

    def answer(self, request: httpx2.Request) -> Response:
        params = parse_query(request.url.query.decode())
        if not (params.get("api_key") or (self.key_in_header and request.headers.get("x-api-key"))):
            return MISSING()
        if "x-params" in request.headers:
            params |= parse_json(request.headers["x-params"], "X-Params")
        path = request.url.path.strip("/")
        if not path.endswith("/data"):
            ends = {"startPeriod": self.hours.first_label, "endPeriod": self.hours.last_label}
            return self.pack({"response": {"id": path, **ends}, "apiVersion": "9.9"})
        self.asked.append(params)
        envelope = self.envelope(path.split("/")[-2], params)
        if self.tamper:
            self.tamper(envelope, params)
        return self.pack(envelope)

    def envelope(self, route_id: str, params: dict[str, Any]) -> dict[str, Any]:
        reporter, facet = ROUTES[route_id].respondent_facet, ROUTES[route_id].type_facet
        wanted = params["facets"]
        rows = [
            {"period": period, reporter: who, facet: code, "value": "1", "value-units": "megawatthours"}
            for period, who, code in self.rows
            if params["start"] <= period <= params["end"]
            and who in wanted[reporter]
            and code in wanted.get(facet, [code])
        ]
        offset, length = int(params["offset"]), int(params["length"])
        echo = {name: value for name, value in params.items() if name != "api_key" or self.echo_key}
        return {
            "response": {"total": str(len(rows)), "data": rows[offset : offset + length]},
            "request": {"command": "/v2/", "params": echo},
            "apiVersion": "2.1.8",
        }

    def pack(self, envelope: dict[str, Any]) -> Response:
        body = json.dumps(envelope).encode()
        if not self.packed:
            return httpx2.Response(200, stream=httpx2.ByteStream(body))
        headers = {"content-encoding": "gzip"}
        return httpx2.Response(
            200, headers=headers, stream=httpx2.ByteStream(gzip.compress(body, 4, mtime=7))
        )
