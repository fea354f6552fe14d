"""A run from synchronous code: its event loop gets a thread of its own, so any caller may wait for it.

Whether the caller is inside a running loop (a notebook) or not makes no difference then, and the
main thread stays free for signals.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading

from gridloom.dag.outcome import RunInterruptedError, RunResult
from gridloom.dag.run import Run
from gridloom.dag.signals import watching_signals

__all__ = ["run_blocking"]


def run_blocking(run: Run) -> RunResult:
    """Returns how a run went when it is over.

    Raises:
        RunInterruptedError: After SIGINT or SIGTERM, with the result so far.
    """
    ended: list[RunResult] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            ended.append(asyncio.run(run.go()))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread
            failed.append(error)
        finally:
            watch.end()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="gridloom-run", daemon=True)
    with watching_signals(run.cancel, interactive=_inside_loop()) as watch:
        thread.start()
        watch.wait()
        thread.join()
    if failed:
        raise failed[0]
    if watch.received:
        raise RunInterruptedError(
            f"The run was interrupted by {watch.received}. What was finished is kept: "
            "run the same command again to continue.",
            ended[0],
        )
    return ended[0]


def _inside_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
