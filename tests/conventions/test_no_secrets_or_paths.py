"""What is tracked holds no secret, no path of somebody's machine, and no heap of data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MOST_FILE_BYTES = 3_000_000
MOST_TOTAL_BYTES = 12_000_000

BEFORE = r"(?<![\w.~/-])"  # a path starts here: it is not the later part of another path or address
KEY_NAMES = r"(?i)\b(?:api[_-]?key|token|secret|password)\b"
# Each pattern is written so that it does not match itself.
PATTERNS = {
    "a home folder": re.compile(BEFORE + r"/(?:home|root|Users)/[\w.-]+|\b[A-Za-z]:\\Users\\"),
    "a folder of one machine": re.compile(BEFORE + r"/(?:tmp|work|workspace|mnt|media|scratch)/[\w.-]+"),
    "a private address": re.compile(r"\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b(?!\.)"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an API key": re.compile(KEY_NAMES + r"[\"']?\s*[:=]\s*[\"']?[a-z0-9]{32,}\b"),
}


def offences(text: str) -> list[str]:
    """Returns what `text` holds that no tracked file may hold."""
    return [f"{what}: {match[0]}" for what, pattern in PATTERNS.items() for match in pattern.finditer(text)]


def text_of(path: Path) -> str:
    """Returns the text of a file; a binary file has none."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def test_no_tracked_file_holds_a_secret_or_a_machine_path(root: Path, project_files: list[Path]) -> None:
    found = {
        str(path.relative_to(root)): problems
        for path in project_files
        if (problems := offences(text_of(path)))
    }

    assert found == {}


def test_the_tracked_files_are_seen(root: Path, project_files: list[Path]) -> None:
    names = {path.relative_to(root).as_posix() for path in project_files}

    assert {"pyproject.toml", "src/gridloom/errors.py", "tests/conventions/test_docs.py"} <= names
    assert not [name for name in names if name.startswith((".venv/", "data/", ".git/"))]


def test_no_heap_of_data_is_tracked(project_files: list[Path]) -> None:
    sizes = {path.name: path.stat().st_size for path in project_files}

    assert {name: size for name, size in sizes.items() if size > MOST_FILE_BYTES} == {}
    assert sum(path.stat().st_size for path in project_files) <= MOST_TOTAL_BYTES


@pytest.mark.parametrize(
    "parts",
    [
        ("", "home", "ada", "data"),
        ("'", "Users", "ada", "x.py'"),
        ("", "root", "x"),
        ("path=", "tmp", "run-1"),
        ("open(", "mnt", "disk)"),
    ],
)
def test_machine_paths_are_found(parts: tuple[str, ...]) -> None:
    assert len(offences("/".join(parts))) == 1


@pytest.mark.parametrize(
    "parts",
    [
        ("-----BEGIN RSA", "PRIVATE KEY-----"),
        ("api_key =", "'" + "a1" * 20 + "'"),
        ('"token":', '"' + "0f" * 16 + '"'),
    ],
)
def test_secrets_are_found(parts: tuple[str, ...]) -> None:
    assert len(offences(" ".join(parts))) == 1


def test_private_addresses_are_found_and_loopback_is_not() -> None:
    assert len(offences("http://192.168" + ".0.7:80")) == 1
    assert offences("http://127.0.0.1:8930/v2") == []


@pytest.mark.parametrize(
    "text",
    [
        "docs/home/page",
        "https://example.org/home/x",
        "data/raw/tmp/x",
        "api_key=***",
        "~/work/notes",
        "v2/root",
    ],
)
def test_harmless_text_is_let_through(text: str) -> None:
    assert offences(text) == []
