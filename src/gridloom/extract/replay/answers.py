"""From path and parameters to an answer: the application behind the gate, without HTTP."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gridloom.extract.replay.answer import Answer
from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.envelope import data_answer, error_answer, plain_answer
from gridloom.extract.replay.labels import branch, code_name, facet_list, route_list, route_metadata
from gridloom.extract.replay.lru import Recent
from gridloom.extract.replay.options import ApiVersion
from gridloom.extract.replay.query import DataQuery, parse_data_query
from gridloom.extract.replay.refusals import Refusal, invalid
from gridloom.extract.replay.render import RowWriter
from gridloom.extract.replay.rows import RouteRows
from gridloom.extract.replay.spoil import twice
from gridloom.extract.replay.weather import CALM, Mood, Weather
from gridloom.grid.routes import RTO_PATH

__all__ = ["Answers", "Question"]

_ROOT: Final = ("v2", *RTO_PATH.split("/"))
_V1_GONE: Final = (
    "API version 1 was retired on March 13, 2023. Version 2 is at /v2; its documentation is at "
    "https://www.eia.gov/opendata/documentation.php"
)
_KEPT_BYTES: Final = 64 * 1024 * 1024
_GZIP_LEVEL: Final = 1  # a page of 900 kB becomes 45 kB in 2 ms; level 6 takes 5 ms for 33 kB
_GZIP_BITS: Final = 31


@dataclass(frozen=True, slots=True)
class Question:
    """A request that passed the gate.

    Attributes:
        parts: Its path.
        params: Its parameters.
        packed: Whether the client takes gzip.
        query: What it asks for, if the path is that of a route's rows.
        mood: What happens to the rows.
        digest: The same for the same request.
    """

    parts: tuple[str, ...]
    params: Mapping[str, Any] = field(repr=False)
    packed: bool
    query: DataQuery | None
    mood: Mood
    digest: bytes


class Answers:
    """Answers requests from the data of one server. Safe to use from several threads.

    Args:
        data: What is served.
        version: The API version to imitate.
        weather: Faults between the pages of a window.
    """

    def __init__(self, data: ReplayData, version: ApiVersion, weather: Weather) -> None:
        self._data = data
        self._version = version
        self._weather = weather
        self._writers = {name: RowWriter(rows, numbers=version.numbers) for name, rows in data.routes.items()}
        self._kept: Recent[Answer] = Recent(_KEPT_BYTES)

    def question(
        self, path: str, params: Mapping[str, Any], serial: int = 0, *, packed: bool = False
    ) -> Question:
        """Returns a request that passed the gate, understood.

        Args:
            path: Path of the URL, with or without a slash at its end.
            params: Parameters as parsed.
            serial: Number of the request.
            packed: Whether the client takes gzip.

        Raises:
            Refusal: If a parameter is not valid.
        """
        parts = tuple(part for part in path.split("/") if part)
        query = self._query(parts, params)
        mood = self._mood(parts, query, serial) if query else CALM
        # A digest: parameters hold the key, and no key is kept.
        digest = hashlib.sha256(repr((parts, params, packed)).encode()).digest()
        return Question(parts, params, packed, query, mood, digest)

    def kept(self, question: Question) -> Answer | None:
        """Returns the answer to a request like one before, if it is still in memory."""
        return self._kept.get(question.digest) if question.mood is CALM else None

    def made(self, question: Question) -> Answer:
        """Returns the answer to a request, and keeps it for some time.

        Raises:
            Refusal: If there is no such path.
        """
        answer = self._answer(question)
        if question.packed:
            answer = replace(answer, body=_gzip(answer.body), packed=True)
        if question.mood is CALM:
            self._kept.put(question.digest, answer, len(answer.body))
        return answer

    def refused(self, refusal: Refusal) -> Answer:
        """Returns the answer that says why a request was refused."""
        return Answer(refusal.status, error_answer(refusal.text, refusal.code))

    def _query(self, parts: tuple[str, ...], params: Mapping[str, Any]) -> DataQuery | None:
        """Returns the query if the path is that of a route's rows."""
        match parts[len(_ROOT) :]:
            case (route_id, "data") if parts[: len(_ROOT)] == _ROOT and route_id in self._data.routes:
                route = self._data.routes[route_id].route
                return parse_data_query(route, params, whole_unit=self._version.whole_unit)
        return None

    def _mood(self, parts: tuple[str, ...], query: DataQuery, serial: int) -> Mood:
        route = self._data.routes[parts[-2]].route
        return self._weather.mood(
            serial,
            f"{route.id}/{query.window}",
            first_page=query.offset == 0,
            open_order=query.leaves_open(route.key),
        )

    def _answer(self, question: Question) -> Answer:
        shown = {
            name: value
            for name, value in question.params.items()
            if self._version.echoes_key or name != "api_key"
        }
        request: dict[str, Any] = {"command": f"/{'/'.join(question.parts)}/", "params": shown or []}
        if question.query is not None:
            return self._rows(question.parts[-2], question.query, question.mood, request)
        return Answer(200, plain_answer(self._described(question.parts), request, self._version.number))

    def _rows(self, name: str, query: DataQuery, mood: Mood, request: Mapping[str, Any]) -> Answer:
        rows = self._data.routes[name]
        page = rows.page(query, mood)
        body = data_answer(rows.route, self._writers[name], query, page, request, self._version)
        happened = {
            "moving_total": mood.extra,
            "inserted": page.hidden,
            "unordered": mood.shuffle is not None,
        }
        fault = "+".join(name for name, it_did in happened.items() if it_did)
        return Answer(200, body, page.rows.height, fault=fault)

    def _described(self, parts: tuple[str, ...]) -> dict[str, Any]:
        if parts[:1] != _ROOT[:1]:
            raise Refusal(404, _V1_GONE)
        if len(parts) < len(_ROOT) and parts == _ROOT[: len(parts)]:
            return branch(parts[1:])
        if parts[: len(_ROOT)] != _ROOT:
            raise self._not_found()
        match parts[len(_ROOT) :]:
            case ():
                return route_list([rows.route for rows in self._data.routes.values()])
            case (route_id,) if route_id in self._data.routes:
                rows = self._data.routes[route_id]
                return route_metadata(rows.route, rows.first, rows.last)
            case (route_id, "facet") if route_id in self._data.routes:
                return facet_list(self._data.routes[route_id].route)
            case (route_id, "facet", facet) if route_id in self._data.routes:
                return self._facet_values(self._data.routes[route_id], facet)
        raise self._not_found()

    def _facet_values(self, rows: RouteRows, facet: str) -> dict[str, Any]:
        if facet not in rows.route.facets:
            raise invalid("facet", "facets", facet, rows.route.facets)
        codes = twice(rows.codes(facet), self._weather.faults)
        named = [(code, code_name(facet, code)) for code in codes]
        return {
            "totalFacets": len(named),
            "facets": [{"id": code, "name": name, "alias": f"({code}) {name}"} for code, name in named],
        }

    def _not_found(self) -> Refusal:
        return Refusal(self._version.not_found_status, "Not found.", 404)


def _gzip(body: bytes) -> bytes:
    # No clock in the bytes: the same request gets the same answer.
    pack = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_BITS)
    return pack.compress(body) + pack.flush()
