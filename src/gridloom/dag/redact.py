"""Secrets never leave: every text that a run writes or says passes through here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

__all__ = ["MASK", "Redactor"]

MASK = "***"
"""What stands in the place of a secret."""

_LONG = 8
_WORD = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_NAMED = "(?:" + "|".join(rf"(?<=[Kk]ey{sign})" for sign in ("=", "%3D", ": ", '":"', '": "', "': '")) + ")"
"""In front of a value that is named as a key: in a URL, a header, JSON and the text of a dictionary."""

_STRUCTURE = frozenset(
    {"type", "outcome", "decision", "level", "at", "started_at", "finished_at", "run_id", "digest"}
)


class Redactor:
    """A growing set of secrets and the one place that knows how to hide them.

    A secret is hidden as it is and as it reads in a URL. Secrets shorter than eight characters
    are hidden only where they stand as a word, so that a key like ``a`` does not blot out the text; and
    one of these that is a word of our own names, such as ``data``, only where it is named as a key. No
    real key is as short as that.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._own: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._long: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hides `secret` from now on; an empty one is ignored."""
        if not secret.strip():
            return
        in_json = msgspec.json.encode(secret)[1:-1].decode()
        forms = {secret, secret.strip(), quote(secret, safe=""), quote_plus(secret)}
        forms |= {in_json, repr(secret)[1:-1]}
        self._secrets |= forms
        self._compile()

    def own(self, *names: str) -> None:
        """Takes the words of names that a run gives to its steps and files, which are no secrets."""
        before = len(self._own & self._secrets)
        self._own.update(word for name in names for word in _WORD.findall(name) if len(word) < _LONG)
        if len(self._own & self._secrets) > before:
            self._compile()

    def _compile(self) -> None:
        ordered = sorted(self._secrets, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(_expression(form, own=form in self._own) for form in ordered))
        long = [re.escape(form) for form in ordered if len(form) >= _LONG]
        self._long = re.compile("|".join(long)) if long else None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to hide."""
        return self._pattern is None

    def text(self, text: str) -> str:
        """Returns `text` with every secret replaced, and escaped what UTF-8 cannot say (in file names)."""
        text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
        return self._pattern.sub(MASK, text) if self._pattern else text

    def holds(self, text: str) -> bool:
        """Whether a secret is in `text`."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def record(self, value: Any) -> Any:
        """Returns JSON-able data with every secret in its texts replaced, in names only the long ones."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self._name(key): item
                if key in _STRUCTURE and isinstance(item, str)
                else self._value(key, item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.record(item) for item in value]
        return value

    def _value(self, key: Any, item: Any) -> Any:
        named = isinstance(item, str) and item in self._secrets and str(key).lower().endswith("key")
        return MASK if named else self.record(item)

    def _name(self, key: Any) -> Any:
        # a short secret may be an ordinary word, and the record has to stay readable
        return self._long.sub(MASK, key) if self._long and isinstance(key, str) else key

    def error(self, error: BaseException) -> bool:
        """Hides secrets in an exception and in what caused it; returns whether none is left."""
        clean = True
        for part in _chain(error):
            if self._changes(str(part)):
                part.args = tuple(self.text(arg) if isinstance(arg, str) else arg for arg in part.args)
            clean = clean and not self._changes(f"{part} {part!r}")
        return clean

    def _changes(self, text: str) -> bool:
        return self.text(text) != text


def _expression(form: str, *, own: bool) -> str:
    exact = re.escape(form)
    if len(form) >= _LONG:
        return exact
    before = _NAMED if own else "(?<![A-Za-z0-9])"
    return rf"{before}{exact}(?![A-Za-z0-9])"


def _chain(error: BaseException) -> list[BaseException]:
    """Returns an exception and all that it came from, each once."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        part = waiting.pop()
        if part is None or any(part is known for known in found):
            continue
        found.append(part)
        waiting += [part.__cause__, part.__context__]
        if isinstance(part, BaseExceptionGroup):
            waiting += part.exceptions
    return found
