"""A route's metadata: which periods the source has of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gridloom.errors import ConfigError, SourceAnswerError
from gridloom.grid.hours import HOUR, HourRange, parse_label
from gridloom.grid.routes import Route

__all__ = ["Metadata"]

_ENDS: Final = ("startPeriod", "endPeriod")


class Metadata(msgspec.Struct, frozen=True):
    """A route's landed metadata: the periods that the source has, and its answer."""

    source: str
    route: str
    first: str
    last: str
    fetched_at: datetime
    answer: dict[str, Any]
    format: int = 1

    @classmethod
    def of_answer(cls, body: bytes, *, source: str, route: Route, fetched_at: datetime) -> Metadata:
        """Returns the metadata in an answer.

        Args:
            body: The scrubbed answer.
            source: Source identity.
            route: The route.
            fetched_at: When it was fetched.

        Raises:
            SourceAnswerError: If it names no first and last period.
        """
        answer = msgspec.json.decode(body)
        response = answer.get("response")
        ends = [str(response.get(name, "")) if isinstance(response, dict) else "" for name in _ENDS]
        try:
            first, last = (end[: len("YYYY-MM-DDTHH")] for end in ends)
            HourRange.of_labels(first, last)
        except ConfigError:
            raise SourceAnswerError(
                f"The metadata of {route.path} has {_ENDS[0]} '{ends[0]}' and {_ENDS[1]} '{ends[1]}' "
                "instead of two hours. Check that --base-url points to an EIA API of version 2."
            ) from None
        return cls(source, route.id, first, last, fetched_at, answer)

    @property
    def hours(self) -> HourRange:
        """The periods that the source has."""
        return HourRange(parse_label(self.first), parse_label(self.last) + HOUR)
