"""Who may see the pages: a check of the host that was asked for, a token, and headers on every answer."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Access", "Guard", "is_loopback"]

_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer, unless it brings one of them itself."""

_TOKEN: Final = "token"  # noqa: S105 - the name of it
_WRONG_HOST: Final = "This server does not answer to that name. Use the address that gridloom ui printed.\n"
_NO_TOKEN: Final = "A token is needed. Open the address that gridloom ui printed when it started.\n"  # noqa: S105 - it says so


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may see the pages.

    Attributes:
        token: What has to be known; empty where nothing has.
        names: Names of this machine that may be asked for, lower case.
        local: Whether only addresses of the loopback may be asked for beside them.
        cookie: Name of the cookie that holds the token; browsers share cookies among ports.
    """

    token: str = ""
    names: frozenset[str] = frozenset({"localhost"})
    local: bool = True
    cookie: str = "gridloom"

    def answers_to(self, host: str) -> bool:
        """Returns whether the value of a Host header is one of this machine's.

        A page of somebody else whose name was made to point here (DNS rebinding) has to come by a name, so
        an address in figures needs no list.
        """
        name = _without_port(host).lower()
        if name.removesuffix(".") in self.names:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or not self.local

    def knows(self, given: str | None) -> bool:
        """Returns whether a token is the right one, in the same time for each wrong one."""
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """The application in front of the pages."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what may not go on, and adds its headers to each answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (self._refused(Request(scope)) or self._app)(scope, receive, with_headers)

    def _refused(self, request: Request) -> Response | None:
        access = self._access
        if not access.answers_to(request.headers.get("host", "")):
            return PlainTextResponse(_WRONG_HOST, 421)
        if not access.token:
            return None
        if access.knows(request.query_params.get(_TOKEN)):
            return self._remembered(request)
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and access.knows(bearer):
            return None
        if access.knows(request.cookies.get(access.cookie)):
            return None
        return PlainTextResponse(_NO_TOKEN, 401, {"www-authenticate": "Bearer"})

    def _remembered(self, request: Request) -> Response:
        """Returns an answer that moves the token from the address, which is seen and kept, to a cookie."""
        rest = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != _TOKEN])
        # one slash at its beginning: with two, the browser would go to another machine
        path = "/" + quote(request.url.path.lstrip("/\\"))
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        # lax: a link in a chat leads here, and its redirect has to bring the cookie; nothing here is changed
        answer.set_cookie(self._access.cookie, self._access.token, httponly=True, samesite="lax")
        return answer


def is_loopback(address: str) -> bool:
    """Returns whether an address, in figures, is reached from this machine only.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
