"""A terminal taken over for a while: what this process and its children print comes in whole lines.

Python's own streams say at once what is printed to them. Programs that a step starts, worker processes and
compiled code write to the descriptors, which lead to a pipe meanwhile.
"""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

__all__ = ["TakenTerminal"]

_STDOUT: Final = 1
_STDERR: Final = 2
_MOST_BYTES: Final = 1 << 16
"""A line that is longer is said in parts."""


class TakenTerminal:
    """The terminal of stderr, and of stdout where that is the same one.

    Args:
        said: Hears whole lines that somebody printed, each with its end.
        encoding: Of the terminal.
    """

    def __init__(self, said: Callable[[str], None], encoding: str = "utf-8") -> None:
        self._said, self._encoding = said, encoding
        self._real = os.dup(_STDERR)
        self._others: dict[int, int] = {}
        self._streams: dict[str, TextIO] = {}
        self._lines: list[_Lines] = []

    def write(self, text: str) -> None:
        """Writes to the terminal itself, which may be gone."""
        rest = memoryview(text.encode(self._encoding, "replace"))
        with suppress(OSError):
            while rest:
                rest = rest[os.write(self._real, rest) :]

    def size(self) -> tuple[int, int]:
        """Returns columns and rows; 80 and 24 where the terminal does not tell."""
        try:
            columns, rows = os.get_terminal_size(self._real)
        except OSError:
            columns = rows = 0
        return columns or 80, rows or 24

    def in_front(self) -> bool:
        """Returns whether the terminal is for this process now, and not for a shell that sent it back."""
        try:
            return os.tcgetpgrp(self._real) == os.getpgrp()
        except OSError:  # it is the terminal of nobody's session
            return True

    def take(self) -> None:
        """Begins to hear what is printed."""
        descriptors = [_STDERR]
        if os.isatty(_STDOUT) and os.fstat(_STDOUT).st_rdev == os.fstat(_STDERR).st_rdev:
            descriptors.append(_STDOUT)
        reader, writer = os.pipe()
        self._stop_reader, self._stop_writer = os.pipe()
        for name, number in (("stderr", _STDERR), ("stdout", _STDOUT)):
            stream = getattr(sys, name)
            if number in descriptors and stream is not None:
                stream.flush()
                self._streams[name] = stream
                setattr(sys, name, self._stream(number))
        for number in descriptors:
            self._others[number] = os.dup(number)
            os.dup2(writer, number)
        os.close(writer)
        self._pump = threading.Thread(target=self._work, args=(reader,), name="gridloom-printed", daemon=True)
        self._pump.start()

    def unfinished(self) -> list[str]:
        """Returns what was printed without the end of its line so far, such as a question."""
        return [rest for lines in tuple(self._lines) if (rest := lines.rest)]

    def give_back(self) -> None:
        """Ends it, after the last that was printed is said."""
        for number, kept in self._others.items():
            os.dup2(kept, number)
            os.close(kept)
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        os.close(self._stop_writer)
        self._pump.join()
        for lines in self._lines:
            lines.end()
        # a listener that is late still finds the terminal, and no file that got the number since
        real, self._real = self._real, _STDERR
        os.close(real)

    def _stream(self, number: int) -> io.TextIOWrapper:
        lines = self._listened()
        return io.TextIOWrapper(_Printed(number, lines), "utf-8", "replace", newline="\n", write_through=True)

    def _listened(self) -> _Lines:
        self._lines.append(_Lines(self._said))
        return self._lines[-1]

    def _work(self, reader: int) -> None:
        lines = self._listened()
        # a program that goes on in the background may hold the other end open for ever
        while True:
            ready, _, _ = select.select([reader, self._stop_reader], [], [])
            data = os.read(reader, _MOST_BYTES) if reader in ready else b""
            lines.hear(data)
            if not data:
                break
        os.close(reader)
        os.close(self._stop_reader)


class _Lines:
    """Bytes in any parts, said line by line."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._lock = threading.Lock()
        self._rest = b""

    @property
    def rest(self) -> str:
        return self._rest.decode(errors="replace")

    def hear(self, data: bytes) -> None:
        with self._lock:
            whole, end, rest = (self._rest + data).rpartition(b"\n")
            if len(rest) > _MOST_BYTES:
                whole, end, rest = whole + end + rest, b"\n", b""
            self._rest = rest
        if end:
            self._said((whole + end).decode(errors="replace"))

    def end(self) -> None:
        if self._rest:
            self.hear(b"\n")


class _Printed(io.RawIOBase):
    """What Python's own streams write to."""

    def __init__(self, number: int, lines: _Lines) -> None:
        super().__init__()
        self._number, self._lines = number, lines
        self.name = {_STDOUT: "<stdout>", _STDERR: "<stderr>"}[number]

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._lines.hear(bytes(data))
        return len(data)
