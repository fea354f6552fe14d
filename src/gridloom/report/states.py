"""The five colours of the page: what each outcome of a step or run is shown as, always with its word."""

from __future__ import annotations

from typing import Final

from gridloom.dag.outcome import RunOutcome, StepOutcome

__all__ = ["LEGEND", "tone"]

_TONES: Final = {
    StepOutcome.executed.value: "done",
    StepOutcome.cached.value: "kept",
    StepOutcome.failed.value: "bad",
    StepOutcome.cancelled.value: "cut",
    StepOutcome.running.value: "cut",
    StepOutcome.skipped.value: "idle",
    StepOutcome.pending.value: "idle",
    RunOutcome.succeeded.value: "done",
    RunOutcome.partial.value: "cut",
    RunOutcome.planned.value: "idle",
    "interrupted": "cut",
    "waiting": "wait",
}

LEGEND: Final = (
    ("done", "executed"),
    ("kept", "cached"),
    ("bad", "failed"),
    ("cut", "cut off or at work"),
    ("idle", "not run"),
)
"""Each colour and what it stands for."""


def tone(state: str) -> str:
    """Returns the colour of an outcome, by the name that the style sheet has for it.

    Example:
        >>> tone("executed"), tone("interrupted"), tone("something new")
        ('done', 'cut', 'idle')
    """
    return _TONES.get(state, "idle")
