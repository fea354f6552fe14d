"""Whether a process still lives, told by its number and its start."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import msgspec
import pytest

from gridloom.dag.owner import Owner, this_process


@dataclass
class Sleeper:
    process: subprocess.Popen[str]

    @property
    def owner(self) -> Owner:
        assert self.process.stdout is not None
        return msgspec.json.decode(self.process.stdout.readline(), type=Owner)


def start(code: str = "sys.stdin.read()") -> Sleeper:
    program = (
        "import sys, msgspec\nfrom gridloom.dag.owner import this_process\n"
        f"print(msgspec.json.encode(this_process()).decode(), flush=True)\n{code}"
    )
    return Sleeper(
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    )


def test_this_process_lives() -> None:
    mine = this_process()

    assert mine.pid == os.getpid()
    assert mine.alive
    assert not mine.elsewhere


def test_another_one_lives_until_it_ends_even_if_nobody_has_asked_how() -> None:
    sleeper = start()
    owner = sleeper.owner
    assert owner.alive
    assert owner.pid == sleeper.process.pid

    assert sleeper.process.stdin is not None
    sleeper.process.stdin.close()
    # a zombie now: it is not waited for
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
    assert not owner.alive

    with sleeper.process:
        pass
    assert not owner.alive


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system does not tell the start")
def test_a_number_that_was_given_out_again_is_another_process() -> None:
    mine = this_process()

    assert not msgspec.structs.replace(mine, started="another start").alive
    assert not msgspec.structs.replace(mine, started=mine.started.replace("-", "x", 1)).alive, "another boot"


def test_one_on_another_machine_may_always_live() -> None:
    there = Owner(host="no-such-host", pid=2**22 + 1, started="")

    assert there.elsewhere
    assert there.alive


def test_what_the_system_hides_of_another_user_is_not_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_pid: int, _number: int) -> None:
        raise PermissionError

    hidden = Owner(host=this_process().host, pid=1, started="some boot:1")
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr("gridloom.dag.owner._started", lambda _pid: "")
    assert hidden.alive
    monkeypatch.setattr("gridloom.dag.owner._started", lambda _pid: "some boot:2")
    assert not hidden.alive
