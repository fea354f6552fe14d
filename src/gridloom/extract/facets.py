"""Facets: the codes that a source itself says it has."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import msgspec
from pydantic import SecretStr

from gridloom.errors import SourceAnswerError
from gridloom.extract.connect import connected
from gridloom.extract.source import Source
from gridloom.grid.routes import Route

__all__ = ["ask_codes", "decode_facets"]


class _Facet(msgspec.Struct):
    """One code of a facet."""

    id: str


class _Facets(msgspec.Struct):
    """The codes of a facet, with repetitions."""

    facets: list[_Facet]


class _Answer(msgspec.Struct):
    """An answer to the question for a facet."""

    response: _Facets


def decode_facets(body: bytes) -> list[str]:
    """Returns the codes in an answer, sorted; the API has been seen to repeat some.

    Raises:
        SourceAnswerError: If it is not a list of codes.
    """
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceAnswerError(
            f"The source's list of codes is not what the API promises ({error}). "
            "Check that --base-url points to an EIA API of version 2."
        ) from error
    return sorted({facet.id for facet in answer.response.facets})


def ask_codes(source: Source, api_key: SecretStr | None, route: Route, facet: str) -> list[str]:
    """Returns the codes in a source's own list of a facet, sorted; works inside a running event loop too.

    Args:
        source: Whom to ask.
        api_key: The key, where the source needs one.
        route: The route.
        facet: Name of the facet.

    Raises:
        KeyMissingError: If the source needs a key and there is none.
        SourceError: If it does not answer, refuses the key, or answers with something else.
    """

    async def ask() -> list[str]:
        async with connected(source, api_key=api_key) as client:
            return decode_facets((await client.get(f"{route.path}/facet/{facet}")).body)

    # A thread of its own, because a notebook's thread has a running loop already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, ask()).result()
