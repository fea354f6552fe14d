"""The embedded sample: the real year 2019 of Form EIA-930, in the canonical hourly contract.

It holds demand and day-ahead forecast of 30 balancing authorities and five of EIA's regions, and the
net generation by fuel of six authorities. ``README.md`` beside this file says where it comes from.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from gridloom.errors import StorageError
from gridloom.files import digest_file, storage_errors
from gridloom.grid.hours import HourRange

__all__ = ["SAMPLE_HOURS", "sample_path", "sample_source"]

SAMPLE_HOURS: Final = HourRange.of_years(2019)
"""The periods of the sample: 2019-01-01T00 to 2019-12-31T23."""

_FILE_NAME = "eia930_2019.parquet"


def sample_path() -> Path:
    """Returns the path of the sample's Parquet file, also in an installed wheel.

    Raises:
        StorageError: If the installation lacks the file, or is a zip archive.
    """
    path = files(__name__) / _FILE_NAME
    # Polars reads real files only, and pip unpacks wheels: a zipped package is not supported.
    if not isinstance(path, Path) or not path.is_file():
        raise StorageError(f"The sample {path} is not there. Install gridloom again with pip.")
    return path


@cache
def sample_source() -> str:
    """Returns the sample's source identity: ``sample:`` and the first 16 hex digits of its SHA-256.

    Raises:
        StorageError: If the file is not there or cannot be read.
    """
    path = sample_path()
    with storage_errors("read", path):
        digest = digest_file(path)
    return "sample:" + digest.removeprefix("sha256:")[:16]
