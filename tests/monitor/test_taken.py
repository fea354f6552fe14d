"""A terminal taken over in a process of its own, whose terminal is a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

BEGIN = """
import os, subprocess, sys, time
from pathlib import Path
from gridloom.monitor.taken import TakenTerminal

said = []
taken = TakenTerminal(said.append)
taken.take()
"""
END = """
taken.give_back()
print("after", flush=True)
import msgspec
Path(sys.argv[1]).write_bytes(msgspec.json.encode({"said": said, **found}))
"""


class Result(msgspec.Struct):
    said: list[str]
    seen: list[str] = []


def run(folder: Path, text: str, **streams: int) -> tuple[Result, str]:
    """Runs some lines while a terminal is taken; returns what they found, and what stands on the terminal."""
    ours, theirs = pty.openpty()
    try:
        program = BEGIN + "found = {}\n" + dedent(text) + END
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder / "found.json")],
            stdin=subprocess.DEVNULL,
            **{"stdout": theirs, "stderr": theirs, **streams},  # type: ignore[call-overload]
            timeout=60,
            check=False,
        )
        os.write(theirs, b"$")
        shown = b""
        while not shown.endswith(b"$"):
            shown += os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(theirs)
    text = shown.decode().replace("\r\n", "\n").removesuffix("$")
    assert done.returncode == 0, text
    return msgspec.json.decode((folder / "found.json").read_bytes(), type=Result), text


def test_who_prints_in_parts_is_heard_in_whole_lines(tmp_path: Path) -> None:
    found, shown = run(
        tmp_path,
        """
        print("one", end="")
        print(" line")
        print("two\\nlines", "more", sep="\\n", end="")
        """,
    )

    assert "".join(found.said) == "one line\ntwo\nlines\nmore\n"
    assert all(each.endswith("\n") for each in found.said)
    assert shown == "after\n"


def test_a_line_that_has_not_ended_is_told_of_each_that_prints(tmp_path: Path) -> None:
    found, _ = run(
        tmp_path,
        """
        print("Go on? ", end="")
        print("10 %", end="", file=sys.stderr)
        os.write(2, b"past Python")
        while len(taken.unfinished()) < 3:
            time.sleep(0.01)
        found["seen"] = taken.unfinished()
        print("yes")
        """,
    )

    assert sorted(found.seen) == ["10 %", "Go on? ", "past Python"]
    assert found.said[0] == "Go on? yes\n"
    assert sorted(found.said[1:]) == ["10 %\n", "past Python\n"]


def test_programs_and_what_is_written_past_python_are_heard(tmp_path: Path) -> None:
    found, shown = run(
        tmp_path,
        """
        subprocess.run([sys.executable, "-c", "print('a program')"], check=True)
        os.write(1, b"written\\n")
        """,
    )

    assert "".join(found.said) == "a program\nwritten\n"
    assert shown == "after\n"


def test_a_stream_that_goes_elsewhere_is_left_there(tmp_path: Path) -> None:
    with (tmp_path / "out.txt").open("wb") as elsewhere:
        found, shown = run(
            tmp_path, "print('table'); print('note', file=sys.stderr)", stdout=elsewhere.fileno()
        )

    assert found.said == ["note\n"]
    assert shown == ""
    assert (tmp_path / "out.txt").read_text() == "table\nafter\n"


def test_a_line_without_an_end_is_said_in_parts(tmp_path: Path) -> None:
    found, _ = run(tmp_path, "for _ in range(4): sys.stdout.write('x' * 50_000)")

    assert found.said == ["x" * 100_000 + "\n"] * 2


def test_a_program_that_goes_on_does_not_hold_up_the_end(tmp_path: Path) -> None:
    # it ends with this process, whose end it would wait for
    found, shown = run(tmp_path, "other = subprocess.Popen(['cat'], stdin=subprocess.PIPE); print('started')")

    assert found.said == ["started\n"]
    assert shown == "after\n"


@pytest.mark.parametrize("data", [b"\xff\xfe\n", "€".encode()[:2] + b"\n"])
def test_bytes_that_are_no_text_are_said_as_such(tmp_path: Path, data: bytes) -> None:
    found, _ = run(tmp_path, f"os.write(2, {data!r})")

    assert set("".join(found.said)) <= {"\ufffd", "\n"}
