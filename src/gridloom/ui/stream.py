"""A run at work as server-sent events: what changed, since the event that the page has last seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gridloom.errors import GridLoomError
from gridloom.monitor.state import RunState
from gridloom.ui.journal import RUNNING, Tail
from gridloom.ui.shown import elapsed, head, notes, step_rows

__all__ = ["changes", "last_seen"]

_LOOK_EVERY_S: Final = 0.25
_BEAT_EVERY_S: Final = 1.0
_ASK_EVERY_S: Final = 2.0
"""How often the journal is asked whether a run that says nothing still lives."""


def last_seen(*given: str | None) -> int:
    """Returns the first number among what a browser says that it has seen last; 0 if there is none.

    Example:
        >>> last_seen(None, "12"), last_seen("-1", "x")
        (12, 0)
    """
    return next((int(text) for text in given if text and text.isdecimal() and text.isascii()), 0)


async def changes(tail: Tail, seen: int, closing: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yields what changes, until the run ends: ``state``, ``clock`` every second, and at last ``end``.

    Args:
        tail: The run's events, of which nothing was read yet.
        seen: Number of the last event whose effect the page shows.
        closing: Whether the server is about to end.
    """
    yield b"retry: 1000\n\n"
    beat_s = asked_s = -_ASK_EVERY_S
    outcome = RUNNING
    while not closing():
        try:
            moved = await asyncio.to_thread(tail.read)
            if not moved and time.monotonic() - asked_s >= _ASK_EVERY_S:
                outcome, asked_s = await asyncio.to_thread(tail.outcome), time.monotonic()
        except GridLoomError:
            return  # the run's folder is gone; the page says so when it is opened again
        state = tail.state
        outcome = state.outcome or outcome
        if outcome != RUNNING:
            # steps that nobody will end are at work no more, though no event said so
            yield _frame("end", tail, outcome, 0, seen)
            return
        if state.seq > seen:
            yield _frame("state", tail, outcome, seen, seen)
            seen = state.seq
        if time.monotonic() - beat_s >= _BEAT_EVERY_S:
            beat_s = time.monotonic()
            yield _clock(state, outcome)
        await asyncio.sleep(_LOOK_EVERY_S)


def _frame(kind: str, tail: Tail, outcome: str, steps_after: int, notes_after: int) -> bytes:
    state, now = tail.state, datetime.now(UTC)
    length_s, words = elapsed(state, outcome, now)
    shown = {
        "head": head(state, outcome),
        "elapsed": words,
        "length_s": length_s,
        "steps": step_rows(state, outcome, now, after=steps_after),
        "notes": notes(state, notes_after),
    }
    return _message(kind, shown, state.seq)


def _clock(state: RunState, outcome: str) -> bytes:
    now = datetime.now(UTC)
    length_s, words = elapsed(state, outcome, now)
    rows = step_rows(state, outcome, now, at_work=True)
    return _message("clock", {"elapsed": words, "length_s": length_s, "steps": rows})


def _message(kind: str, shown: dict[str, Any], number: int | None = None) -> bytes:
    """Returns one message; JSON has no line ends, so one line of data is all of it."""
    line = "" if number is None else f"id: {number}\n"
    return f"event: {kind}\n{line}data: ".encode() + msgspec.json.encode(shown) + b"\n\n"
