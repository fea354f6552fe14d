from __future__ import annotations

from pathlib import Path

import pytest
from tests.load.tables import ramp, write

from gridloom.errors import UnknownCodeError
from gridloom.load.select import CALENDAR, select
from gridloom.load.survey import Survey, survey


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    columns = {
        (code, series): ramp(10)
        for code, names in {"CAR": ("D", "DF"), "PACW": ("D", "NG.SUN", "NG.WND"), "SWPP": ("D",)}.items()
        for series in names
    }
    columns["SWPP", "TI"] = ramp(4)
    return survey(write(tmp_path / "t.parquet", columns).path)


def test_everything_respondent_by_respondent_with_its_calendar(found: Survey) -> None:
    chosen = select(found, None, None, calendar=True)

    assert chosen.features[:9] == ("CAR.D", "CAR.DF", *(f"CAR.{name}" for name in CALENDAR))
    assert chosen.features[9:12] == ("PACW.D", "PACW.NG.SUN", "PACW.NG.WND")
    assert len(set(chosen.features)) == len(chosen.features) == 7 + 3 * len(CALENDAR)
    assert set(zip(chosen.units, (rest in CALENDAR for _, rest in chosen.pairs), strict=True)) == {
        ("MWh", False),
        ("", True),
    }


@pytest.mark.parametrize(
    ("respondents", "series", "features"),
    [
        (["pacw", "SPP"], ["D"], ("PACW.D", "SWPP.D")),
        (None, ["NG.all"], ("PACW.NG.SUN", "PACW.NG.WND")),
        (["CAR", "PACW"], ["NG.*", "DF"], ("CAR.DF", "PACW.NG.SUN", "PACW.NG.WND")),
    ],
)
def test_what_was_asked_for(
    found: Survey, respondents: list[str] | None, series: list[str], features: tuple[str, ...]
) -> None:
    assert select(found, respondents, series, calendar=False).features == features


def test_any_series_that_the_table_has_can_be_taken(tmp_path: Path) -> None:
    columns = {("PACW", series): ramp(10) for series in ("D", "ID.NEW", "NG.ZZZ")}
    table = survey(write(tmp_path / "t.parquet", columns).path)

    chosen = select(table, None, ["NG.ZZZ", "ID.NEW"], calendar=False)

    assert chosen.features == ("PACW.ID.NEW", "PACW.NG.ZZZ")


def test_the_hours_are_those_of_the_series(found: Survey) -> None:
    assert len(select(found, ["SWPP"], ["TI"], calendar=True).hours) == 4
    assert len(select(found, ["SWPP"], None, calendar=True).hours) == 10


@pytest.mark.parametrize(
    ("respondents", "series", "said"),
    [
        (["PACE"], None, r"has no respondent 'PACE'\. Did you mean PACW\? It has CAR, PACW, SWPP\."),
        (None, ["NG.WAT"], r"has no series 'NG.WAT'\. Did you mean .*It has D, DF, NG.SUN, NG.WND, TI\."),
        (None, ["wind"], "'wind' is not a series"),
        (None, ["ID.all"], "has no series 'ID.all'"),
        (["CAR"], ["TI"], "has none of the series TI for CAR. It has CAR D, CAR DF, PACW D"),
    ],
)
def test_what_the_table_does_not_have(
    found: Survey, respondents: list[str] | None, series: list[str] | None, said: str
) -> None:
    with pytest.raises(UnknownCodeError, match=said):
        select(found, respondents, series, calendar=True)
