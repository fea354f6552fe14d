"""What is installed here, and how fast MLX is: for people who ask why something is missing or slow."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from typing import Any, Final

import msgspec

from gridloom import __version__
from gridloom.load.blas import SWITCH
from gridloom.load.mlx_runtime import MlxReport

__all__ = ["examine"]

_NAME: Final = re.compile(r"[\w.-]+")
_EXTRA: Final = re.compile(r"extra\s*==\s*['\"]([\w.-]+)")
_PLATFORM: Final = re.compile(r"sys_platform\s*==\s*['\"](\w+)")
_TIMEOUT_S: Final = 60.0
_REINSTALL: Final = "Try: pip install --upgrade --force-reinstall 'gridloom[mlx]'"


def examine() -> dict[str, Any]:
    """Returns Python, platform, packages and their versions, extras, how MLX does, and advice."""
    groups = _groups()
    versions = {name: _version(name) for name in sorted(chain(*groups.values()))}
    missing = {
        extra: [name for name in names if not versions[name]] for extra, names in groups.items() if extra
    }
    mlx, trouble = _ask_mlx() if _version("mlx") else (None, "")
    return {
        "gridloom": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: version for name, version in versions.items() if version},
        "extras": {extra: {"installed": not names, "missing": names} for extra, names in missing.items()},
        "mlx": msgspec.to_builtins(mlx, enc_hook=str) if mlx else None,
        "advice": list(_advice(mlx, trouble)),
    }


def _groups() -> dict[str, list[str]]:
    """Returns the packages that GridLoom needs on this platform by extra; those of the core under ``""``."""
    try:
        described = metadata.metadata("gridloom")
    except metadata.PackageNotFoundError:
        return {}  # run from a folder of sources
    requirements = described.get_all("Requires-Dist") or []
    # some extras need no package
    groups: dict[str, list[str]] = {extra: [] for extra in described.get_all("Provides-Extra") or []}
    for requirement in sorted(requirements, key=_extra_of):
        name = _NAME.match(requirement)
        platforms = _PLATFORM.findall(requirement)
        if name and (not platforms or sys.platform in platforms):
            groups.setdefault(_extra_of(requirement), []).append(name[0])
    return groups


def _extra_of(requirement: str) -> str:
    extra = _EXTRA.search(requirement)
    return extra[1] if extra else ""


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ask_mlx() -> tuple[MlxReport | None, str]:
    """Returns how MLX does, or a sentence on what keeps it from saying so.

    It is asked in a process of its own, so that a library that crashes takes nothing along.
    """
    command = [sys.executable, "-m", "gridloom.load.mlx_runtime"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return None, f"MLX did not answer within {_TIMEOUT_S:g} s. {_REINSTALL}"
    if done.returncode < 0:
        return None, f"MLX crashed with signal {-done.returncode}. {_REINSTALL}"
    if done.returncode > 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        return None, f"MLX cannot be used: {said[-1]}"
    return msgspec.json.decode(done.stdout, type=MlxReport, dec_hook=lambda kind, text: kind(text)), ""


def _advice(mlx: MlxReport | None, trouble: str) -> Iterator[str]:
    if trouble:
        yield trouble
    if mlx is None or not mlx.blas.slow or mlx.device == "gpu":
        return
    if os.environ.get(SWITCH):
        yield f"MLX multiplies with the slow reference BLAS because {SWITCH} is off. Unset it."
    else:
        yield (
            "MLX multiplies with the slow reference BLAS of its wheel. For ten times the speed and more: "
            "pip install 'gridloom[fast-blas]'"
        )
