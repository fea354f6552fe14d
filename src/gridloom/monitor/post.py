"""Small messages by HTTP, whose addresses may hold secrets: no error shows more than scheme and host."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - the first host that is looked up would import it amid the run
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gridloom import __version__
from gridloom.errors import ConfigError, ListenerError

__all__ = ["TIMEOUT_S", "TlsFiles", "checked_url", "opener", "post", "shown_url"]

TIMEOUT_S: Final = 2.0
"""Longest silence of a receiver in seconds: the end of a run waits for a listener three seconds at most."""


class TlsFiles(NamedTuple):
    """Files of certificates; empty where the system's are good.

    Attributes:
        authority: Of those that the server's certificate is checked against.
        certificate: Of our own.
        key: Of its key, where that is not in the same file.
    """

    authority: str = ""
    certificate: str = ""
    key: str = ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nobody: what is sent is for the address that the user gave."""

    def redirect_request(self, *_arguments: object) -> None:
        """Returns no request, so that the redirect is an error."""


@lru_cache
def opener(tls: TlsFiles) -> urllib.request.OpenerDirector:
    """Returns what opens URLs with some certificates; made once.

    Raises:
        ConfigError: If a file cannot be read.
    """
    if tls == TlsFiles():
        return urllib.request.build_opener(_NoRedirects)
    import ssl  # noqa: PLC0415 - needed by few

    try:
        context = ssl.create_default_context(cafile=tls.authority or None)
        if tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key or None)
    except OSError as error:
        raise ConfigError(
            f"The certificates in {', '.join(filter(None, tls))} cannot be used: {error}. Take PEM files."
        ) from error
    return urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))


def checked_url(url: str, flag: str, takes: str = "an http or https URL") -> str:
    """Returns `url` if it is one that can be posted to.

    Args:
        url: As it was given.
        flag: Where it was given, for the message.
        takes: What may be given there, for the message.

    Raises:
        ConfigError: If it is not; the message does not repeat it, for it may hold a secret.
    """
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits or not url.isprintable() or " " in url:
        raise ConfigError(
            f"{flag} takes {takes}, got something else (not repeated here, for it may hold a "
            "secret). Write it like https://host/path."
        )
    return url


def shown_url(url: str) -> str:
    """Returns what may be shown of a URL: scheme, host and port, and that there is more."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return f"{parts.scheme}://{host}{'/***' if more else ''}"


def post(
    url: str,
    body: bytes,
    *,
    what: str,
    content_type: str,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
    tls: TlsFiles = TlsFiles(),  # noqa: B008 - cannot change
) -> None:
    """Sends one message and takes any 2xx as received.

    Args:
        url: Where to; checked by `checked_url` before.
        body: The message.
        what: The receiver in words, as the subject of an error.
        content_type: Of `body`.
        method: HTTP method.
        headers: More headers.
        timeout_s: Longest silence in seconds.
        tls: Certificates.

    Raises:
        ListenerError: If it was not received; without the URL's path, which may be a secret.
    """
    named = {**(headers or {}), "Content-Type": content_type, "User-Agent": f"gridloom/{__version__}"}
    # the scheme is http or https: whoever gave the URL had it checked
    request = urllib.request.Request(url, data=body, headers=named, method=method)  # noqa: S310
    try:
        with opener(tls).open(request, timeout=timeout_s):
            return
    except urllib.error.HTTPError as error:
        problem = f"answered with status {error.code}"
        error.close()
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        problem = f"did not answer ({type(reason).__name__ if isinstance(reason, Exception) else reason})"
    # raised out here: the library's own errors hold the URL
    raise ListenerError(f"{what} at {shown_url(url)} {problem}. What it should have got is lost.")
