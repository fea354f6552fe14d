"""The program of a worker process: runs one step after another, as the run tells it.

It ends with its parent, however that ends, so that no orphan writes late. Signals of the terminal are
the parent's business.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import Any, Final

from gridloom.dag.cancel import CancelToken
from gridloom.dag.context import StepContext
from gridloom.dag.events import Event, LogWritten
from gridloom.dag.memory import peak_rss_bytes, peak_since_reset, reset_peak
from gridloom.dag.messages import Begun, Ended, Raised, Said, Stop, Task
from gridloom.errors import StepError

__all__ = ["importing_main", "main"]

_ORPHANED: Final = 1
_SET_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>

importing_main = threading.Event()
"""Set while a worker imports the main module of the program, which must not run pipelines then."""


def main() -> None:
    """Serves the parent until it goes away; started with a descriptor and the parent's process id."""
    connection, parent = Connection(int(sys.argv[1])), int(sys.argv[2])
    # programs that a step starts must not hold the line open
    os.set_inheritable(connection.fileno(), False)
    for number in (signal.SIGINT, signal.SIGTERM):
        # not SIG_IGN, which the programs that a step starts would inherit
        signal.signal(number, lambda _number, _frame: None)
    _end_with(parent)
    # what a step prints must not be lost if the process is ended
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    _Worker(connection).serve()


class _Worker:
    """One end of the line to the parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[tuple[Task, CancelToken]] = queue.SimpleQueue()
        self._all_told = threading.Event()
        self._all_told.set()

    def serve(self) -> None:
        threading.Thread(target=self._listen, name="gridloom-listen", daemon=True).start()
        while True:
            task, token = self._tasks.get()
            _run(task, token, self)

    def send(self, message: Begun | Said | Ended) -> None:
        """Says something to the parent; without one, the process ends.

        Raises:
            Exception: If the message cannot be pickled; nothing was said then.
        """
        data = pickle.dumps(message)
        try:
            with self._lock:
                self._connection.send_bytes(data)
        except OSError:
            os._exit(_ORPHANED)

    def finish_stopping(self) -> None:
        """Waits for the callbacks of a step that was asked to stop."""
        self._all_told.wait()

    def _listen(self) -> None:
        token = CancelToken()
        while True:
            try:
                message = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - it is our own parent
            except (EOFError, OSError):
                os._exit(_ORPHANED)
            if isinstance(message, Task):
                token = CancelToken()
                self._tasks.put((message, token))
            else:
                # callbacks may take their time; the end of the parent has to be heard meanwhile
                self._all_told.clear()
                threading.Thread(target=self._stop, args=(token, message), daemon=True).start()

    def _stop(self, token: CancelToken, message: Stop) -> None:
        for error in token.cancel(message.reason):
            said = f"An on_cancel callback raised {type(error).__name__}: {error}"
            self.send(Said(LogWritten, {"level": "warning", "message": said}, {}))
        self._all_told.set()


@dataclass
class _Voice:
    """What a step says goes to the parent as long as the step is not over."""

    worker: _Worker
    ctx: StepContext | None = None
    over: bool = False

    def emit(self, kind: type[Event], **fields: Any) -> None:
        if self.ctx is not None and not self.over:
            self.worker.send(Said(kind, fields, self.ctx.counters))


def _run(task: Task, token: CancelToken, worker: _Worker) -> None:
    voice = _Voice(worker)
    voice.ctx = ctx = StepContext(
        out=task.out,
        step_id=task.step_id,
        staging=task.staging,
        run_id=task.run_id,
        force=task.force,
        key=task.key,
        redact=task.redact,
        token=token,
        emit=voice.emit,
    )
    own_peak, cpu_s = reset_peak(), time.process_time()
    try:
        result: bytes | Raised = _result(task, ctx, worker)
    except BaseException as error:  # noqa: BLE001 - a step may raise anything; the parent gets it
        result = _raised(error)
    ctx.close()
    worker.finish_stopping()
    voice.over = True
    worker.send(
        Ended(
            result=result,
            counters=ctx.counters,
            names=ctx.names,
            cpu_s=time.process_time() - cpu_s,
            peak_rss_bytes=peak_since_reset() if own_peak else peak_rss_bytes(),
            peak_rss_scope="step" if own_peak else "process",
        )
    )


def _result(task: Task, ctx: StepContext, worker: _Worker) -> bytes:
    """Returns what the step gives, pickled."""
    try:
        _import_main(task)
        step, inputs = pickle.loads(task.call)  # noqa: S301 - it is our own parent
    except Exception as error:
        raise StepError(
            f"Step '{task.step_id}' could not be loaded in its worker process: "
            f"{type(error).__name__}: {error}"
        ) from error
    worker.send(Begun())
    given = step.run(inputs, ctx)
    try:
        return pickle.dumps(given)
    except Exception as error:
        raise StepError(
            f"Step '{task.step_id}' gave an object of type {type(given).__name__} that cannot be sent back "
            f"from its worker process: {error}. Return artifacts or plain values."
        ) from error


def _import_main(task: Task) -> None:
    importing_main.set()
    try:
        spawn.prepare(dict(task.main))
    finally:
        importing_main.clear()


def _raised(error: BaseException) -> Raised:
    data: bytes | None
    try:
        data = pickle.dumps(error)
        again = pickle.loads(data)  # noqa: S301 - made in the line above
        if type(again) is not type(error) or str(again) != str(error):
            data = None
    except Exception:  # noqa: BLE001 - whatever it is, the error cannot travel; its words can
        data = None
    return Raised(
        error=data,
        words=f"{type(error).__name__}: {error}",
        trace="".join(traceback.format_exception(error)),
    )


def _end_with(parent: int) -> None:
    """Has the system end this process with the thread that started it; elsewhere, `_listen` sees it."""
    if sys.platform == "linux":
        # costs a worker only
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_ORPHANED)
