"""A step between its start and its end, and when it is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from gridloom.dag.config import StepConfig
from gridloom.dag.outcome import StepOutput
from gridloom.dag.worker import StepTask
from gridloom.errors import CheckFailedError, InterruptedRunError, StepFailedError, UsageError

__all__ = ["Running", "wait_before_next"]

_POINTLESS: Final = (UsageError, CheckFailedError, StepFailedError, InterruptedRunError)
"""What a second attempt would only raise again."""
_LONGEST_WAIT_S: Final = 3600.0


@dataclass(slots=True)
class Running:
    """A step between its start and its end.

    Attributes:
        step_id: The step.
        task: Its work.
        number: Attempts that have begun.
        claimed: Whether the claim of the next attempt is written already.
        due_s: When the next attempt begins, by the monotonic clock; None while one is under way.
        last: How the last attempt ended.
    """

    step_id: str
    task: StepTask
    number: int = 0
    claimed: bool = False
    due_s: float | None = None
    last: StepOutput | None = None


def wait_before_next(number: int, config: StepConfig, error: BaseException | None) -> float | None:
    """Returns the seconds to wait after a failed attempt; None where no other one is made.

    The wait doubles with each attempt, and is shortened at random so that steps spread out.

    Args:
        number: Which attempt failed; 1 for the first.
        config: The step's settings.
        error: What it raised.
    """
    if number > config.retries or isinstance(error, _POINTLESS):
        return None
    full_s = min(config.retry_backoff_s * 2.0 ** (number - 1), _LONGEST_WAIT_S)
    return full_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
