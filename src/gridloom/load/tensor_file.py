"""Safetensors files that can be mapped: written in one order, read without a copy.

The format is eight bytes with the length of a JSON header, the header, and the arrays one after the other
(github.com/huggingface/safetensors, "Format"). The header is padded with spaces so that the data begins
at a multiple of 64 bytes, and wide types come first, so that every array is aligned to its type.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gridloom.errors import FileFormatError
from gridloom.files import STAGING_PREFIX, publish, storage_errors

__all__ = ["ALIGNMENT_BYTES", "MappedTensors", "Streamed", "map_tensors", "write_tensors"]

ALIGNMENT_BYTES: Final = 64
"""The data of a file begins at a multiple of this."""

_TYPES: Final = {"I64": "<i8", "F32": "<f4", "U8": "|u1"}
_NAMES: Final = {np.dtype(numpy): name for name, numpy in _TYPES.items()}
_MOST_HEADER_BYTES: Final = 100_000_000  # the format's own limit


@dataclass(frozen=True)
class MappedTensors:
    """The arrays of a file, read-only views of its bytes on disk.

    Attributes:
        arrays: By name.
        metadata: The file's own facts.
        release: Gives back the memory that holds what was read so far; it is read again when it is used.
    """

    arrays: Mapping[str, npt.NDArray[Any]]
    metadata: Mapping[str, str]
    release: Callable[[], None]


@dataclass(frozen=True)
class Streamed:
    """An array that is written block by block, so that it never stands in memory as a whole.

    Attributes:
        dtype: Its type.
        shape: Its shape.
        blocks: Its items in order, in arrays of that type and any shape; taken once.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    blocks: Iterable[npt.NDArray[Any]]

    @property
    def nbytes(self) -> int:
        """Size of its data."""
        return self.dtype.itemsize * math.prod(self.shape)


def write_tensors(
    path: Path, arrays: Mapping[str, npt.NDArray[Any] | Streamed], metadata: Mapping[str, str]
) -> None:
    """Writes arrays as one safetensors file, whole or not at all; the same arrays give the same bytes.

    Args:
        path: Where to write.
        arrays: int64, float32 or uint8, by name; the blocks of one that is streamed have to fill its shape.
        metadata: Facts of the file, as text.

    Raises:
        StorageError: If the disk refuses; nothing is left behind then.
    """
    ordered = sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, array in ordered:
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT_BYTES)
    staged = path.with_name(f"{STAGING_PREFIX}{path.name}-{secrets.token_hex(4)}")
    with storage_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with staged.open("wb") as stream:
                stream.write(len(text).to_bytes(8, "little") + text)
                for _, array in ordered:
                    for block in array.blocks if isinstance(array, Streamed) else (array,):
                        stream.write(np.ascontiguousarray(block).data)
            publish(staged, path)
        finally:
            staged.unlink(missing_ok=True)


def map_tensors(path: Path) -> MappedTensors:
    """Returns the arrays of a safetensors file without reading their bytes.

    Raises:
        FileFormatError: If there is no file, or it is not a whole file of int64, float32 and uint8 arrays.
        StorageError: If it cannot be read.
    """
    if not path.is_file():
        raise FileFormatError(f"There is no file {path}. `gridloom load` makes such files.")
    with storage_errors("read", path), path.open("rb") as stream:
        size = path.stat().st_size
        begin = 8 + int.from_bytes(stream.read(8), "little")
        header = stream.read(begin - 8) if begin <= min(size, _MOST_HEADER_BYTES) else b""
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if header else None
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        described = json.loads(header)
        metadata = described.pop("__metadata__", {})
        spans = {name: _span(entry) for name, entry in described.items()}
        if data is not None and max((end for _, _, _, end in spans.values()), default=0) == size - begin:
            arrays = {
                name: np.frombuffer(data, dtype, math.prod(shape), begin + start).reshape(shape)
                for name, (dtype, shape, start, _) in spans.items()
            }
            return MappedTensors(arrays, metadata, partial(data.madvise, mmap.MADV_DONTNEED))
    raise FileFormatError(
        f"{path} is not a whole safetensors file of GridLoom. Run the command that made it again."
    )


def _span(entry: dict[str, Any]) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    dtype, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
    start, end = entry["data_offsets"]
    if end - start != dtype.itemsize * math.prod(shape):
        raise ValueError
    return dtype, shape, start, end
