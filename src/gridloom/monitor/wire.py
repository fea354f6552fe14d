"""Protobuf's wire format, as far as OpenTelemetry's messages need it: fields of a message, as bytes.

Written by hand because a run has two spans for each step: through the library's message classes one costs
four times as much. The tests read all of it back with OpenTelemetry's own definitions.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = [
    "Fact",
    "any_value",
    "attribute",
    "attributes",
    "double",
    "fixed32",
    "fixed64",
    "message",
    "number",
    "packed",
    "text",
    "varint",
]

Fact = str | bool | int | float
"""The value of an attribute."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WORD: Final = (1 << 64) - 1
_SEVEN_BITS: Final = 0x7F
_KEPT: Final = 4096


@lru_cache(_KEPT)
def varint(number: int) -> bytes:
    """Returns an integer in as many bytes as it needs; a negative one, as ten.

    Example:
        >>> varint(300).hex()
        'ac02'
    """
    number &= _WORD
    out = bytearray()
    while number > _SEVEN_BITS:
        out.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


@lru_cache(None)
def _tag(field: int, kind: int) -> bytes:
    return varint(field << 3 | kind)


def number(field: int, value: int) -> bytes:
    """Returns a field of an integer, a truth or an enum."""
    return _tag(field, _VARINT) + varint(value)


def fixed32(field: int, value: int) -> bytes:
    """Returns a field of 32 bits."""
    return _tag(field, _FIXED32) + value.to_bytes(4, "little")


def fixed64(field: int, value: int) -> bytes:
    """Returns a field of 64 bits, signed or not."""
    return _tag(field, _FIXED64) + (value & _WORD).to_bytes(8, "little")


def double(field: int, value: float) -> bytes:
    """Returns a field of a float."""
    return _tag(field, _FIXED64) + struct.pack("<d", value)


def message(field: int, *parts: bytes) -> bytes:
    """Returns a field of a message, of bytes or of packed numbers, given as the parts of its content."""
    content = b"".join(parts)
    return _tag(field, _LENGTH) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """Returns a field of a text; what UTF-8 cannot say is escaped."""
    return message(field, value.encode("utf-8", "backslashreplace"))


def packed(field: int, values: tuple[int, ...] | tuple[float, ...], code: str) -> bytes:
    """Returns a field of several numbers of 64 bits; `code` is that of `struct`."""
    return message(field, struct.pack(f"<{len(values)}{code}", *values))


def attributes(field: int, facts: Mapping[str, Fact]) -> bytes:
    """Returns fields of attributes: one for each fact that is not empty."""
    return b"".join([attribute(field, key, value) for key, value in facts.items() if value != ""])


def attribute(field: int, key: str, value: Fact) -> bytes:
    """Returns a field of one attribute."""
    if isinstance(value, str):  # as below, but there are many of these
        raw = value.encode("utf-8", "backslashreplace")
        return _before(field, key, len(raw)) + raw
    return message(field, text(1, key), message(2, any_value(value)))


@lru_cache(_KEPT)
def _before(field: int, key: str, length: int) -> bytes:
    """Returns what stands in an attribute before a text of so many bytes."""
    before = b"\x0a" + varint(length)
    before = text(1, key) + b"\x12" + varint(len(before) + length) + before
    return _tag(field, _LENGTH) + varint(len(before) + length) + before


def any_value(value: Fact) -> bytes:
    """Returns the content of the message that holds a value of any type."""
    if isinstance(value, str):
        return text(1, value)
    if isinstance(value, bool):
        return number(2, value)
    return number(3, value) if isinstance(value, int) else double(4, value)
