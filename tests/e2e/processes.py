"""GridLoom as a user runs it: a process with arguments, an environment, a working folder and an end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridloom.files import STAGING_PREFIX

SETTINGS = {"EIA_API_KEY", "GRIDLOOM_BASE_URL", "GRIDLOOM_BLAS", "GRIDLOOM_OUT", "GRIDLOOM_UI_TOKEN"}
_TIMEOUT_S = 60.0
_UNDER_A_LIMIT = (
    "import resource, runpy, sys; size = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); "
    "runpy.run_module('gridloom', run_name='__main__')"
)


@dataclass(frozen=True)
class Done:
    """How a process ended.

    Attributes:
        code: Exit code; negative for a signal.
        out: Stdout.
        err: Stderr.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> str:
        """The last line of error, without what stands in front of it."""
        lines = [line for line in self.err.splitlines() if line.startswith("gridloom: error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("gridloom: error: ")


@dataclass(frozen=True)
class Started:
    """A process that may still run."""

    process: subprocess.Popen[str]

    def send(self, number: int) -> None:
        """Sends a signal; a process that is over does not mind."""
        self.process.send_signal(number)

    def done(self) -> Done:
        """Waits for the end; whatever it is, it is not a traceback."""
        out, err = self.process.communicate(timeout=_TIMEOUT_S)
        assert "Traceback" not in out + err, out + err
        return Done(self.process.returncode, out, err)


def start(
    *arguments: str | Path,
    cwd: Path,
    key: str | None = None,
    environ: Mapping[str, str] | None = None,
    file_limit_bytes: int | None = None,
) -> Started:
    """Starts ``python -m gridloom`` and returns at once.

    Args:
        *arguments: The command line.
        cwd: Working folder.
        key: API key for its environment; no other is in it.
        environ: More variables.
        file_limit_bytes: Size that no file may grow beyond.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    module = ["-m", "gridloom"]
    if file_limit_bytes is not None:
        module = ["-c", _UNDER_A_LIMIT, str(file_limit_bytes)]
    return Started(
        subprocess.Popen(
            [sys.executable, *module, *map(str, arguments)],
            cwd=cwd,
            env={**inherited, **({} if key is None else {"EIA_API_KEY": key}), **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )


def gridloom(
    *arguments: str | Path,
    cwd: Path,
    key: str | None = None,
    environ: Mapping[str, str] | None = None,
    file_limit_bytes: int | None = None,
) -> Done:
    """Runs ``python -m gridloom`` to its end; arguments as of `start`."""
    return start(*arguments, cwd=cwd, key=key, environ=environ, file_limit_bytes=file_limit_bytes).done()


def wait_until(condition: Callable[[], object], *, timeout_s: float = 30.0) -> None:
    """Returns as soon as `condition` holds; fails if it never does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)


def table(out: Path) -> Path:
    """Returns the one file under ``hourly``."""
    files = list((out / "hourly").iterdir())
    assert len(files) == 1, files
    return files[0]


def leftovers(out: Path) -> list[Path]:
    """Returns what a run began and did not end."""
    unfinished = [path for path in out.rglob("*") if path.name.startswith(STAGING_PREFIX)]
    return unfinished + list((out / ".gridloom" / "staging").glob("*")) + list(out.rglob("*.part"))
