"""The field's artifact types: raw pages, tables, the hourly table, its tensors and their shards."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from gridloom.artifact import Artifact
from gridloom.errors import RawDataError
from gridloom.files import storage_errors, write_atomic
from gridloom.grid.raw import check_pages, read_receipt

if TYPE_CHECKING:
    import polars as pl

__all__ = ["HourlyTable", "LandedWindow", "RawPages", "RingShards", "TableArtifact", "TensorDataset"]


class LandedWindow(msgspec.Struct, frozen=True):
    """One window of a set: its folder's name and the digest of its content."""

    folder: str
    content_digest: str
    rows: int


class WindowSet(msgspec.Struct, frozen=True):
    """The index file of `RawPages`: what was asked for, and the windows that answer it.

    Attributes:
        source: Source identity.
        route: Route id.
        first: Label of the first period asked for.
        last: Label of the last period asked for.
        respondents: Respondents asked for, sorted.
        types: Type codes asked for, sorted; empty asked for all.
        source_first: The route's ``startPeriod`` as the source gives it.
        source_last: The route's ``endPeriod`` as the source gives it.
        windows: Landed windows in the order of the plan.
    """

    source: str
    route: str
    first: str
    last: str
    respondents: tuple[str, ...]
    types: tuple[str, ...]
    source_first: str
    source_last: str
    windows: tuple[LandedWindow, ...]
    format: int = 1


@dataclass(frozen=True, kw_only=True)
class RawPages(Artifact):
    """Landed windows of one route: the artifact's file is their index, a `WindowSet` as JSON.

    The index stands in ``raw/<source folder>/sets/``, the windows in ``raw/<source folder>/``.

    Attributes:
        rows: Rows in all windows.
        windows: Number of windows.
        route: Route id.
    """

    rows: int
    windows: int
    route: str

    @property
    def folder(self) -> Path:
        """Folder of the windows."""
        return self.path.parent.parent

    def index(self) -> WindowSet:
        """Returns the index.

        Raises:
            RawDataError: If the file is damaged.
        """
        try:
            with storage_errors("read", self.path):
                return msgspec.json.decode(self.path.read_bytes(), type=WindowSet)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RawDataError(
                f"The index {self.path} is damaged ({error}). Run the same command again."
            ) from error

    def mismatch(self) -> str | None:
        """Returns why the index or one of its windows is not what was landed; None if all is."""
        reason = super().mismatch()
        if reason:
            return reason
        try:
            for window in self.index().windows:
                _check_window(self.folder / window.folder, window)
        except RawDataError as error:
            return str(error)
        return None

    def parts(self) -> dict[Path, int]:
        """Returns the bytes of the index and of the pages of each window that stands."""
        found = super().parts()
        try:
            for window in self.index().windows:
                folder = self.folder / window.folder
                found[folder] = sum(page.size_bytes for page in read_receipt(folder).pages)
        except RawDataError:
            pass  # what is gone takes no room
        return found


def _check_window(folder: Path, window: LandedWindow) -> None:
    if not folder.is_dir():
        raise RawDataError(f"the window {folder.name} was deleted")
    receipt = read_receipt(folder)
    if receipt.content_digest != window.content_digest:
        raise RawDataError(f"the window {folder.name} was fetched again with other content")
    check_pages(folder, receipt)


@dataclass(frozen=True, kw_only=True)
class TableArtifact(Artifact):
    """A Parquet file. Subclass it to give a table of your own a type that a DAG can be wired by.

    Attributes:
        rows: Number of rows.
    """

    rows: int

    def scan(self) -> pl.LazyFrame:
        """Returns the table as a lazy polars frame."""
        import polars as pl

        return pl.scan_parquet(self.path)

    @classmethod
    def write(cls, path: Path, frame: pl.LazyFrame | pl.DataFrame, **facts: Any) -> Self:
        """Writes a frame as Parquet and returns its record.

        Args:
            path: Where to write, normally ``ctx.path("name.parquet")``.
            frame: The rows; a lazy frame is collected.
            **facts: Fields that a subclass adds.

        Raises:
            StorageError: If the disk refuses.
        """
        rows = frame.lazy().collect()
        # Written to memory first: of a full disk polars says only that the file is out of specification.
        buffer = io.BytesIO()
        rows.write_parquet(buffer, compression="zstd")
        write_atomic(path, buffer.getvalue())
        return cls.of(path, rows=rows.height, **facts)


@dataclass(frozen=True, kw_only=True)
class HourlyTable(TableArtifact):
    """The canonical hourly table (columns in `gridloom.grid.table`), complete and checked.

    Attributes:
        first: Label of the first period asked for.
        last: Label of the last period asked for.
        respondents: Respondents in the table, sorted.
        series: Series in the table, sorted.
        hours_missing: Rows with status ``missing``.
        hours_null: Rows with status ``null``.
        rows_digest: Digest of the rows, see `gridloom.grid.table.rows_digest`.
        source: Source identity.
    """

    first: str
    last: str
    respondents: tuple[str, ...]
    series: tuple[str, ...]
    hours_missing: int
    hours_null: int
    rows_digest: str
    source: str


@dataclass(frozen=True, kw_only=True)
class TensorDataset(Artifact):
    """The folder ``tensors/<name>``: one matrix of hours by features, and what its numbers mean.

    ``tensors.safetensors`` holds the matrix, its mask, its hours and its statistics; ``dataset.json`` the
    names of the features, their units, the splits and the windows.

    Attributes:
        name: Name of the dataset.
        steps: Hours in the matrix.
        features: Names of its columns, such as ``PACW.D``, in order.
    """

    name: str
    steps: int
    features: tuple[str, ...]

    @property
    def tensors(self) -> Path:
        """The safetensors file."""
        return self.path / "tensors.safetensors"

    @property
    def description(self) -> Path:
        """The JSON file beside it."""
        return self.path / "dataset.json"


@dataclass(frozen=True, kw_only=True)
class RingShards(Artifact):
    """The folder ``ring/<name>``: the shards of a long sequence, one per rank, and ``layout.json``.

    Attributes:
        name: Name of the folder.
        ranks: Number of shards.
        layout: How the steps are dealt out: ``contiguous``, ``striped`` or ``zigzag``.
        length: Steps of the sequence.
    """

    name: str
    ranks: int
    layout: str
    length: int
