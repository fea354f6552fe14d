from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom import files
from gridloom.errors import StorageError
from gridloom.files import (
    digest_bytes,
    digest_file,
    publish,
    storage_errors,
    sync_folder,
    write_atomic,
    write_folder,
)


@given(data=st.binary())
def test_a_digest_is_the_sha_256(data: bytes) -> None:
    assert digest_bytes(data) == f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_file_s_digest_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)

    assert digest_file(tmp_path / "f") == digest_bytes(data)


@given(first=st.binary(), second=st.binary())
def test_a_write_replaces_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, second: bytes
) -> None:
    path = tmp_path_factory.mktemp("w") / "new" / "f"

    for data in (first, second):
        write_atomic(path, data)

        assert path.read_bytes() == data
        assert [entry.name for entry in path.parent.iterdir()] == ["f"]


@pytest.mark.parametrize("failing", ["write_bytes", "fsync", "replace"])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, *, existed: bool
) -> None:
    path = tmp_path / "f"
    if existed:
        path.write_bytes(b"old")

    def refuse(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(self: Path, data: bytes) -> None:
        with self.open("wb") as stream:
            stream.write(data[:1])
        refuse()

    if failing == "write_bytes":
        monkeypatch.setattr(Path, "write_bytes", half)
    elif failing == "fsync":
        monkeypatch.setattr(os, "fsync", refuse)
    else:
        monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(
        StorageError, match=r"Could not write .*f: No space left on device\. The disk is full"
    ):
        write_atomic(path, b"new content")

    assert [entry.name for entry in tmp_path.iterdir()] == (["f"] if existed else [])
    assert not existed or path.read_bytes() == b"old"


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "publish", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "f", b"x")

    assert list(tmp_path.iterdir()) == []


def test_the_bytes_reach_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        seen.append("sync")
        real_fsync(handle)

    def replace(self: Path, target: Path) -> Path:
        seen.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(tmp_path / "f", b"x")

    assert seen == ["sync", "rename", "sync"]


def test_a_folder_is_published_in_one_step(tmp_path: Path) -> None:
    staged = tmp_path / "staged"
    (staged / "deep").mkdir(parents=True)
    (staged / "deep" / "f").write_bytes(b"x")

    publish(staged, tmp_path / "new" / "final")

    assert (tmp_path / "new" / "final" / "deep" / "f").read_bytes() == b"x"
    assert not staged.exists()


def test_a_folder_does_not_swallow_a_folder_that_is_there(tmp_path: Path) -> None:
    for name in ("staged", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_bytes(b"x")

    with pytest.raises(StorageError):
        publish(tmp_path / "staged", tmp_path / "final")

    assert (tmp_path / "final" / "final").exists()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "Your disk quota is used up"),
        (errno.EROFS, "The file system is read-only"),
        (errno.EACCES, "You may not write there"),
        (errno.ENOTDIR, "A part of that path is a file"),
        (errno.EMFILE, "Too many files are open"),
        (errno.EIO, "Check the path and the disk"),
    ],
)
def test_disk_errors_say_what_to_do(number: int, advice: str) -> None:
    with pytest.raises(StorageError) as caught, storage_errors("read", Path("a/b")):
        raise OSError(number, os.strerror(number))

    assert str(caught.value).startswith(f"Could not read {Path('a/b')}: {os.strerror(number)}. {advice}")
    assert isinstance(caught.value.__cause__, OSError)


def test_errors_without_a_number_are_said_too() -> None:
    with pytest.raises(StorageError, match="Could not read x: odd"), storage_errors("read", Path("x")):
        raise OSError("odd")


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(ValueError, match="mine"), storage_errors("read", Path("x")):
        raise ValueError("mine")


def test_a_file_where_a_folder_is_needed_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StorageError, match="Choose another folder with --out"):
        write_atomic(tmp_path / "file" / "f", b"x")


@given(contents=st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=9), max_size=4))
def test_a_folder_is_written_with_its_files(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("w") / "new" / "folder"

    write_folder(folder, contents)
    sync_folder(folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


def test_bytes_that_are_taken_in_pieces_are_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:2]))

    write_folder(tmp_path / "folder", {"f": b"12345"})

    assert (tmp_path / "folder" / "f").read_bytes() == b"12345"


@pytest.mark.parametrize("failing", ["mkdir", "open", "write", "fsync"])
def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, refuse)

    with pytest.raises(StorageError, match=r"Could not write .*folder: No space left on device"):
        write_folder(tmp_path / "folder", {"f": b"x"})
