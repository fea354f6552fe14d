"""Bodies: from the bytes of an answer to what is made of it, scrubbed and judged on the way. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gridloom.errors import SourceAnswerError
from gridloom.extract.answers import Judgement, Verdict, judge
from gridloom.extract.secret import Scrubber
from gridloom.grid.raw import unpack

__all__ = ["Answer", "Reading", "read_body"]

_OK: Final = 200

ReadT = TypeVar("ReadT")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with data.

    Attributes:
        body: The body, uncompressed, without the key.
        packed: The same as the server's gzip; None where it was not sent so, or held the key.
    """

    body: bytes
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class Reading(Generic[ReadT]):
    """What an answer means.

    Attributes:
        judgement: The verdict, in words that are not yet scrubbed.
        values: One value where the verdict is `Verdict.DATA`, else none.
    """

    judgement: Judgement
    values: tuple[ReadT, ...] = ()


def read_body(
    status: int, encoding: str, sent: bytes, scrubber: Scrubber, read: Callable[[Answer], ReadT]
) -> Reading[ReadT]:
    """Returns what is made of an answer, or why nothing can be.

    Args:
        status: HTTP status.
        encoding: The header ``Content-Encoding``.
        sent: The body as sent.
        scrubber: Takes the key out.
        read: Makes something of an answer with data.
    """
    packed = sent if encoding.strip().lower() in {"gzip", "x-gzip"} else None
    try:
        body = sent if packed is None else unpack(packed)
    except (OSError, EOFError, zlib.error):
        return Reading(Judgement(Verdict.GARBLED, f"HTTP {status} with broken gzip"))
    judgement: Judgement | None = None
    if status == _OK:
        clean = scrubber.body(body)
        try:
            value = read(Answer(clean, packed if clean is body else None))
        except SourceAnswerError as error:
            judgement = judge(status, body)
            if judgement.verdict is Verdict.DATA:
                judgement = Judgement(Verdict.GARBLED, str(error))
        else:
            return Reading(Judgement(Verdict.DATA), (value,))
    return Reading(judgement or judge(status, body))
