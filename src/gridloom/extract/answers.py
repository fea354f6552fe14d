"""What an answer of the server means, judged from its status and body alone. Pure.

The API says no in four shapes (the gateway's JSON, the application's JSON, HTML, plain text), and its
status has been seen to contradict its body, so the body counts first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["Judgement", "Verdict", "judge", "retry_after_s"]

_HEAD: Final = 4096
_SHOWN: Final = 300
_LONGEST_WAIT_S: Final = 3600.0  # EIA: suspensions last "not beyond an hour"
_OK, _BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 200, 400, 401, 403, 404, 429
_ASK_AGAIN: Final = frozenset({408, 425, *range(500, 600)})
_THROTTLED: Final = re.compile(
    rb"OVER_RATE_LIMIT|too many requests|rate.?limit|temporarily suspended", re.IGNORECASE
)
_PAGE: Final = re.compile(rb"\s*(?:<!doctype|<html|<\?xml|<head|<body|<!--)", re.IGNORECASE)
_GENERIC: Final = "Error getting data."
"""What an older version said, under 400, to valid requests at some offsets of big pulls."""


class Verdict(StrEnum):
    """What to do about an answer."""

    DATA = "data"
    """It is what was asked for."""

    THROTTLED = "throttled"
    """The server asks for fewer requests: wait, then ask again."""

    FAULT = "fault"
    """The server failed: ask again."""

    PAGE = "page"
    """A web page instead of data: a gateway in trouble, or not the API at all."""

    KEY_MISSING = "key-missing"
    """The server saw no key."""

    KEY_REFUSED = "key-refused"
    """The server does not accept the key."""

    NOT_FOUND = "not-found"
    """There is nothing at this path."""

    LOST = "lost"
    """There is nothing at this path, says the body under a status that says the server failed."""

    GENERIC = "generic"
    """Refused without a reason, which has been seen to pass."""

    REFUSED = "refused"
    """The server does not accept the request; asking again will not help."""

    GARBLED = "garbled"
    """The body is not what the API promises, or broken off."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and the server's own words for it, on one line and not yet scrubbed."""

    verdict: Verdict
    words: str = ""


class _Head(msgspec.Struct):
    """The outermost members of any answer of the API."""

    response: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: Any = msgspec.UNSET
    code: Any = None


def judge(status: int, body: bytes) -> Judgement:
    """Returns what an answer means.

    Args:
        status: HTTP status.
        body: The body, uncompressed.
    """
    head = body[:_HEAD]
    is_page = _PAGE.match(head)
    try:
        answer = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    if (
        status == _OK
        and answer
        and answer.error is msgspec.UNSET
        and isinstance(answer.response, msgspec.Raw)
    ):
        return Judgement(Verdict.DATA)
    if status == _TOO_MANY or _THROTTLED.search(head):
        return Judgement(Verdict.THROTTLED, f"HTTP {status}: {'a web page' if is_page else _line(head)}")
    if is_page:
        verdict = Verdict.NOT_FOUND if status == _NOT_FOUND else Verdict.PAGE
        return Judgement(verdict, f"HTTP {status} with a web page")
    if answer and answer.error is not msgspec.UNSET:
        return _of_error(status, answer)
    return Judgement(_by_status(status), f"HTTP {status}: {_line(head) or 'an empty body'}")


def _of_error(status: int, answer: _Head) -> Judgement:
    error, code = answer.error, answer.code
    if isinstance(error, dict):
        code, error = error.get("code", code), error.get("message", error)
    words = f"HTTP {status}: {_line(str(error).encode())}"
    text = str(code)
    if text.startswith("API_KEY_"):
        missing = text == "API_KEY_MISSING"
        return Judgement(Verdict.KEY_MISSING if missing else Verdict.KEY_REFUSED, words)
    number = int(text) if text.isascii() and text.isdecimal() else status
    # A status of 200 or an empty code says nothing about an answer that calls itself an error.
    number = status if number == _OK else number
    if number == _BAD_REQUEST and error == _GENERIC:
        return Judgement(Verdict.GENERIC, words)
    if number == _NOT_FOUND and status in _ASK_AGAIN:
        return Judgement(Verdict.LOST, words)
    return Judgement(_by_status(number), words)


def _by_status(status: int) -> Verdict:
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return Verdict.KEY_REFUSED
    if status == _NOT_FOUND:
        return Verdict.NOT_FOUND
    if status == _TOO_MANY:
        return Verdict.THROTTLED
    if status in _ASK_AGAIN:
        return Verdict.FAULT
    return Verdict.GARBLED if status == _OK else Verdict.REFUSED


def _line(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _now() -> datetime:
    return datetime.now(UTC)


def retry_after_s(value: str | None, now: Callable[[], datetime] = _now) -> float | None:
    """Returns the seconds of a ``Retry-After`` header, at most an hour; None where it says nothing usable.

    Args:
        value: The header: whole seconds, or a date as HTTP writes it.
        now: The clock for dates.

    Example:
        >>> retry_after_s("7"), retry_after_s("soon"), retry_after_s(None)
        (7.0, None, None)
        >>> retry_after_s("Wed, 21 Oct 2026 07:28:30 GMT", lambda: datetime(2026, 10, 21, 7, 28, tzinfo=UTC))
        30.0
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is in UTC (RFC 9110).
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now()).total_seconds(), 0.0), _LONGEST_WAIT_S)
