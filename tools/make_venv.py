"""Makes the virtual environment of this checkout, or keeps the one that is there and works.

Run by the Makefile as ``python3 tools/make_venv.py FOLDER``. It reads on any Python 3, so that an old
one ends with a sentence instead of a syntax error; hence the quoted annotations.
"""

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
KNOWN = ("python3.13", "python3.12", "python3.11", "python3.14")
MARK = "gridloom-checkout"


def version_advice(version: "tuple[int, int]", names: "list[str]") -> "str | None":
    """Returns what to do about a Python of this `version`, or None if it is new enough.

    Args:
        version: Major and minor number.
        names: Newer interpreters that are on the search path.
    """
    if version >= OLDEST:
        return None
    advice = (
        f"Use the newer one that you have: make PYTHON={names[0]} <target>"
        if names
        else "Install a newer one, then name it: make PYTHON=/path/to/python3 <target>"
    )
    needed, found = ".".join(map(str, OLDEST)), ".".join(map(str, version))
    return f"GridLoom needs Python {needed} or newer; this is {found}. {advice}"


def works(folder: Path) -> bool:
    """Returns whether `folder` is a virtual environment of this checkout that pip can install into."""
    mark = folder / MARK
    if mark.exists() and mark.read_text(encoding="utf-8") != str(Path.cwd()):
        return False  # the checkout was moved or copied: its scripts point to the old place
    probe = f"import pip, sys; sys.exit(sys.version_info < {OLDEST!r})"
    return _ends_well([str(folder / "bin" / "python"), "-c", probe])


def make(folder: Path) -> None:
    """Makes a fresh virtual environment at `folder`; ends the process with advice where that fails."""
    print(f"Making a virtual environment in {folder} with Python {sys.version.split()[0]}", flush=True)
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0 or not works(folder):
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        sys.exit(
            f"{done.stdout.decode(errors='replace').strip()}\n"
            f"Could not make the virtual environment {folder}. If the lines above speak of venv or "
            f"ensurepip, install them (Debian and Ubuntu: sudo apt-get install {package}), then run the "
            "same command again."
        )


def main(folder: Path) -> None:
    """Leaves a working virtual environment at `folder`, marked with the checkout that it belongs to."""
    if not works(folder):
        newer = [name for name in KNOWN if _ends_well([shutil.which(name) or "", "-c", ""])]
        advice = version_advice(sys.version_info[:2], newer)
        if advice:
            sys.exit(advice)
        make(folder)
    (folder / MARK).write_text(str(Path.cwd()), encoding="utf-8")


def _ends_well(command: "list[str]") -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
