"""Writes constraints.txt: the newest versions of everything that GridLoom runs, tests and checks with.

They are resolved in a fresh virtual environment by the oldest Python that is supported, because a
version that runs there runs on the newer ones too; `make constraints` runs this.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Exact versions of everything that GridLoom runs, tests and checks with; the Makefile installs these.
# Made by `make constraints` with Python {python}, the oldest supported. Do not edit by hand.
# No hashes: the same versions serve every platform and Python {python} to 3.13.
"""


def render(freeze: str, python: str) -> str:
    r"""Returns the text of constraints.txt for the output of ``pip freeze``.

    Args:
        freeze: Lines such as ``polars==2.1.0``; any other line is left out.
        python: The version that resolved them, such as ``3.11``.

    Example:
        >>> print(render("polars==2.1.0\n-e .\nclick==8.5.1\n", "3.11").splitlines()[-2:])
        ['click==8.5.1', 'polars==2.1.0']
    """
    pins = sorted((line.strip() for line in freeze.splitlines() if "==" in line), key=str.lower)
    return HEADER.format(python=python) + "\n".join(pins) + "\n"


def resolve(folder: Path) -> str:
    """Returns what ``pip freeze`` says after the newest versions were installed into `folder`."""
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "install", "-q", "--upgrade", "pip>=25.1"],
        [*pip, "install", "-q", *project["dependencies"], "--group", "dev"],
    ):
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own commands, no shell
    done = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True)  # noqa: S603 - as above
    return done.stdout


def main() -> None:
    """Rewrites constraints.txt; refuses with any Python but the oldest supported one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != oldest:
        sys.exit(
            f"Versions are pinned with Python {oldest}, the oldest supported one; .venv has {running}. "
            f"Run: make clean && make constraints PYTHON=python{oldest}"
        )
    with tempfile.TemporaryDirectory(prefix="gridloom-constraints-") as folder:
        text = render(resolve(Path(folder) / "venv"), running)
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"constraints.txt pins {text.count('==')} versions. Run: make check test")


if __name__ == "__main__":
    main()
