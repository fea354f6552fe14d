"""Codes that are in no table of ours, looked up in the source's own lists: new ones appear."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import SecretStr

from gridloom.extract.source import Source, known_fuels, known_respondents
from gridloom.grid.respondents import all_respondents, unknown_code_error
from gridloom.grid.routes import FUEL_TYPE_DATA
from gridloom.grid.series import FUELS, unknown_series_error

__all__ = ["look_up", "look_up_fuels"]


def look_up(unknown: Iterable[str], source: Source, key: SecretStr | None) -> None:
    """Raises unless the source's own list has the respondents that ours has not.

    Raises:
        UnknownCodeError: With the nearest valid codes.
        SourceError: If the source did not answer.
    """
    listed = known_respondents(source, key)
    still = [code for code in unknown if code not in listed]
    if still:
        raise unknown_code_error(still, sorted({*listed, *all_respondents()}))


def look_up_fuels(unknown: Iterable[str], source: Source, key: SecretStr | None) -> None:
    """Raises unless the source's own list has the fuels that ours has not.

    Args:
        unknown: Series names of fuels, such as ``NG.ZZZ``.
        source: Whom to ask.
        key: The key, where the source needs one.

    Raises:
        UnknownCodeError: With the nearest valid names.
        SourceError: If the source did not answer.
    """
    listed = known_fuels(source, key)
    for name in unknown:
        if name.removeprefix(FUEL_TYPE_DATA.prefix) not in listed:
            raise unknown_series_error(name, name, sorted({*listed, *FUELS}))
