from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gridloom.errors import FileFormatError
from gridloom.load.description import read_description, write_description


class Card(msgspec.Struct, frozen=True):
    name: str
    hours: dict[str, int]
    format: int = 2


CARD = Card(name="Łódź", hours={"b": 1, "a": 2})


def read(path: Path, version: int = 2) -> Card:
    absent, again = f"{path.parent} has no card.", "Make it again."
    return read_description(path, Card, version=version, absent=absent, again=again)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_description(tmp_path / "card.json", CARD)
    return tmp_path / "card.json"


def test_what_was_written_is_read(path: Path) -> None:
    assert read(path) == CARD


def test_people_can_read_it_and_the_same_is_the_same_bytes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    write_description(path, CARD)

    assert text.splitlines()[:2] == ["{", '  "name": "Łódź",']
    assert text.endswith("}\n")
    assert path.read_text(encoding="utf-8") == text


def test_where_there_is_none_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="has no card"):
        read(tmp_path / "card.json")


@pytest.mark.parametrize(
    "spoiled",
    [b"", b"{", b'{"name": "x"}', b'{"name": 1, "hours": {}}', b'{"name": "\xff", "hours": {}}'],
)
def test_a_damaged_one_is_refused_with_what_to_do(path: Path, spoiled: bytes) -> None:
    path.write_bytes(spoiled)

    with pytest.raises(FileFormatError, match=r"card.json is damaged \(.+\)\. Make it again\."):
        read(path)


def test_one_of_another_version_is_refused_with_both_versions(path: Path) -> None:
    with pytest.raises(
        FileFormatError, match=r"is of version 2; this GridLoom reads version 3\. Make it again\."
    ):
        read(path, version=3)
