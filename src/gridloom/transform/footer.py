"""The footer of an hourly Parquet: what was asked for, and what proves the rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
import polars as pl

from gridloom.errors import ConfigError, FileFormatError
from gridloom.files import storage_errors
from gridloom.grid.hours import HourRange
from gridloom.grid.table import FOOTER_PREFIX, SCHEMA_VERSION, polars_schema

__all__ = ["Footer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """Facts in the footer of an hourly Parquet: no clock, no host, no path.

    Each stands under ``gridloom.<name>``, numbers and lists as JSON.

    Attributes:
        source: Source identity.
        first: Label of the first period asked for.
        last: Label of the last period asked for.
        respondents: Respondents in the table, sorted.
        series: Series in the table, sorted.
        asked_respondents: Respondents asked for, sorted.
        asked_series: Series asked for, sorted; ``NG.all`` stands for every fuel.
        rows: Number of rows.
        rows_digest: Digest of the rows, see `gridloom.grid.table.rows_digest`.
        schema_version: Version of the columns and their meaning.
    """

    source: str
    first: str
    last: str
    respondents: tuple[str, ...]
    series: tuple[str, ...]
    asked_respondents: tuple[str, ...]
    asked_series: tuple[str, ...]
    rows: int
    rows_digest: str
    schema_version: str = SCHEMA_VERSION

    def metadata(self) -> dict[str, str]:
        """Returns the footer as the key-value pairs of the Parquet file, in a fixed order."""
        facts = sorted(dataclasses.asdict(self).items())
        return {
            f"{FOOTER_PREFIX}{name}": value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in facts
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """Returns the footer of a file, after a look at its columns.

        Raises:
            FileFormatError: If there is no file, it is not Parquet, or it is not of this contract.
            StorageError: If it cannot be read.
        """
        if not path.is_file():
            raise FileFormatError(
                f"There is no file {path}. Hourly tables stand in the folder 'hourly' of --out."
            )
        try:
            with storage_errors("read", path):
                found = pl.read_parquet_metadata(path)
                columns = pl.read_parquet_schema(path)
        except (
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
        ) as error:  # a damaged file may be anything
            raise FileFormatError(
                f"{path} is not a whole Parquet file ({error}). "
                "If it was an hourly table, run the command that made it again."
            ) from error
        facts = {
            key.removeprefix(FOOTER_PREFIX): value
            for key, value in found.items()
            if key.startswith(FOOTER_PREFIX)
        }
        version = facts.get("schema_version")
        if version != SCHEMA_VERSION:
            got = f"says schema version {version}" if version else f"carries no {FOOTER_PREFIX}schema_version"
            raise FileFormatError(
                f"{path} is not an hourly table of this GridLoom: its footer {got}, "
                f"this GridLoom reads version {SCHEMA_VERSION}. `gridloom year` makes such tables."
            )
        if columns != dict(polars_schema()):
            raise FileFormatError(
                f"{path} is not an hourly table: its columns are {_in_words(columns)}; "
                f"they should be {_in_words(polars_schema())}."
            )
        return cls._of(facts, path)

    @classmethod
    def _of(cls, facts: dict[str, str], path: Path) -> Self:
        try:
            values = {
                field.name: facts[field.name]
                if field.type == "str"
                else msgspec.json.decode(facts[field.name])
                for field in dataclasses.fields(cls)
            }
            footer = msgspec.convert(values, cls)
            HourRange.of_labels(footer.first, footer.last)
        except KeyError as error:
            raise FileFormatError(
                f"{path} is not an hourly table: its footer lacks {FOOTER_PREFIX}{error.args[0]}."
            ) from error
        except (msgspec.DecodeError, ConfigError) as error:
            raise FileFormatError(
                f"{path} is not an hourly table: its footer is damaged ({error})."
            ) from error
        return footer


def _in_words(columns: dict[str, pl.DataType]) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in columns.items()) or "none"
