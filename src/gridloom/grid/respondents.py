"""Balancing authorities and EIA's own regions: codes, names, time zones, first and last days.

The table is `respondents.csv` beside this file: codes and names as in the API's facet list of
June 2026; region, zone, generation-only and retirement as published by PUDL 2025.7.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from gridloom.errors import UnknownCodeError, did_you_mean

__all__ = [
    "ALIASES",
    "OPTIMIZED_FOUR",
    "STANDARD_EIGHT",
    "Kind",
    "Respondent",
    "all_respondents",
    "find",
    "resolve",
    "unknown_code_error",
]

STANDARD_EIGHT: Final = ("PACW", "ERCO", "NYIS", "ISNE", "PJM", "MISO", "SWPP", "CAR")
"""The default respondents of ``gridloom year``."""

OPTIMIZED_FOUR: Final = ("PACW", "ERCO", "NYIS", "PJM")
"""The respondents of ``gridloom year --optimized``."""

ALIASES: Final = MappingProxyType(
    {"SPP": "SWPP", "CARO": "CAR", "ERCOT": "ERCO", "CAISO": "CISO", "ISONE": "ISNE", "NYISO": "NYIS"}
)
"""Common wrong codes, to which the API would answer with nothing, and what was meant."""


class Kind(StrEnum):
    """What a respondent code stands for. Never sum the two kinds together."""

    BALANCING_AUTHORITY = "balancing_authority"
    """An operator that balances its own area."""

    REGION = "region"
    """An aggregate of balancing authorities, made by EIA."""


@dataclass(frozen=True, slots=True)
class Respondent:
    """One respondent code of Form EIA-930.

    Attributes:
        code: EIA's code, such as ``PACW``.
        kind: Balancing authority or region.
        name: Name as published; not a stable key.
        region: Code of EIA's region that contains it, or empty.
        time_zone: IANA zone in which it reports local hours.
        generation_only: ``yes``, ``limited`` or empty; ``yes`` means no demand and no forecast.
        first_data: First day with data where that is later than the API's history, else None.
        retired: Day on which it stopped reporting, or None.
        note: What else is known, in words.
    """

    code: str
    kind: Kind
    name: str
    region: str
    time_zone: str
    generation_only: str
    first_data: datetime | None
    retired: datetime | None
    note: str

    @property
    def retired_by(self) -> datetime | None:
        """First period label by which it surely no longer reports: two days after `retired`.

        The dates are local days of loose precision; two days of grace cover every US time zone.
        """
        return self.retired + timedelta(days=2) if self.retired else None


def _day(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@cache
def all_respondents() -> MappingProxyType[str, Respondent]:
    """Returns every known respondent by code, in the order of the table."""
    text = files("gridloom.grid").joinpath("respondents.csv").read_text(encoding="utf-8")
    table: dict[str, Respondent] = {}
    for row in csv.DictReader(text.splitlines()):
        dates = {name: _day(row.pop(name)) for name in ("first_data", "retired")}
        table[row["code"]] = Respondent(**{**row, **dates, "kind": Kind(row["kind"])})  # type: ignore[arg-type]
    return MappingProxyType(table)


def find(code: str) -> Respondent | None:
    """Returns the respondent of a code, or None for a code that the table does not have."""
    return all_respondents().get(code)


def resolve(codes: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Sorts out codes as typed by a user.

    Args:
        codes: Codes in any case, possibly with aliases, blanks and duplicates.

    Returns:
        The codes to use in the order given, without duplicates; those among them that the table does
        not know; and one warning line for each alias that was corrected.
    """
    used: list[str] = []
    warnings: list[str] = []
    for raw in codes:
        typed = raw.strip().upper()
        code = ALIASES.get(typed, typed)
        if not code or code in used:
            continue
        if code != typed:
            name = all_respondents()[code].name
            warnings.append(f"'{typed}' is not a code of EIA-930; using '{code}' ({name}).")
        used.append(code)
    return used, [code for code in used if find(code) is None], warnings


def unknown_code_error(unknown: list[str], valid: list[str]) -> UnknownCodeError:
    """Returns the error for codes that are in no list, with the nearest valid ones."""
    parts = [f"'{code}' is not a respondent of EIA-930.{did_you_mean(code, valid)}" for code in unknown]
    return UnknownCodeError(" ".join(parts) + " `gridloom regions` lists all codes.")
