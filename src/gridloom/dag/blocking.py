"""A run in a thread of its own, so that any caller may wait for it.

Whether the caller is inside a running loop (a notebook) or not makes no difference then, and the
main thread stays free for signals.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from contextlib import suppress

from gridloom.dag.outcome import RunInterruptedError, RunResult
from gridloom.dag.run import Run
from gridloom.dag.signals import watching_signals

__all__ = ["run_awaited", "run_blocking"]


def run_blocking(run: Run) -> RunResult:
    """Returns how a run went when it is over.

    Raises:
        RunInterruptedError: After SIGINT or SIGTERM, with the result so far.
    """
    ended: list[RunResult] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            ended.append(run.go())
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


async def run_awaited(run: Run) -> RunResult:
    """Returns how a run went when it is over; the event loop stays free meanwhile.

    Raises:
        asyncio.CancelledError: If the awaiting task was cancelled; the run has stopped and its records are
            written by then.
    """
    import asyncio  # noqa: PLC0415 - loaded by those who have a loop

    context = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor(None, context.run, run.go)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        run.cancel("the task that waited for the run was cancelled")
        while not work.done():
            # a second cancellation changes nothing: the records have to be written
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise


def _inside_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - the one that never raises
