from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.grid.respondents import (
    ALIASES,
    OPTIMIZED_FOUR,
    STANDARD_EIGHT,
    Kind,
    all_respondents,
    find,
    resolve,
    unknown_code_error,
)

CODES = sorted(all_respondents())


def test_the_table_is_sound() -> None:
    table = all_respondents()
    regions = {code for code, respondent in table.items() if respondent.kind is Kind.REGION}

    assert len(table) == 85
    assert len(regions) == 14
    for code, respondent in table.items():
        assert respondent.code == code
        assert respondent.name
        assert not respondent.region or respondent.region in regions
        assert respondent.generation_only in {"", "yes", "limited"}
        assert not respondent.time_zone or ZoneInfo(respondent.time_zone)
        if respondent.first_data and respondent.retired:
            assert respondent.first_data < respondent.retired


def test_presets_and_aliases_are_real_codes() -> None:
    assert {*STANDARD_EIGHT, *OPTIMIZED_FOUR, *ALIASES.values()} <= set(CODES)
    assert not set(ALIASES) & set(CODES)


@given(codes=st.lists(st.sampled_from(CODES)))
def test_known_codes_are_used_once_in_the_order_given(codes: list[str]) -> None:
    assert resolve([f" {code.lower()} " for code in codes]) == (list(dict.fromkeys(codes)), [], [])


@pytest.mark.parametrize(
    ("alias", "code"),
    [
        ("SPP", "SWPP"),
        ("CARO", "CAR"),
        ("ERCOT", "ERCO"),
        ("CAISO", "CISO"),
        ("ISONE", "ISNE"),
        ("NYISO", "NYIS"),
    ],
)
def test_common_wrong_codes_are_corrected_with_one_warning(alias: str, code: str) -> None:
    used, unknown, warnings = resolve([alias, code, alias.lower()])

    assert (used, unknown) == ([code], [])
    assert len(warnings) == 1
    assert f"'{alias}'" in warnings[0]
    assert f"'{code}'" in warnings[0]


def test_unknown_codes_are_kept_apart() -> None:
    assert resolve(["PACW", "NEWB", "", "NEWB"]) == (["PACW", "NEWB"], ["NEWB"], [])
    assert find("NEWB") is None


def test_the_error_names_the_nearest_codes() -> None:
    text = str(unknown_code_error(["PACV", "QQQQQ"], CODES))

    assert "'PACV' is not a respondent of EIA-930. Did you mean PACW or PACE" in text
    assert "'QQQQQ' is not a respondent of EIA-930. `gridloom regions`" in text


def test_a_retired_authority_has_two_days_of_grace() -> None:
    aec = find("AEC")

    assert aec is not None
    assert aec.retired == datetime(2021, 9, 1, tzinfo=UTC)
    assert aec.retired_by == aec.retired + timedelta(days=2)
    assert all_respondents()["PACW"].retired_by is None
