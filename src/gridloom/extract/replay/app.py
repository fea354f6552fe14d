"""The ASGI application: guards the gate, counts, lets faults happen, and writes headers as the API does."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from gridloom.extract.replay.answer import Answer
from gridloom.extract.replay.answers import Answers
from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.delivery import BREAKS, Reply, deliver, deliver_broken
from gridloom.extract.replay.gate import GateRefusal, admit
from gridloom.extract.replay.headers import answer_headers
from gridloom.extract.replay.limits import KeyLimits
from gridloom.extract.replay.mishaps import replaced
from gridloom.extract.replay.options import ReplayOptions
from gridloom.extract.replay.params import parse_json, parse_query
from gridloom.extract.replay.refusals import Refusal
from gridloom.extract.replay.requests import LoggedRequest, RequestLog
from gridloom.extract.replay.spoil import spoiled
from gridloom.extract.replay.weather import Weather
from gridloom.extract.replay.wire import wire_of

__all__ = ["ReplayApp"]

_METHODS: Final = ("GET", "POST")


class ReplayApp:
    """The application that imitates the API.

    Args:
        data: What it serves.
        options: Its settings.
        log: Where it notes each request.
    """

    def __init__(self, data: ReplayData, options: ReplayOptions, log: RequestLog) -> None:
        self._options, self._log = options, log
        self._weather = Weather(options.faults, options.version.unordered)
        self._answers = Answers(spoiled(data, options.faults), options.version, self._weather)
        self._limits = KeyLimits(self._weather, time.monotonic)
        self._serials = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        arrived_s, serial = time.monotonic(), next(self._serials)
        request, wire = Request(scope, receive), wire_of(scope)
        params: dict[str, Any] = {}
        key_in, mishap = "", ""
        try:
            query = parse_query(request.url.query)
            key_in = admit(query, request.headers, self._options)
            params = await _parameters(request, query)
            answer = self._limits.refuse(serial)
            if answer is None:
                mishap = self._weather.mishap(serial)
                answer = self._instead(mishap, serial) or await self._asked(request, params, serial)
        except GateRefusal as refusal:
            answer = Answer(403, refusal.body.encode(), from_application=False)
        except Refusal as refusal:
            answer = self._answers.refused(refusal)
        except ClientDisconnect:
            return  # nobody reads an answer
        breaks = mishap if mishap in BREAKS else ""
        fault = "+".join(filter(None, (answer.fault, breaks)))
        shown = {name: value for name, value in params.items() if name != "api_key"}
        path = request.url.path
        self._log.add(
            LoggedRequest(request.method, path, shown, key_in, answer.status, answer.rows, arrived_s, fault)
        )
        delay_s = self._weather.delay_s(serial, answer.rows, packed=answer.packed)
        if delay_s or self._options.latency_ms:
            await wire.pause(self._options.latency_ms / 1000 + delay_s)
        reply = Reply(answer.status, answer_headers(serial, answer), answer.body)
        if not breaks:
            if answer.status == 200:  # noqa: PLR2004 - HTTP
                self._limits.good()
            await deliver(reply, send)
            return
        await deliver_broken(
            reply,
            send,
            wire,
            fault=breaks,
            chances=self._weather.draw("break", serial),
            stall_s=self._options.faults.stall_s,
        )

    def _instead(self, mishap: str, serial: int) -> Answer | None:
        """Returns the answer that a fault puts in the place of another, or None."""
        if not mishap:
            return None
        dress = self._weather.draw("dress", serial).randrange(1 << 16)
        return replaced(mishap, dress, int(self._options.faults.retry_after))

    async def _asked(self, request: Request, params: dict[str, Any], serial: int) -> Answer:
        packed = "gzip" in request.headers.get("accept-encoding", "")
        question = self._answers.question(request.url.path, params, serial, packed=packed)
        kept = self._answers.kept(question)
        return await asyncio.to_thread(self._answers.made, question) if kept is None else kept


async def _parameters(request: Request, query: dict[str, Any]) -> dict[str, Any]:
    """Returns the parameters of header, body and query together; the query counts most."""
    if request.method not in _METHODS:
        raise Refusal(405, "Method not allowed.")
    params: dict[str, Any] = {}
    if "x-params" in request.headers:
        params |= parse_json(request.headers["x-params"], "X-Params")
    body = await request.body()
    if body:
        is_form = "x-www-form-urlencoded" in request.headers.get("content-type", "")
        params |= parse_query(body.decode("utf-8", "replace")) if is_form else parse_json(body, "the body")
    return params | query
