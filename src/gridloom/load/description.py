"""What a folder of tensors is, in a JSON file beside them: written whole, read with its version checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from gridloom.errors import FileFormatError
from gridloom.files import storage_errors, write_atomic

__all__ = ["read_description", "write_description"]


class _Versioned(Protocol):
    @property
    def format(self) -> int:
        """Version of the file's form."""


_Described = TypeVar("_Described", bound=_Versioned)


def write_description(path: Path, content: Any) -> None:
    """Writes a record as JSON that people can read.

    Raises:
        StorageError: If the disk refuses.
    """
    write_atomic(path, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def read_description(
    path: Path, kind: type[_Described], *, version: int, absent: str, again: str
) -> _Described:
    """Returns the record that a file holds.

    Args:
        path: The file.
        kind: Class of the record.
        version: The version that this GridLoom reads.
        absent: What to say where there is no file.
        again: How to make it again, as a sentence.

    Raises:
        FileFormatError: If it is not there, damaged, or of another version.
        StorageError: If it cannot be read.
    """
    if not path.is_file():
        raise FileFormatError(absent)
    try:
        with storage_errors("read", path):
            found = msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} is damaged ({error}). {again}") from error
    if found.format != version:
        raise FileFormatError(
            f"{path} is of version {found.format}; this GridLoom reads version {version}. {again}"
        )
    return found
