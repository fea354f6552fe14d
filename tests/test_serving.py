"""Tests of what servers need: ports that are said to be taken, and signals that are theirs for a while."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import closing

import pytest

from gridloom.errors import UsageError
from gridloom.serving import bind, ended_by_signals


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    with closing(bind(tcp(), ("127.0.0.1", 0), "Port 0")) as first:
        first.listen()
        second = tcp()
        with pytest.raises(UsageError, match=r"^Port 7 is already in use\. Choose another one with --port"):
            bind(second, first.getsockname(), "Port 7")
        assert second.fileno() == -1  # closed


def test_a_number_that_is_no_port_is_said() -> None:
    with pytest.raises(UsageError, match=r"^Port 65536 cannot be used .* Choose one from 1024 to 65535\.$"):
        bind(tcp(), ("127.0.0.1", 65_536), "Port 65536")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_handled_in_the_block_and_as_before_after_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    told: list[int] = []
    with ended_by_signals(lambda seen, _frame: told.append(seen)):
        os.kill(os.getpid(), number)
    assert told == [number]
    assert signal.getsignal(number) is before


def test_signals_are_not_for_other_threads() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with ended_by_signals(lambda _number, _frame: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
