"""Answers that are not what was asked for: gateways, proxies and faults in the dresses that were seen."""

from __future__ import annotations

import json
from typing import Final

from gridloom.extract.replay.answer import HTML, JSON, TEXT, Answer
from gridloom.extract.replay.gate import KEY_INVALID

__all__ = ["DRESSES", "invalid_key", "over_rate_limit", "replaced", "suspended"]


def _page(title: str, text: str) -> bytes:
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>{text}</p></body></html>\n"
    ).encode()


def _gate_error(code: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}, indent=2).encode()


_OVER: Final = _gate_error(
    "OVER_RATE_LIMIT",
    "You have exceeded your rate limit. Try again later or contact us at https://api.eia.gov:443 for "
    "assistance",
)
_OVER_PAGE: Final = _page("Too Many Requests", "OVER_RATE_LIMIT")

DRESSES: Final = (
    (429, _OVER, JSON),
    (429, _page("429 Too Many Requests", "Please try again later."), HTML),
    (429, b"", TEXT),
    (403, _OVER, JSON),
    (503, _OVER, JSON),
    (200, _OVER, JSON),
    (200, _OVER_PAGE, HTML),
    (429, b"OVER_RATE_LIMIT", TEXT),
)
"""Ways to say that there were too many requests: status, body and type. The first is the gateway's own."""

_DISABLED: Final = _gate_error(
    "API_KEY_DISABLED",
    "The api_key supplied has been disabled. Contact us at https://api.eia.gov:443 for assistance",
)
_SUSPENSIONS: Final = (
    (_DISABLED, JSON),
    (KEY_INVALID.encode(), JSON),
    (_page("403 Forbidden", "Your key has been temporarily suspended."), HTML),
)
_REPLACED: Final = {
    "http500": (500, b"Something unexpected happened.", TEXT),
    "html502": (502, _page("502 Bad Gateway", "The server returned an invalid response."), HTML),
    "html503": (503, _page("Service Unavailable", "Reference #97.2a1d17.1790000000.e5d"), HTML),
    "html504": (504, _page("504 Gateway Time-out", "The server did not answer in time."), HTML),
    "html200": (200, _page("Access policy", "Please accept the terms of this network."), HTML),
    "notfound500": (500, b'{"error":"Not found.","code":404}', JSON),
}


def replaced(fault: str, dress: int, retry_after: int) -> Answer | None:
    """Returns what stands in the place of an answer, or None if the fault leaves it in its place.

    Args:
        fault: Name of a fault of the group of answers.
        dress: Which way of several is taken.
        retry_after: Seconds for the header; 0 for none.
    """
    if fault == "over_rate_limit":
        return over_rate_limit(fault, dress, retry_after)
    if fault not in _REPLACED:
        return None
    status, body, media_type = _REPLACED[fault]
    return _substitute(fault, status, body, media_type, retry_after if fault == "html503" else 0)


def over_rate_limit(fault: str, dress: int, retry_after: int) -> Answer:
    """Returns a refusal because of too many requests."""
    status, body, media_type = DRESSES[dress % len(DRESSES)]
    return _substitute(fault, status, body, media_type, retry_after)


def suspended(dress: int, retry_after: int) -> Answer:
    """Returns the refusal of a key that worked before."""
    body, media_type = _SUSPENSIONS[dress % len(_SUSPENSIONS)]
    return _substitute("suspend", 403, body, media_type, retry_after)


def invalid_key(fault: str) -> Answer:
    """Returns the gateway's refusal of a key that does not exist."""
    return _substitute(fault, 403, KEY_INVALID.encode(), JSON)


def _substitute(fault: str, status: int, body: bytes, media_type: str, retry_after: int = 0) -> Answer:
    return Answer(
        status,
        body,
        media_type=media_type,
        from_application=False,
        fault=fault,
        retry_after=retry_after,
    )
