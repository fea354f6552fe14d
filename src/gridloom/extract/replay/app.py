"""The ASGI application: routes requests, guards the gate, counts, and writes headers as the API does."""

from __future__ import annotations

import asyncio
import gzip
from itertools import count
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Path

from gridloom.extract.replay.answers import Answer, Answers
from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.gate import GateRefusal, admit
from gridloom.extract.replay.headers import answer_headers
from gridloom.extract.replay.options import ReplayOptions
from gridloom.extract.replay.params import parse_json, parse_query
from gridloom.extract.replay.refusals import Refusal
from gridloom.extract.replay.requests import LoggedRequest, RequestLog

__all__ = ["create_app"]

_GZIP_LEVEL: Final = 1  # a page of 900 kB becomes 44 kB in 3 ms; level 6 takes 15 ms for 32 kB
_CLIENT_GONE: Final = 499  # nobody reads it; a number that no real answer has
_METHODS: Final = ("GET", "POST")
_ALL_METHODS: Final = [*_METHODS, "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(data: ReplayData, options: ReplayOptions, log: RequestLog) -> Starlette:
    """Returns the application that imitates the API.

    Args:
        data: What it serves.
        options: Its settings.
        log: Where it notes each request.
    """
    answers, serials = Answers(data, options.version), count(1)

    async def endpoint(request: Request) -> Response:
        if options.latency_ms:
            await asyncio.sleep(options.latency_ms / 1000)
        params: dict[str, Any] = {}
        key_in = ""
        try:
            query = parse_query(request.url.query)
            key_in = admit(query, request.headers, options)
            params = await _parameters(request, query)
            answer = await run_in_threadpool(answers.answer, request.url.path, params)
        except GateRefusal as refusal:
            answer = Answer(403, refusal.body.encode(), from_application=False)
        except Refusal as refusal:
            answer = answers.refused(refusal)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_GONE)
        shown = {name: value for name, value in params.items() if name != "api_key"}
        log.add(LoggedRequest(request.method, request.url.path, shown, key_in, answer.status, answer.rows))
        return await _response(answer, request, next(serials))

    return Starlette(routes=[Path("/{path:path}", endpoint, methods=_ALL_METHODS)])


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


async def _response(answer: Answer, request: Request, serial: int) -> Response:
    body, headers = answer.body, answer_headers(serial, from_application=answer.from_application)
    if answer.from_application and "gzip" in request.headers.get("accept-encoding", ""):
        # No clock in the bytes: the same request gets the same answer.
        body = await run_in_threadpool(gzip.compress, body, _GZIP_LEVEL, mtime=0)
        headers.append(("content-encoding", "gzip"))
    response = Response(body, answer.status, media_type="application/json")
    for name, value in headers:
        response.headers.append(name, value)
    return response
