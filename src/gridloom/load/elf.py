"""Where a loaded shared library keeps the addresses of functions of other libraries (Linux, 64 bits).

A library calls a function of another one through a *jump slot*: a pointer in its data that the dynamic
linker fills. Everything here only reads: the library's file, and the table of what is mapped.
Formats: System V ABI (ELF-64), proc(5).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["Mapping", "jump_slots", "mappings"]

_ELF64_LITTLE: Final = b"\x7fELF\x02\x01"
_JUMP_SLOT: Final = frozenset({7, 1026})  # R_X86_64_JUMP_SLOT, R_AARCH64_JUMP_SLOT
_PT_LOAD, _PT_DYNAMIC = 1, 2
_PLT_SIZE, _STRINGS, _SYMBOLS, _PLT_KIND, _PLT = 2, 5, 6, 20, 23
_RELA: Final = 7
_SYMBOL_BYTES: Final = 24
_LONGEST_NAME: Final = 64  # longer names are cut, and are none that anybody looks for


@dataclass(frozen=True, slots=True)
class Mapping:
    """A part of this process's memory that shows a file.

    Attributes:
        start: First address.
        stop: Address after the last.
        permissions: Such as ``rw-p``.
        offset: Where in the file it starts, in bytes.
        path: The file.
        inode: The file's inode number when it was mapped.
    """

    start: int
    stop: int
    permissions: str
    offset: int
    path: Path
    inode: int

    def holds(self, address: int, size: int = 8) -> bool:
        """Whether `size` bytes from an address lie in it."""
        return self.start <= address and address + size <= self.stop


def mappings() -> list[Mapping]:
    """Returns the files that are mapped into this process, in order of their addresses.

    Raises:
        OSError: If the system does not say.
    """
    found = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        addresses, permissions, offset, _, inode, *path = line.split(maxsplit=5)
        if path and path[0].startswith("/"):
            start, stop = (int(part, 16) for part in addresses.split("-"))
            found.append(Mapping(start, stop, permissions, int(offset, 16), Path(path[0]), int(inode)))
    return found


def jump_slots(path: Path, names: frozenset[str]) -> dict[str, int]:
    """Returns the offset of each function's jump slot from the address at which a library is loaded.

    Args:
        path: A shared library.
        names: Functions of other libraries; those that it does not call are left out.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it is not a library of the expected form.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as file:
        try:
            return {name: slot for name, slot in _slots(file) if name in names}
        except (struct.error, KeyError, IndexError, OverflowError) as error:
            raise ValueError(f"{path.name} is not an ELF library of the expected form ({error!r})") from error


def _slots(file: mmap.mmap) -> Iterator[tuple[str, int]]:
    if file[:6] != _ELF64_LITTLE:
        raise ValueError("it is not a little-endian ELF file of 64 bits")
    segments = list(_segments(file))
    if not segments or segments[0][:3] != (_PT_LOAD, 0, 0):
        raise ValueError("its first segment does not start at address 0")
    entries = [file[offset : offset + size] for kind, offset, _, size in segments if kind == _PT_DYNAMIC]
    facts = dict(struct.iter_unpack("<qQ", entries[0]))
    if facts[_PLT_KIND] != _RELA:
        raise ValueError("its relocations are not of the expected kind")
    plt, symbols, strings = (_in_file(segments, facts[key]) for key in (_PLT, _SYMBOLS, _STRINGS))
    for slot, info, _ in struct.iter_unpack("<QQq", file[plt : plt + facts[_PLT_SIZE]]):
        if info & 0xFFFFFFFF in _JUMP_SLOT:
            (name,) = struct.unpack_from("<I", file, symbols + (info >> 32) * _SYMBOL_BYTES)
            text = file[strings + name : strings + name + _LONGEST_NAME]
            yield text.partition(b"\0")[0].decode("ascii", "replace"), slot


def _segments(file: mmap.mmap) -> Iterator[tuple[int, int, int, int]]:
    """Yields kind, offset in the file, address and size in the file of each segment."""
    (table,) = struct.unpack_from("<Q", file, 0x20)
    size, count = struct.unpack_from("<HH", file, 0x36)
    for place in range(table, table + size * count, size):
        kind, _, offset, address, _, bytes_in_file = struct.unpack_from("<IIQQQQ", file, place)
        if kind in {_PT_LOAD, _PT_DYNAMIC}:
            yield kind, offset, address, bytes_in_file


def _in_file(segments: list[tuple[int, int, int, int]], address: int) -> int:
    for kind, offset, start, size in segments:
        if kind == _PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError(f"no segment holds the address {address:#x}")
