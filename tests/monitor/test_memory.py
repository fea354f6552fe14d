from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gridloom.monitor import memory
from gridloom.monitor.memory import used_bytes

HOLDS = "import sys; held = bytearray(60_000_000); print('held', flush=True); sys.stdin.read()"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell")
def test_the_memory_of_children_counts() -> None:
    before = used_bytes()
    assert before is not None
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        during = used_bytes()
        child.communicate("")

    assert during is not None
    assert 1_000_000 < before < during - 50_000_000


def test_where_the_system_does_not_tell_nobody_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_PROCESSES", tmp_path)

    assert used_bytes() is None
