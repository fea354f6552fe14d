from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridloom.report.coverage import SHADES, Coverage, CoverageRow, strips

CELLS = st.lists(st.tuples(*[st.integers(0, 50)] * 3), min_size=1, max_size=20)


def coverage(*rows: CoverageRow) -> Coverage:
    edges = [f"2019-01-{day + 1:02d}T00" for day in range(len(rows[0].reported))]
    return Coverage(table="hourly/x.parquet", edges=edges, last="2019-12-31T23", rows=list(rows))


def row(cells: list[tuple[int, int, int]], respondent: str = "PACW", series: str = "D") -> CoverageRow:
    return CoverageRow(respondent, series, *(list(column) for column in zip(*cells, strict=True)))


@given(CELLS)
def test_the_patches_of_a_strip_cover_it_once(cells: list[tuple[int, int, int]]) -> None:
    (strip,) = strips(coverage(row(cells)))

    at = 0
    for patch in strip.patches:
        assert patch.first == at
        assert patch.shade in SHADES
        at += patch.length
    assert at == len(cells)


def test_each_shade_is_of_its_share_and_kind() -> None:
    cells = [
        (24, 0, 0), (0, 0, 0), (23, 1, 0), (12, 12, 0), (0, 24, 0), (23, 0, 1), (12, 0, 12), (0, 0, 24),
    ]  # fmt: skip
    (strip,) = strips(coverage(row(cells)))

    assert [patch.shade for patch in strip.patches] == [
        "full", "outside", "null-1", "null-2", "null-3", "missing-1", "missing-2", "missing-3",
    ]  # fmt: skip
    assert (strip.hours, strip.reported, strip.null, strip.missing) == ("168", "56.0 %", "37", "37")


def test_many_series_are_summed_up_by_respondent() -> None:
    rows = [row([(1, 0, 1)], respondent, series) for respondent in "AB" for series in ("D", "DF", "TI")]
    found = strips(coverage(*rows), most_rows=5)

    assert [(strip.respondent, strip.series, strip.hours) for strip in found] == [
        ("A", "3 series", "6"),
        ("B", "3 series", "6"),
    ]
    assert len(strips(coverage(*rows), most_rows=6)) == 6
