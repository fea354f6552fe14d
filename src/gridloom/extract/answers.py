"""What an answer of the server means, judged from its status and body alone. Pure.

The API says no in four shapes (the gateway's JSON, the application's JSON, HTML, plain text), and its
status has been seen to contradict its body, so the body counts first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

__all__ = ["Judgement", "Verdict", "judge", "retry_after_s"]

_HEAD: Final = 4096
_SHOWN: Final = 300
_LONGEST_WAIT_S: Final = 300.0
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _TOO_MANY = 200, 401, 403, 404, 408, 429
_SERVER_FAULTS = range(500, 600)


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

    REFUSED = "refused"
    """The server does not accept the request; asking again will not help."""

    GARBLED = "garbled"
    """The body is not what the API promises."""


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
    if status == _TOO_MANY or b"OVER_RATE_LIMIT" in head:
        return Judgement(Verdict.THROTTLED, f"HTTP {status}: {_line(head)}")
    if re.match(rb"\s*(?:<!doctype|<html|<\?xml|<head)", head, re.IGNORECASE):
        verdict = Verdict.NOT_FOUND if status == _NOT_FOUND else Verdict.PAGE
        return Judgement(verdict, f"HTTP {status} with a web page")
    try:
        answer = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Judgement(_by_status(status), f"HTTP {status}: {_line(head) or 'an empty body'}")
    if answer.error is not msgspec.UNSET:
        return _of_error(status, answer)
    if status == _OK and isinstance(answer.response, msgspec.Raw):
        return Judgement(Verdict.DATA)
    return Judgement(_by_status(status), f"HTTP {status}: {_line(head)}")


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
    return Judgement(_by_status(status if number == _OK else number), words)


def _by_status(status: int) -> Verdict:
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return Verdict.KEY_REFUSED
    if status == _NOT_FOUND:
        return Verdict.NOT_FOUND
    if status == _TOO_MANY:
        return Verdict.THROTTLED
    if status == _TIMEOUT or status in _SERVER_FAULTS:
        return Verdict.FAULT
    return Verdict.GARBLED if status == _OK else Verdict.REFUSED


def _line(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def retry_after_s(value: str | None) -> float | None:
    """Returns the seconds of a ``Retry-After`` header where it is a plain number, at most 300; else None.

    Example:
        >>> retry_after_s("7"), retry_after_s("Wed, 21 Oct 2026 07:28:00 GMT"), retry_after_s(None)
        (7.0, None, None)
    """
    text = (value or "").strip()
    return min(float(text), _LONGEST_WAIT_S) if text.isascii() and text.isdecimal() else None
