from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.artifact import Artifact
from gridloom.errors import RawDataError, StorageError
from gridloom.files import digest_bytes


@dataclass(frozen=True, kw_only=True)
class Shaped(Artifact):
    """An artifact with facts of its own."""

    rows: int
    names: tuple[str, ...]
    ratio: float
    note: str | None = None


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda name: name not in {".", ".."})


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_a_file_is_described_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")

    artifact = Artifact.of(tmp_path / "f")

    assert (artifact.digest, artifact.size_bytes) == (digest_bytes(b"abc"), 3)


def test_nothing_cannot_be_described(tmp_path: Path) -> None:
    with pytest.raises(RawDataError, match=r"There is no Shaped at .*gone"):
        Shaped.of(tmp_path / "gone", rows=0, names=(), ratio=0.0)


@given(
    rows=st.integers(0, 2**53),
    names=st.lists(st.text()).map(tuple),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    note=st.none() | st.text(),
    parts=st.lists(NAMES, min_size=1, max_size=3),
    inside=st.booleans(),
)
def test_the_json_form_round_trips(
    rows: int, names: tuple[str, ...], ratio: float, note: str | None, parts: list[str], *, inside: bool
) -> None:
    root, elsewhere = Path("/some/root"), Path("/elsewhere")
    artifact = Shaped(
        path=(root if inside else elsewhere).joinpath(*parts),
        digest="sha256:0",
        size_bytes=1,
        rows=rows,
        names=names,
        ratio=ratio,
        note=note,
    )

    record = json.loads(json.dumps(artifact.to_json(root)))

    assert Shaped.from_json(record, root) == artifact
    assert Path(record["path"]).is_absolute() != inside


def test_the_json_form_moves_with_its_root(tmp_path: Path) -> None:
    artifact = Artifact.of(tree(tmp_path / "a", {"f": b"x"}) / "f")

    moved = Artifact.from_json(artifact.to_json(tmp_path / "a"), tmp_path / "b")

    assert moved == artifact.moved(tmp_path / "b" / "f")


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"path": "f"},
        {"path": "f", "digest": 1, "size_bytes": 1, "rows": 1, "names": [], "ratio": 1.0},
        {"path": "f", "digest": "d", "size_bytes": "big", "rows": 1, "names": [], "ratio": 1.0},
        {"path": "f", "digest": "d", "size_bytes": 1, "rows": None, "names": [], "ratio": 1.0},
        {"path": "f", "digest": "d", "size_bytes": 1, "rows": 1, "names": [1], "ratio": 1.0},
        {"path": "f", "digest": "d", "size_bytes": 1, "names": [], "ratio": 1.0},
    ],
)
def test_a_record_of_another_type_is_refused(record: dict) -> None:
    with pytest.raises(msgspec.ValidationError):
        Shaped.from_json(record, Path("/root"))


def test_unchanged_content_matches_wherever_it_stands(tmp_path: Path) -> None:
    artifact = Artifact.of(tree(tmp_path / "a", {"x/f": b"1", "g": b"2"}))
    os.utime(tmp_path / "a" / "g", (0, 0))

    assert artifact.mismatch() is None
    assert artifact.moved((tmp_path / "a").rename(tmp_path / "b")).mismatch() is None


@given(data=st.binary(min_size=1), position=st.integers(0), bit=st.integers(0, 7))
def test_every_flipped_bit_is_a_mismatch(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, position: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "f"
    path.write_bytes(data)
    artifact = Artifact.of(path)
    changed = bytearray(data)
    changed[position % len(data)] ^= 1 << bit
    path.write_bytes(changed)

    assert artifact.mismatch() == "f has other content than was written"


@given(data=st.binary(max_size=40), other=st.binary(max_size=40))
def test_a_mismatch_is_another_content(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, other: bytes
) -> None:
    path = tmp_path_factory.mktemp("other") / "f"
    path.write_bytes(data)
    artifact = Artifact.of(path)
    path.write_bytes(other)

    assert (artifact.mismatch() is None) == (data == other)


def test_a_deleted_file_is_a_mismatch_in_words(tmp_path: Path) -> None:
    artifact = Artifact.of(tree(tmp_path, {"f": b"x"}) / "f")
    artifact.path.unlink()

    assert artifact.mismatch() == "f was deleted"


def test_another_size_is_a_mismatch_in_words(tmp_path: Path) -> None:
    artifact = Artifact.of(tree(tmp_path, {"f": b"x" * 1000}) / "f")
    artifact.path.write_bytes(b"x" * 1001)

    assert artifact.mismatch() == "f has 1,001 bytes instead of 1,000"


FOLDER = {"a": b"1", "b/c": b"23"}


@pytest.mark.parametrize(
    "files",
    [
        {"a": b"1"},
        {"a": b"1", "b/c": b"32"},
        {"a": b"1", "b/d": b"23"},
        {"a": b"1", "c": b"23"},
        {"a": b"12", "b/c": b"3"},
        {"a": b"1", "b/c": b"23", "d": b""},
    ],
)
def test_a_folder_is_its_names_and_contents(tmp_path: Path, files: dict[str, bytes]) -> None:
    folder = tree(tmp_path / "one", FOLDER)
    artifact = Artifact.of(folder)
    other = Artifact.of(tree(tmp_path / "two", files))

    assert artifact.size_bytes == 3
    assert other.digest != artifact.digest
    assert artifact.moved(other.path).mismatch()
    assert Artifact.of(tree(tmp_path / "three", FOLDER)).digest == artifact.digest


def test_a_place_that_cannot_be_looked_at_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    made = Artifact.of(tree(tmp_path, {"file": b"x"}) / "file")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refuse)
        with pytest.raises(StorageError, match=r"Could not read .*file: Permission denied"):
            made.mismatch()
