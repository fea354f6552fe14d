"""How far steps are, in words: the same on the terminal and on the web pages. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gridloom.monitor.state import WAITING, RunState, StepState
from gridloom.words import count, duration, several

__all__ = ["Asked", "asked", "limiter", "told"]


_DROPPED: Final = ("repeated", "requests", "rows", "amount", "rate")
"""What is left out where there is too little room, in this order: a bar tells about the amount."""


def told(step: StepState, room: float = math.inf) -> str:
    """Returns amount, rate, time left, rows, requests and repeats of a step, as far as they are known.

    Args:
        step: The step.
        room: Characters; where there are too few, only what matters most is told.
    """
    parts = dict(_parts(step))
    for name in _DROPPED:
        if len(", ".join(parts.values())) <= room or len(parts) == 1:
            break
        parts.pop(name, None)
    return ", ".join(parts.values())


def _parts(step: StepState) -> Iterator[tuple[str, str]]:
    if step.state == WAITING:
        yield "wait", f"tries again after {duration(step.retry_in_s)}"
    if step.at_work and step.unit:
        of = f" of {count(step.total)}" if step.total else ""
        yield "amount", f"{count(step.done)}{of} {step.unit}"
    if step.at_work and step.per_s is not None:
        yield "rate", f"{count(round(step.per_s, 1))} {step.unit}/s"
    if step.at_work and step.left_s is not None:
        yield "left", f"{duration(step.left_s)} left"
    if step.rows and (step.over or step.unit != "rows"):
        yield "rows", several(step.rows, "row")
    if step.requests:
        yield "requests", several(step.requests, "request")
    if step.retries:
        yield "repeated", f"{count(step.retries)} repeated"


def limiter(limit_per_s: float, full_per_s: float) -> str:
    """Returns how many requests a limiter allows, and how many it would if the source did not complain.

    Example:
        >>> limiter(5, 5), limiter(2.5, 5)
        ('limiter at 5/s', 'slowed down to 2.5 of 5/s')
    """
    if limit_per_s < full_per_s:
        return f"slowed down to {count(limit_per_s)} of {count(full_per_s)}/s"
    return f"limiter at {count(limit_per_s)}/s"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the steps at work ask a source, through one limiter.

    Attributes:
        told: In words; empty if none of them asks.
        slowed: Whether the limiter allows less than it would if the source did not complain.
    """

    told: str = ""
    slowed: bool = False


def asked(state: RunState) -> Asked:
    """Returns rate, limiter and counts of the requests of a run at work."""
    asking = [step for step in state.steps.values() if step.at_work and (step.requests or step.limit_per_s)]
    if not asking:
        return Asked()
    repeated = sum(step.retries for step in state.steps.values())
    allowed = min((step.limit_per_s for step in asking if step.limit_per_s is not None), default=None)
    full = max(step.full_per_s for step in asking)
    parts = [
        f"{count(round(sum(step.requests_per_s or 0.0 for step in asking), 1))}/s",
        "" if allowed is None else limiter(allowed, full),
        f"{count(sum(step.requests for step in state.steps.values()))} in all",
        f"{count(repeated)} repeated" if repeated else "",
    ]
    return Asked(f"requests: {', '.join(filter(None, parts))}", slowed=allowed is not None and allowed < full)
