"""``python -m gridloom`` on a real pseudo-terminal, whose picture a terminal emulator keeps."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyte
from tests.e2e.processes import SETTINGS

_TIMEOUT_S = 60.0
_OWN_TERMINAL = (
    "import os, runpy, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); sys.argv.pop(0); "
    "runpy.run_module('gridloom', run_name='__main__')"
)
"""A session's first terminal that is opened becomes its own: its Ctrl-C is for us."""


class Terminal:
    """A terminal in which a command works.

    Attributes:
        process: The command.
        raw: All that it has written.
        left_as_found: Whether, after its end, the terminal's modes were as before and its cursor was seen.
    """

    def __init__(self, process: subprocess.Popen[bytes], ours: int, columns: int, rows: int) -> None:
        self.process, self._ours = process, ours
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._modes = termios.tcgetattr(ours)
        self.left_as_found = False

    @property
    def picture(self) -> list[str]:
        """Lines that are seen now, without blanks at their ends and empty lines below."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip().splitlines()

    @property
    def lines(self) -> list[str]:
        """All lines: those that have left at the top, and those that are seen."""
        gone = [
            "".join(line[column].data for column in range(self._screen.columns)).rstrip()
            for line in self._screen.history.top
        ]
        return gone + self.picture

    def type(self, keys: bytes) -> None:
        """Types keys."""
        os.write(self._ours, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window larger or smaller; like xterm, the emulator cuts lines off."""
        _set_size(self._ours, columns, rows)
        self._screen.resize(rows, columns)

    def wait(self, condition: Callable[[], object]) -> None:
        """Returns as soon as `condition` holds of what is seen; fails if it never does."""
        end = time.monotonic() + _TIMEOUT_S
        while not condition():
            assert time.monotonic() < end, "\n".join(self.lines)
            assert self._read() or condition(), "\n".join(self.lines)

    def done(self) -> int:
        """Waits for the end of the command; returns its exit code. What it wrote is no traceback."""
        end = time.monotonic() + _TIMEOUT_S
        while self._read():
            assert time.monotonic() < end, "\n".join(self.lines)
        assert b"Traceback" not in self.raw
        self.left_as_found = termios.tcgetattr(self._ours) == self._modes and not self._screen.cursor.hidden
        return self.process.wait(_TIMEOUT_S)

    def _read(self) -> bool:
        """Takes what was written, or a moment; returns whether more can come."""
        if select.select([self._ours], [], [], 0.02)[0]:
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError:  # nobody has the other end any more
                return False
            self.raw += data
            self._stream.feed(data)
            return bool(data)
        return True


@contextmanager
def terminal(
    *arguments: str | Path,
    cwd: Path,
    columns: int = 100,
    rows: int = 24,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """Runs ``python -m gridloom`` in a terminal of some size; it does not outlive the block.

    Args:
        *arguments: The command line.
        cwd: Working folder.
        columns: Width.
        rows: Height.
        environ: More variables.
    """
    inherited = {
        name: value for name, value in os.environ.items() if name not in {*SETTINGS, "CI", "NO_COLOR"}
    }
    ours, theirs = pty.openpty()
    try:
        _set_size(theirs, columns, rows)
        process = subprocess.Popen(
            [sys.executable, "-c", _OWN_TERMINAL, "gridloom", *map(str, arguments)],
            cwd=cwd,
            env={**inherited, "TERM": "xterm-256color", **(environ or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        shown = Terminal(process, ours, columns, rows)
        os.close(theirs)
        try:
            yield shown
        finally:
            process.kill()
            process.wait(_TIMEOUT_S)
    finally:
        os.close(ours)


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
