"""Headers of an answer, as recorded: a gateway's traces, no caching, no validators."""

from __future__ import annotations

from email.utils import formatdate
from typing import Final

from gridloom.extract.replay.answer import Answer

__all__ = ["answer_headers"]

_ALL: Final = (
    ("vary", "Accept-Encoding"),
    ("vary", "Accept-Encoding"),
    ("cache-control", "max-age=0, no-cache, no-store"),
    ("pragma", "no-cache"),
    ("via", "https/1.1 api-umbrella (ApacheTrafficServer [cMsSf ])"),
    ("x-cache", "MISS"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("strict-transport-security", "max-age=31536000"),
    ("access-control-allow-origin", "*"),
)


def answer_headers(serial: int, answer: Answer) -> tuple[tuple[str, str], ...]:
    """Returns the headers of an answer, some of them twice; its length is not among them.

    Args:
        serial: Number of the request, from which its ids are made.
        answer: The answer.
    """
    own = [("content-encoding", "gzip")] if answer.packed else []
    if answer.retry_after:
        own.append(("retry-after", str(answer.retry_after)))
    if answer.from_application:
        # No cache has passed on an answer of the gate.
        own += [("age", "0"), ("x-vcap-request-id", f"{serial:036d}")]
    else:
        own += [("x-frame-options", "DENY"), ("x-xss-protection", "1; mode=block")]
    dated = (("expires", formatdate(usegmt=True)), ("x-api-umbrella-request-id", f"{serial:020d}"))
    return (("content-type", answer.media_type), *_ALL, *dated, *own)
