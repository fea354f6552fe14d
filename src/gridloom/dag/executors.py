"""Where a step's own code runs: on a thread of this process, or in a process of its own.

Only `BaseStep.run` goes through an executor. Whether a step runs, its commit and its record stay with
the run, whichever executor it has.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gridloom.dag.cancel import CancelToken
from gridloom.dag.context import StepContext
from gridloom.dag.step import BaseStep
from gridloom.errors import StepTimeoutError

__all__ = ["StepCall", "StepCost", "StepExecutor", "ThreadExecutor", "open_executor"]


@dataclass(kw_only=True)
class StepCost:
    """What the attempts of a step cost outside of the thread that waits for them.

    Attributes:
        cpu_s: CPU time in seconds.
        peak_rss_bytes: Largest memory of the process that they ran in; 0 if that was this one.
        peak_rss_scope: Whose memory that is, as in `StepMetrics`.
    """

    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    peak_rss_scope: Literal["process", "step"] = "process"


@dataclass(frozen=True, kw_only=True)
class StepCall:
    """One attempt of one step.

    Attributes:
        step: The step.
        inputs: Values by parameter name.
        ctx: The run as the step sees it.
        token: The one behind `ctx`; the step's own where it has a time limit.
        cost: Where to add what it costs elsewhere.
    """

    step: BaseStep[Any]
    inputs: Mapping[str, Any]
    ctx: StepContext
    token: CancelToken
    cost: StepCost


class StepExecutor(Protocol):
    """Runs attempts, several at a time, each called from a thread of its own."""

    def run(self, call: StepCall) -> Any:
        """Returns what the step gives.

        Raises:
            StepTimeoutError: If it took longer than its time limit.
            BaseException: Whatever the step raises.
        """

    def close(self) -> None:
        """Frees what the executor holds; called once, when no attempt runs any more."""


class ThreadExecutor:
    """Runs a step on the thread that asks for it."""

    def run(self, call: StepCall) -> Any:
        """Returns what the step gives.

        A thread cannot be ended. A step that is over its time limit is asked to stop; when it returns,
        it has failed, whatever it gave.

        Raises:
            StepTimeoutError: If it took longer than its time limit.
            BaseException: Whatever the step raises.
        """
        limit_s = call.step.config.time_limit_s
        if limit_s is None:
            return call.step.run(call.inputs, call.ctx)
        started_s, over = time.monotonic(), threading.Event()
        timer = threading.Timer(limit_s, _expire, (call, limit_s, over))
        timer.daemon = True
        timer.start()
        try:
            result = call.step.run(call.inputs, call.ctx)
        except BaseException as error:
            if over.is_set():
                raise _too_slow(call, limit_s, time.monotonic() - started_s) from error
            raise
        finally:
            timer.cancel()
        if over.is_set():
            raise _too_slow(call, limit_s, time.monotonic() - started_s)
        return result

    def close(self) -> None:
        """Does nothing: the threads belong to the run."""


def open_executor(kind: Literal["thread", "process"], steps: Iterable[BaseStep[Any]]) -> StepExecutor:
    """Returns an executor for one run.

    Args:
        kind: Where steps run.
        steps: All steps that it may be asked to run.

    Raises:
        ConfigError: If it cannot run one of them.
    """
    if kind == "thread":
        return ThreadExecutor()
    # loaded by those who ask for processes only
    from gridloom.dag.process import ProcessExecutor  # noqa: PLC0415

    return ProcessExecutor(steps)


def _expire(call: StepCall, limit_s: float, over: threading.Event) -> None:
    over.set()
    otherwise = "" if call.step.in_parent else "; with --executor process a time limit ends the step"
    call.ctx.log(
        f"The time limit of {limit_s:g} s is over and the step was asked to stop. It is waited for, because "
        f"a thread cannot be ended{otherwise}.",
        "warning",
    )
    for error in call.token.cancel(f"its time limit of {limit_s:g} s is over"):
        call.ctx.log(f"An on_cancel callback raised {type(error).__name__}: {error}", "warning")


def _too_slow(call: StepCall, limit_s: float, took_s: float) -> StepTimeoutError:
    return StepTimeoutError(
        f"Step '{call.ctx.step_id}' took {took_s:.1f} s, longer than its time limit of {limit_s:g} s. "
        "Raise its `time_limit_s`, or give it less to do."
    )
