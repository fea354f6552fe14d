"""Spans, log records and metrics of OpenTelemetry, as the bytes that a collector takes.

Field numbers are those of ``opentelemetry/proto``. Times are nanoseconds since the epoch.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import msgspec

from gridloom.monitor.wire import (
    Fact,
    any_value,
    attribute,
    attributes,
    double,
    fixed32,
    fixed64,
    message,
    number,
    packed,
    text,
    varint,
)

__all__ = [
    "CLIENT",
    "INTERNAL",
    "SIGNALS",
    "Histogram",
    "Ids",
    "Points",
    "Signal",
    "exception",
    "fact",
    "facts",
    "gauge",
    "histogram",
    "log",
    "request",
    "span",
    "total",
]

Signal = Literal["traces", "metrics", "logs"]
"""What is told apart."""

SIGNALS: Final[tuple[Signal, ...]] = get_args(Signal)

INTERNAL, CLIENT = 1, 3
"""Kinds of spans."""

_ERROR: Final = 2
_CUMULATIVE: Final = 2
_SAMPLED: Final = 1
_TIMES: Final = struct.Struct("<cQcQ").pack
_SEVERITIES: Final = {
    "debug": ("DEBUG", 5),
    "info": ("INFO", 9),
    "warning": ("WARN", 13),
    "error": ("ERROR", 17),
}

_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bounds of durations in seconds, as the semantic conventions advise for requests."""


class Ids(msgspec.Struct, frozen=True, gc=False):
    """Where a span stands.

    Attributes:
        trace: Id of its trace, 16 bytes.
        span: Its own id, 8 bytes.
        parent: Id of the span that it is in; empty for the root.
    """

    trace: bytes
    span: bytes
    parent: bytes = b""


def span(
    ids: Ids,
    name: str,
    start_ns: int,
    end_ns: int,
    fields: bytes,
    *,
    kind: int = INTERNAL,
    error: str | None = None,
) -> bytes:
    """Returns a span.

    Args:
        ids: Where it stands.
        name: What it is called.
        start_ns: When it began.
        end_ns: When it ended; never taken as earlier.
        fields: Its attributes, as `fact` and `facts` give them, and what `exception` gives.
        kind: `INTERNAL` or `CLIENT`.
        error: Why it failed, which may be empty; None if it did not.
    """
    raw = name.encode("utf-8", "backslashreplace")
    status = b"" if error is None else message(15, text(2, error) if error else b"", number(3, _ERROR))
    return b"\x0a\x10%b\x12\x08%b%b\x2a%b%b%b%b%b%b\x85\x01\x01\x00\x00\x00" % (  # the last: sampled
        ids.trace,
        ids.span,
        b"\x22\x08" + ids.parent if ids.parent else b"",
        varint(len(raw)),
        raw,
        b"\x30\x01" if kind == INTERNAL else number(6, kind),
        _TIMES(b"\x39", start_ns, b"\x41", max(start_ns, end_ns)),
        fields,
        status,
    )


def fact(key: str, value: Fact) -> bytes:
    """Returns the field of an attribute of a span."""
    return attribute(9, key, value)


def facts(several: Mapping[str, Fact]) -> bytes:
    """Returns the fields of a span's attributes; those that are empty are left out."""
    return attributes(9, several)


def exception(at_ns: int, kind: str, words: str) -> bytes:
    """Returns the field of a span that tells of an exception in it."""
    said = attributes(3, {"exception.type": kind, "exception.message": words})
    return message(11, fixed64(1, at_ns), text(2, "exception"), said)


def log(ids: Ids, at_ns: int, level: str, words: str, about: Mapping[str, Fact], *, sampled: bool) -> bytes:
    """Returns a log record that stands in a span."""
    name, severity = _SEVERITIES[level]
    where = message(9, ids.trace) + message(10, ids.span) if ids.span else b""
    return b"".join(
        (
            fixed64(1, at_ns),
            fixed64(11, at_ns),
            number(2, severity),
            text(3, name),
            message(5, any_value(words)),
            attributes(6, about),
            where,
            fixed32(8, _SAMPLED if sampled else 0),
        )
    )


@dataclass(slots=True)
class Histogram:
    """How often durations were how long.

    Attributes:
        counts: How many were in each bucket of `_BOUNDS_S`, and above.
        sum_s: All of them together, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, duration_s: float) -> None:
        """Counts one."""
        self.counts[bisect_left(_BOUNDS_S, duration_s)] += 1
        self.sum_s += duration_s


Points = Iterable[tuple[Mapping[str, Fact], float]]
"""Attributes of numbers, and the numbers."""


def total(name: str, unit: str, about: str, points: Points, *, started_ns: int, at_ns: int) -> bytes:
    """Returns a counter that only rises."""
    told = [message(1, _point(of, value, started_ns, at_ns)) for of, value in points]
    return _metric(name, unit, about, 7, [*told, number(2, _CUMULATIVE), number(3, 1)])


def gauge(name: str, unit: str, about: str, points: Points, *, at_ns: int) -> bytes:
    """Returns a number that rises and falls."""
    return _metric(name, unit, about, 5, [message(1, _point(of, value, 0, at_ns)) for of, value in points])


def histogram(
    name: str,
    about: str,
    points: Iterable[tuple[Mapping[str, Fact], Histogram]],
    *,
    started_ns: int,
    at_ns: int,
) -> bytes:
    """Returns durations in seconds by how long they were."""
    told = [
        message(
            1,
            attributes(9, of),
            fixed64(2, started_ns),
            fixed64(3, at_ns),
            fixed64(4, sum(each.counts)),
            double(5, each.sum_s),
            packed(6, tuple(each.counts), "Q"),
            packed(7, _BOUNDS_S, "d"),
        )
        for of, each in points
    ]
    return _metric(name, "s", about, 9, [*told, number(2, _CUMULATIVE)])


def _point(of: Mapping[str, Fact], value: float, started_ns: int, at_ns: int) -> bytes:
    said = fixed64(6, value) if isinstance(value, int) else double(4, value)
    start = fixed64(2, started_ns) if started_ns else b""
    return attributes(7, of) + start + fixed64(3, at_ns) + said


def _metric(name: str, unit: str, about: str, kind: int, content: Iterable[bytes]) -> bytes:
    return text(1, name) + text(2, about) + text(3, unit) + message(kind, *content)


def request(resource: Mapping[str, Fact], scope: tuple[str, str], records: Iterable[bytes]) -> bytes:
    """Returns what one request of any signal holds.

    Args:
        resource: Who says it.
        scope: Name and version of what made the records.
        records: Spans, log records or metrics.
    """
    made = message(1, text(1, scope[0]), text(2, scope[1]))
    # message(2, record), but there are many of these
    told = [part for record in records for part in (b"\x12", varint(len(record)), record)]
    return message(1, message(1, attributes(1, resource)), message(2, made, *told))
