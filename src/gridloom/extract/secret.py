"""Keeping the API key out of everything that is written or said. Where it comes from is in `keys`."""

from __future__ import annotations

import json
import logging
import re
from typing import Final
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

__all__ = ["MASK", "Scrubber", "quiet_logs"]

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
        start, stop = _rows_span(body)
        before, after = body[:start], body[stop:]
        clean_before, clean_after = self._around(before), self._around(after)
        in_rows = self._length >= _TOO_LONG_FOR_A_ROW and any(
            body.find(form, start, stop) >= 0 for form in self._bytes
        )
        if not in_rows and (clean_before, clean_after) == (before, after):
            return body
        rows = self._replaced(body[start:stop]) if in_rows else body[start:stop]
        return clean_before + rows + clean_after

    def _around(self, part: bytes) -> bytes:
        if not any(mark in part for mark in (*_MEMBER_NAMES, *self._bytes)):
            return part
        part = _KEY_MEMBER.sub(rb'\g<1>"' + MASK.encode() + b'"', part)
        return self._replaced(part) if self._length >= _LONG else part

    def _replaced(self, part: bytes) -> bytes:
        for form in self._bytes:
            part = part.replace(form, MASK.encode())
        return part


def _rows_span(body: bytes) -> tuple[int, int]:
    """Returns where the rows of an answer start and stop; both its length where it has none."""
    start = body.find(b'"data":[{')
    # Rows hold no list, so the first bracket after them is theirs.
    stop = body.find(b"]", start + len(b'"data":['))
    if 0 <= start < stop and body[stop - 1 : stop] == b"}":
        return start, stop + 1
    rows = _ROWS.search(body)
    return rows.span() if rows else (len(body), len(body))


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
