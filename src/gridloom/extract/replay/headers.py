"""Headers of an answer, as recorded: a gateway's traces, no caching, no validators."""

from __future__ import annotations

from email.utils import formatdate

__all__ = ["answer_headers"]


def answer_headers(serial: int, *, from_application: bool) -> list[tuple[str, str]]:
    """Returns the headers of an answer, some of them twice; its type and length are not among them.

    Args:
        serial: Number of the request, from which its ids are made.
        from_application: False for an answer of the gate, which no cache has passed on.
    """
    headers = [
        ("vary", "Accept-Encoding"),
        ("vary", "Accept-Encoding"),
        ("cache-control", "max-age=0, no-cache, no-store"),
        ("pragma", "no-cache"),
        ("expires", formatdate(usegmt=True)),
        ("via", "https/1.1 api-umbrella (ApacheTrafficServer [cMsSf ])"),
        ("x-cache", "MISS"),
        ("x-api-umbrella-request-id", f"{serial:020d}"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("strict-transport-security", "max-age=31536000"),
        ("access-control-allow-origin", "*"),
    ]
    if from_application:
        return [*headers, ("age", "0"), ("x-vcap-request-id", f"{serial:036d}")]
    return [*headers, ("x-frame-options", "DENY"), ("x-xss-protection", "1; mode=block")]
