"""From path and parameters to an answer: the application behind the gate, without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.envelope import data_answer, error_answer, plain_answer
from gridloom.extract.replay.labels import code_name, facet_list, route_list, route_metadata
from gridloom.extract.replay.options import ApiVersion
from gridloom.extract.replay.query import parse_data_query
from gridloom.extract.replay.refusals import Refusal, invalid
from gridloom.extract.replay.rows import RouteRows
from gridloom.grid.routes import RTO_PATH

__all__ = ["Answer", "Answers"]

_ROOT: Final = ("v2", *RTO_PATH.split("/"))
_V1_GONE: Final = (
    "API version 1 was retired on March 13, 2023. Version 2 is at /v2; its documentation is at "
    "https://www.eia.gov/opendata/documentation.php"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before it gets its headers.

    Attributes:
        status: HTTP status.
        body: Body, not compressed.
        rows: Rows in it.
        from_application: False if the gate answered.
    """

    status: int
    body: bytes
    rows: int = 0
    from_application: bool = True


class Answers:
    """Answers requests from the data of one server.

    Args:
        data: What is served.
        version: The API version to imitate.
    """

    def __init__(self, data: ReplayData, version: ApiVersion) -> None:
        self._data = data
        self._version = version

    def answer(self, path: str, params: Mapping[str, Any]) -> Answer:
        """Returns the answer to a request that passed the gate.

        Args:
            path: Path of the URL, with or without a slash at its end.
            params: Parameters as parsed.

        Raises:
            Refusal: If there is no such path, or a parameter is not valid.
        """
        parts = tuple(part for part in path.split("/") if part)
        if parts[:1] != _ROOT[:1]:
            raise Refusal(404, _V1_GONE)
        shown = {
            name: value for name, value in params.items() if self._version.echoes_key or name != "api_key"
        }
        request: dict[str, Any] = {"command": f"/{'/'.join(parts)}/", "params": shown or []}
        if parts[: len(_ROOT)] != _ROOT:
            raise self._not_found()
        match parts[len(_ROOT) :]:
            case ():
                response = route_list([rows.route for rows in self._data.routes.values()])
            case (route_id, *rest) if route_id in self._data.routes:
                rows = self._data.routes[route_id]
                if rest == ["data"]:
                    return self._rows(rows, params, request)
                response = self._described(rows, rest)
            case _:
                raise self._not_found()
        return Answer(200, plain_answer(response, request, self._version.number))

    def refused(self, refusal: Refusal) -> Answer:
        """Returns the answer that says why a request was refused."""
        return Answer(refusal.status, error_answer(refusal.text, refusal.code))

    def _not_found(self) -> Refusal:
        return Refusal(self._version.not_found_status, "Not found.", 404)

    def _rows(self, rows: RouteRows, params: Mapping[str, Any], request: Mapping[str, Any]) -> Answer:
        query = parse_data_query(rows.route, params)
        page = rows.page(query)
        return Answer(200, data_answer(rows, query, page, request, self._version.number), page.rows.height)

    def _described(self, rows: RouteRows, rest: list[str]) -> dict[str, Any]:
        match rest:
            case []:
                return route_metadata(rows.route, rows.first, rows.last)
            case ["facet"]:
                return facet_list(rows.route)
            case ["facet", facet] if facet in rows.route.facets:
                return _facet_values(rows, facet)
            case ["facet", facet]:
                raise invalid("facet", "facets", facet, rows.route.facets)
        raise self._not_found()


def _facet_values(rows: RouteRows, facet: str) -> dict[str, Any]:
    named = [(code, code_name(facet, code)) for code in rows.codes(facet)]
    return {
        "totalFacets": len(named),
        "facets": [{"id": code, "name": name, "alias": f"({code}) {name}"} for code, name in named],
    }
