"""The stand-in EIA server: imitates the EIA Open Data API v2 over real HTTP, from hourly Parquet files."""

from __future__ import annotations

from gridloom.extract.replay.data import ReplayData
from gridloom.extract.replay.faults import FAULT_NAMES, Faults
from gridloom.extract.replay.options import VERSIONS, ApiVersion, ReplayOptions
from gridloom.extract.replay.requests import LoggedRequest
from gridloom.extract.replay.sample import sample_server
from gridloom.extract.replay.server import ReplayServer, serve_forever
from gridloom.extract.replay.spoil import spoiled

__all__ = [
    "FAULT_NAMES",
    "VERSIONS",
    "ApiVersion",
    "Faults",
    "LoggedRequest",
    "ReplayData",
    "ReplayOptions",
    "ReplayServer",
    "sample_server",
    "serve_forever",
    "spoiled",
]
