"""A disk that refuses: a sentence, exit code 1, nothing half-written; with room again the run completes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.canary import CANARY, files_with_a_key, said_a_key
from tests.e2e.processes import Done, gridloom, leftovers, table
from tests.e2e.servers import arguments
from tests.support.mounts import small_disk as mounted

from gridloom.extract.replay import ReplayServer


def is_sentence_of_the_disk(done: Done) -> bool:
    error = done.json["error"]
    return error["type"] == "StorageError" and error["message"].startswith("Could not ")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own with room for a part of the small run."""
    with mounted(tmp_path / "disk", size="160k") as disk:
        yield disk.path


@pytest.mark.parametrize("part", [0.0, 0.1, 0.99])
def test_a_file_that_cannot_grow(
    part: float, server: ReplayServer, undisturbed: Path, tmp_path: Path
) -> None:
    """The largest file is the table: the limits hit the first file, a raw page, and the table itself."""
    out, most_bytes = tmp_path / "data", int(part * table(undisturbed).stat().st_size)
    failed = gridloom(*arguments(server.url), cwd=tmp_path, key=CANARY, file_limit_bytes=most_bytes)
    left = leftovers(out)
    tables = list((out / "hourly").glob("*"))
    again = gridloom(*arguments(server.url), cwd=tmp_path, key=CANARY)

    assert failed.code == 1
    assert is_sentence_of_the_disk(failed), failed.out
    # SQLite does not say which limit it met
    assert any(why in failed.json["error"]["message"] for why in ("too large", "disk I/O error"))
    assert left == []
    assert tables == []
    assert again.code == 0
    assert table(out).read_bytes() == table(undisturbed).read_bytes()
    assert leftovers(out) == []
    assert files_with_a_key(tmp_path) == []
    assert said_a_key([failed, again]) == []


def test_a_disk_that_is_full(
    server: ReplayServer, undisturbed: Path, small_disk: Path, tmp_path: Path
) -> None:
    out = small_disk / "data"
    failed = gridloom(*arguments(server.url), cwd=small_disk, key=CANARY)
    left, asked = leftovers(out), server.request_count
    landed = len(list((out / "raw").rglob("receipt.json")))
    shutil.copytree(out, tmp_path / "data")
    again = gridloom(*arguments(server.url), cwd=tmp_path, key=CANARY)

    assert failed.code == 1
    assert is_sentence_of_the_disk(failed), failed.out
    assert "The disk is full. Free some space" in failed.json["error"]["message"]
    assert left == []
    (log,) = (out / "runs").glob("*/events.jsonl")
    assert all(json.loads(line) for line in log.read_text().splitlines())
    assert again.code == 0
    assert table(tmp_path / "data").read_bytes() == table(undisturbed).read_bytes()
    assert server.request_count - asked <= 11 - landed
    assert files_with_a_key(small_disk) == []
    assert said_a_key([failed, again]) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(server: ReplayServer, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        failed = gridloom(*arguments(server.url), cwd=tmp_path, key=CANARY)
    finally:
        tmp_path.chmod(0o700)

    assert failed.code == 2
    assert failed.json["error"]["type"] == "ConfigError"
    assert "permission" in failed.json["error"]["message"].lower()
    assert list(tmp_path.iterdir()) == []


def test_an_older_table_stands_while_the_new_one_cannot_be_written(server: ReplayServer, out: Path) -> None:
    before = table(out).read_bytes()
    failed = gridloom(
        *arguments(server.url, "--force"), cwd=out.parent, key=CANARY, file_limit_bytes=len(before) - 1
    )

    assert failed.code == 1
    assert table(out).read_bytes() == before
    assert leftovers(out) == []
