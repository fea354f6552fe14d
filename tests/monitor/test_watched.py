from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from gridloom.monitor.watched import is_watched


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize(
    ("environ", "watched"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "", "CI": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": ""}, False),
        ({}, False),
    ],
)
def test_a_terminal_is_watched_unless_it_should_be_calm(
    terminal: TextIO, environ: dict[str, str], *, watched: bool
) -> None:
    assert is_watched(terminal, environ) == watched


def test_nothing_but_a_terminal_is_watched() -> None:
    assert not is_watched(io.StringIO(), {"TERM": "xterm"})
