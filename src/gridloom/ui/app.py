"""The pages by their addresses. Nothing here writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from gridloom.dag.compare import compare_runs
from gridloom.dag.history import load_run
from gridloom.errors import GridLoomError, RawDataError, UsageError
from gridloom.report.page import page, stylesheet, templates
from gridloom.report.source import read_source
from gridloom.report.words import without_places
from gridloom.ui import shown
from gridloom.ui.access import Access, Guard
from gridloom.ui.journal import Tail, known_run, known_runs
from gridloom.ui.stream import changes, last_seen

__all__ = ["make_app"]

_ASSETS: Final = Path(__file__).parent / "assets"
_STATIC: Final = {
    "style.css": "text/css",
    "live.js": "text/javascript",
    "runs.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_REPORT_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""A report brings its styles and scripts along. Its own policy holds beside this one, and lets no script run
but those whose digests it names."""


def make_app(out: Path, access: Access, closing: Callable[[], bool]) -> ASGIApp:
    """Returns the application that shows the runs of an output folder.

    Args:
        out: The folder.
        access: Who may see them.
        closing: Whether the server is about to end, which ends what would go on for ever.
    """
    pages = _Pages(out, closing)
    routes = [
        Route("/", pages.runs),
        Route("/compare", pages.compare),
        Route("/runs/{run_id}", pages.run),
        Route("/runs/{run_id}/report", pages.report),
        Route("/runs/{run_id}/events", pages.events),
        Route("/static/{name}", _static),
    ]
    return Guard(Starlette(routes=routes, exception_handlers=_PROBLEMS), access)


class _Pages:
    def __init__(self, out: Path, closing: Callable[[], bool]) -> None:
        self._out, self._closing = out, closing

    async def runs(self, request: Request) -> Response:
        """The list of runs."""
        asked = request.query_params
        records = await asyncio.to_thread(known_runs, self._out)
        number = last_seen(asked.get("page"))
        return _page("runs.html", **shown.runs(records, asked.get("outcome", ""), number))

    async def run(self, request: Request) -> Response:
        """A run as its events tell it, which goes on by itself while it is at work."""
        run_id = request.path_params["run_id"]
        if run_id == "latest":
            newest = await asyncio.to_thread(known_runs, self._out)
            return RedirectResponse(f"/runs/{newest[0]['run_id']}" if newest else "/", 303)
        return _page("run.html", **await asyncio.to_thread(self._live, run_id))

    def _live(self, run_id: str) -> dict[str, Any]:
        record, tail = known_run(self._out, run_id), Tail(self._out, run_id)
        tail.read()
        return shown.live(record, tail.state, tail.outcome(), datetime.now(UTC))

    async def events(self, request: Request) -> Response:
        """What changes in a run, as server-sent events."""
        run_id = request.path_params["run_id"]
        await asyncio.to_thread(known_run, self._out, run_id)
        seen = last_seen(request.headers.get("last-event-id"), request.query_params.get("after"))
        return StreamingResponse(
            changes(Tail(self._out, run_id), seen, self._closing), media_type="text/event-stream"
        )

    async def report(self, request: Request) -> Response:
        """The report of a run, made now; nothing is written."""
        html = await asyncio.to_thread(self._report, request.path_params["run_id"])
        return HTMLResponse(html, headers={"content-security-policy": _REPORT_POLICY})

    def _report(self, run_id: str) -> str:
        return page(read_source(self._out, known_run(self._out, run_id)["run_id"]))

    async def compare(self, request: Request) -> Response:
        """What differs between two runs."""
        asked = [request.query_params.get(name, "") for name in ("one", "other")]
        if not all(asked):
            raise UsageError("Name two runs, as in /compare?one=RUN_ID&other=RUN_ID.")
        return _page("compare.html", **await asyncio.to_thread(self._compared, *asked))

    def _compared(self, *run_ids: str) -> dict[str, Any]:
        records = [load_run(self._out, known_run(self._out, run_id)["run_id"]) for run_id in run_ids]
        return shown.compared(without_places(compare_runs(*records), self._out))


def _page(name: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(templates(_ASSETS).get_template(name).render(**values), status)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404)
    return Response(_asset(name), media_type=_STATIC[name])


@cache
def _asset(name: str) -> str:
    own = (_ASSETS / name).read_text(encoding="utf-8")
    return f"{stylesheet()}\n{own}" if name == "style.css" else own


async def _no_page(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headline = {404: "There is no such page.", 405: "These pages can only be read."}
    return _page("problem.html", status, message=headline.get(status, "That did not work."))


async def _not_known(_request: Request, error: Exception) -> Response:
    return _page("problem.html", 404, message=str(error))


async def _failed(_request: Request, error: Exception) -> Response:
    return _page("problem.html", 500, message=str(error))


_PROBLEMS: Final[dict[Any, Any]] = {
    HTTPException: _no_page,
    UsageError: _not_known,
    RawDataError: _not_known,
    GridLoomError: _failed,
}
