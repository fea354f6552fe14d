"""Jump slots are found in any library of the expected form, and other files are refused."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.load.elf import Mapping, jump_slots, mappings

JUMP_SLOT = {"x86_64": 7, "aarch64": 1026}
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=40)
SYMBOLS = st.dictionaries(NAMES, st.integers(0, 2**40), min_size=1, max_size=8)
ABOVE = 0x10_000  # of the second segment, between its addresses and its places in the file


def library(slots: dict[str, int], kind: int = 7, others: int = 0) -> bytes:
    """Returns a shared library with one jump slot per name, and relocations of another kind before them."""
    texts = b"\0".join([b"", *(name.encode() for name in slots), b""])
    starts = [texts.index(b"\0" + name.encode() + b"\0") + 1 for name in slots]
    symbols = b"".join(struct.pack("<IBBHQQ", start, 0, 0, 0, 0, 0) for start in starts)
    relocations = struct.pack("<QQq", 0, 6, 0) * others + b"".join(
        struct.pack("<QQq", slot, index << 32 | kind, 0) for index, slot in enumerate(slots.values())
    )
    parts, place = [], 0x40 + 3 * 0x38
    for part in (texts, symbols, relocations):
        parts.append(place)
        place += len(part)
    facts = {5: parts[0], 6: parts[1], 23: parts[2]}
    dynamic = b"".join(
        struct.pack("<qQ", key, value)
        for key, value in [
            *((key, at + ABOVE) for key, at in facts.items()),
            (2, len(relocations)),
            (20, 7),
            (0, 0),
        ]
    )
    size = place + len(dynamic)
    header = b"\x7fELF\x02\x01".ljust(0x20, b"\0") + struct.pack(
        "<QQIHHHHHH", 0x40, 0, 0, 0x40, 0x38, 3, 0, 0, 0
    )
    segments = [
        (1, 0, 0, 0x40 + 3 * 0x38),
        (1, parts[0], parts[0] + ABOVE, size - parts[0]),
        (2, place, 0, len(dynamic)),
    ]
    table = b"".join(
        struct.pack("<IIQQQQQQ", each[0], 0, each[1], each[2], 0, each[3], 0, 0) for each in segments
    )
    return header + table + texts + symbols + relocations + dynamic


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elf") / "lib.so"


@given(slots=SYMBOLS, kind=st.sampled_from(sorted(JUMP_SLOT.values())), others=st.integers(0, 3))
def test_every_slot_is_found_where_it_is(place: Path, slots: dict[str, int], kind: int, others: int) -> None:
    place.write_bytes(library(slots, kind, others))
    some = frozenset(list(slots)[::2])

    assert jump_slots(place, frozenset(slots)) == slots
    assert jump_slots(place, some | {"not there"}) == {name: slots[name] for name in some}


@given(slots=SYMBOLS)
def test_relocations_of_another_kind_are_no_jump_slots(place: Path, slots: dict[str, int]) -> None:
    place.write_bytes(library(slots, kind=6))

    assert jump_slots(place, frozenset(slots)) == {}


@given(slots=SYMBOLS, data=st.data())
def test_a_damaged_library_is_refused_or_read(
    place: Path, slots: dict[str, int], data: st.DataObject
) -> None:
    whole = bytearray(library(slots))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    place.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

    try:
        found = jump_slots(place, frozenset(slots))
    except ValueError:
        return
    assert set(found) <= set(slots)


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(200), b"\x7fELF\x02\x01"]
)
def test_what_is_no_library_is_refused(place: Path, content: bytes) -> None:
    place.write_bytes(content)

    with pytest.raises(ValueError):
        jump_slots(place, frozenset({"any"}))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_a_mapped_file_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "with a blank"
    file.write_bytes(bytes(3 * mmap.PAGESIZE))
    with (
        file.open("rb") as stream,
        mmap.mmap(stream.fileno(), mmap.PAGESIZE, access=mmap.ACCESS_READ, offset=mmap.PAGESIZE),
    ):
        (found,) = (each for each in mappings() if each.path == file)

    assert found.stop - found.start == found.offset == mmap.PAGESIZE
    assert found.permissions.startswith("r-")
    assert found.inode == file.stat().st_ino
    assert not [each for each in mappings() if each.path == file]


def test_a_mapping_holds_what_lies_whole_in_it() -> None:
    mapping = Mapping(16, 32, "rw-p", 0, Path("x"), 1)

    assert [address for address in range(40) if mapping.holds(address)] == list(range(16, 25))
