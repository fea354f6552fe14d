"""What crosses a step boundary: a file or folder on disk plus a small frozen, typed record of it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from gridloom.errors import RawDataError
from gridloom.files import below, digest_file, storage_errors

__all__ = ["Artifact"]


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file or folder that a step made, with the digest of its content.

    Subclasses are the types by which a DAG is wired; a subclass with facts of its own (rows, shape,
    units) is again ``@dataclass(frozen=True, kw_only=True)`` and its fields are JSON-able.

    Attributes:
        path: Where it stands.
        digest: ``sha256:…`` of the content; of a folder, over names and contents of all its files.
        size_bytes: Sum of the sizes of its files.
    """

    path: Path
    digest: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path, **facts: Any) -> Self:
        """Returns the record of a finished file or folder; reads it once for the digest.

        Args:
            path: An existing file or folder.
            **facts: The subclass's own fields.

        Raises:
            RawDataError: If there is nothing at `path`.
            StorageError: If it cannot be read.
        """
        with storage_errors("read", path):
            try:
                digest, size_bytes = _measure(path)
            except FileNotFoundError as error:
                raise RawDataError(
                    f"There is no {cls.__name__} at {path}. Write the file before describing it."
                ) from error
        return cls(path=path, digest=digest, size_bytes=size_bytes, **facts)

    def mismatch(self) -> str | None:
        """Returns why the content on disk is not what this record describes; None if it is."""
        with storage_errors("read", self.path):
            if not self.path.exists():
                return f"{self.path.name} was deleted"
            size_bytes = sum(file.stat().st_size for file in _files(self.path))
            if size_bytes < self.size_bytes:
                return f"{self.path.name} was truncated to {size_bytes:,} of {self.size_bytes:,} bytes"
            if size_bytes > self.size_bytes:
                return f"{self.path.name} has {size_bytes:,} bytes instead of {self.size_bytes:,}"
            if _measure(self.path)[0] != self.digest:
                return f"{self.path.name} has other content than was written"
        return None

    def parts(self) -> dict[Path, int]:
        """Returns the bytes that it takes by place; a subclass may stand for more than its file."""
        return {self.path: self.size_bytes}

    def still(self, digest: str) -> Self:
        """Returns this record, if the content is what it was when it had a digest.

        Raises:
            RawDataError: If it is not.
        """
        if self.digest != digest:
            raise RawDataError(f"{self.path} was changed while it was read. Run the same command again.")
        return self

    def moved(self, path: Path) -> Self:
        """Returns the same record with another path."""
        return dataclasses.replace(self, path=path)

    def to_json(self, root: Path) -> dict[str, Any]:
        """Returns the JSON form; the path is relative to `root` where it lies below it."""
        facts = {name: msgspec.to_builtins(getattr(self, name)) for name in _facts(type(self))}  # type: ignore[arg-type]  # a class has a hash
        return {**facts, "path": below(self.path, root)}

    @classmethod
    def from_json(cls, record: dict[str, Any], root: Path) -> Self:
        """Returns the artifact of a JSON form, the inverse of `to_json` for the same `root`.

        Raises:
            msgspec.ValidationError: If the record is not of this type.
        """
        path = root / str(record.get("path", ""))
        return msgspec.convert({**record, "path": path}, cls, dec_hook=_decode_path)


@functools.lru_cache(maxsize=256)
def _facts(kind: type[Artifact]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.name != "path")


def _decode_path(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(value)
    raise NotImplementedError(f"An artifact field of type {kind} has no JSON form.")


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _measure(path: Path) -> tuple[str, int]:
    """Returns digest and size of a file, or of a folder over its sorted relative names and contents."""
    found = os.stat(path)  # noqa: PTH116 - a Path takes its time
    if not stat.S_ISDIR(found.st_mode):
        return digest_file(path), found.st_size
    digest, size_bytes = hashlib.sha256(), 0
    for file in _files(path):
        digest.update(f"{file.relative_to(path).as_posix()}\0{digest_file(file)}\n".encode())
        size_bytes += file.stat().st_size
    return "sha256:" + digest.hexdigest(), size_bytes
