"""A worker process as its parent sees it: started, told what to do, listened to, ended.

Workers are spawned, never forked: a forked child inherits locks of threads that it does not have.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing import Pipe, spawn
from typing import Final

from gridloom.dag.messages import Begun, Ended, Said, Stop, Task
from gridloom.errors import StepCrashedError

__all__ = ["SpawnedWorker"]

_REAPED_WITHIN_S: Final = 1.0
_STDERR: Final = 2
_PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from gridloom.dag.child import main; main()"
_KILLED: Final = {
    signal.SIGKILL: ", as the system does when memory runs out. Run fewer steps at once (--max-parallel), "
    "or give the step less to do at a time",
    signal.SIGSEGV: ", as a fault in compiled code does",
    signal.SIGABRT: ", as compiled code does when it finds itself in an impossible state",
}


class SpawnedWorker:
    """One worker process, and our end of the line to it.

    Attributes:
        stopped_s: When its step was asked to stop, by the monotonic clock; else infinity.
    """

    def __init__(self) -> None:
        self._line, theirs = Pipe()
        self._lock = threading.Lock()
        self._step_id = ""
        self.stopped_s = float("inf")
        with theirs:
            # In a session of its own: the terminal's Ctrl-C is not for it, and what it starts ends with it.
            # What it prints goes where our errors go, for our stdout may be read by a program.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own program
                [*_interpreter(), str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=_STDERR,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def begin(self, task: Task) -> None:
        """Has the worker run a step."""
        self._step_id, self.stopped_s = task.step_id, float("inf")
        self._send(task)

    def stop(self, reason: str) -> None:
        """Asks the step that runs to stop."""
        self.stopped_s = time.monotonic()
        self._send(Stop(reason))

    def receive(self, wait_s: float) -> Begun | Said | Ended | None:
        """Returns the next message, or None if none came in time.

        Raises:
            StepCrashedError: If the process is gone.
        """
        line, data = self._line, b""
        with suppress(EOFError, OSError):
            if not line.poll(max(wait_s, 0)) and self.alive:
                return None
            # a program that the step forked may hold the line open after the worker's end
            if line.poll():
                data = line.recv_bytes()
        if not data:
            raise StepCrashedError(f"The process of step '{self._step_id}' {self._how_it_ended()}.")
        message: Begun | Said | Ended = pickle.loads(data)  # noqa: S301 - it is our own child
        return message

    def end(self) -> None:
        """Ends the process and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._line.close()

    def _send(self, message: Task | Stop) -> None:
        # a worker that is gone is found out by `receive`
        with self._lock, suppress(OSError):
            self._line.send_bytes(pickle.dumps(message))

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_REAPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            return "closed its line to the run"
        if code >= 0:
            return f"ended with exit code {code} before the step did"
        number = signal.Signals(-code)
        return f"was ended by signal {-code} ({number.name}){_KILLED.get(number, '')}"


def _interpreter() -> list[str]:
    """Returns the command that starts a worker, with this interpreter's flags and import path."""
    command = spawn.get_command_line()
    return [*command[: command.index("-c")], "-c", _PROGRAM.format(path=[str(entry) for entry in sys.path])]
