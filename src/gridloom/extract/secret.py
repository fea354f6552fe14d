"""The API key: where it comes from, and how it is kept out of everything that is written or said."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

__all__ = ["KEY_VARIABLE", "MASK", "Scrubber", "quiet_logs", "resolve_key"]

KEY_VARIABLE: Final = "EIA_API_KEY"
"""Environment variable of the key."""

MASK: Final = "***"
"""What stands in the place of a key."""

# Any non-empty text may be a key, also one that is a word of the data. It is replaced wherever it
# stands only where it is too long to be there by chance.
_LONG: Final = 8
_TOO_LONG_FOR_A_ROW: Final = 16

_MEMBER_NAMES = (b"api_key", b"X-Api-Key")
_KEY_MEMBER = re.compile(rb'("(?:api_key|X-Api-Key)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[^\s,}\]]+)')
_KEY_PARAMETER = re.compile(r"(api_key(?:=|%3D))[^&\s\"'<>]+", re.IGNORECASE)
_ROWS = re.compile(rb'"data"\s*:\s*\[\s*\{.*?\}\s*\]', re.DOTALL)


def resolve_key(given: SecretStr | None, environ: Mapping[str, str] = os.environ) -> SecretStr | None:
    """Returns the key that was given, else that of the environment, else None; blanks count as none."""
    texts = (given.get_secret_value() if given is not None else "", environ.get(KEY_VARIABLE, ""))
    return next((SecretStr(text.strip()) for text in texts if text.strip()), None)


class Scrubber:
    """Takes one key out of texts and answers.

    Args:
        key: The key; None leaves only what is marked as a key by its name.
    """

    def __init__(self, key: SecretStr | None) -> None:
        text = key.get_secret_value() if key is not None else ""
        self._length = len(text)
        self._forms = sorted(_forms(text), key=lambda form: (-len(form), form)) if text else []
        self._bytes = [form.encode("utf-8", "surrogatepass") for form in self._forms]
        patterns = [re.escape(form) for form in self._forms]
        if 0 < self._length < _LONG:
            patterns = [rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])" for pattern in patterns]
        self._words = re.compile("|".join(patterns)) if patterns else None

    def text(self, text: str) -> str:
        """Returns a message without the key; a short key is taken out only where it is a word."""
        text = _KEY_PARAMETER.sub(rf"\g<1>{MASK}", text)
        return self._words.sub(MASK, text) if self._words else text

    def body(self, body: bytes) -> bytes:
        """Returns an answer without the key, and the same object where the key is not in it.

        Rows of data are changed only for a key so long that it cannot be there by chance.
        """
        if not any(mark in body for mark in (*_MEMBER_NAMES, *self._bytes)):
            return body
        rows = _ROWS.search(body)
        start, stop = rows.span() if rows else (len(body), len(body))
        parts = [self._around(body[:start]), body[start:stop], self._around(body[stop:])]
        if self._length >= _TOO_LONG_FOR_A_ROW:
            parts[1] = self._replaced(parts[1])
        clean = b"".join(parts)
        return body if clean == body else clean

    def _around(self, part: bytes) -> bytes:
        part = _KEY_MEMBER.sub(rb'\g<1>"' + MASK.encode() + b'"', part)
        return self._replaced(part) if self._length >= _LONG else part

    def _replaced(self, part: bytes) -> bytes:
        for form in self._bytes:
            part = part.replace(form, MASK.encode())
        return part


def _forms(key: str) -> set[str]:
    """Returns the key as it is and as it may be written in a URL or in JSON."""
    in_json = {json.dumps(key)[1:-1], json.dumps(key, ensure_ascii=False)[1:-1]}
    in_url = {quote(key, safe=""), quote(key), quote_plus(key)}
    lower = {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in in_url}
    return {key, *in_json, *(form.replace("/", "\\/") for form in in_json), *in_url, *lower}


class _WithoutKey(logging.Filter):
    """Takes the value of ``api_key`` out of the URLs that the HTTP library logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "api_key" in message:
            record.msg, record.args = _KEY_PARAMETER.sub(rf"\g<1>{MASK}", message), ()
        return True


_FILTER = _WithoutKey()


def quiet_logs() -> None:
    """Keeps keys out of the HTTP library's logs, and the retry library's from the terminal."""
    for name in ("httpx2", "httpcore2.http11", "httpcore2.http2", "httpcore2.connection", "httpcore2.proxy"):
        logging.getLogger(name).addFilter(_FILTER)  # adding it twice does nothing
    retries = logging.getLogger("stamina")
    if not retries.handlers:
        # Without any handler Python would print each retry to stderr, in the middle of a progress bar.
        retries.addHandler(logging.NullHandler())
