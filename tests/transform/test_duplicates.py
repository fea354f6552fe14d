from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import row_frame
from tests.transform.oracle import Received, conflict_keys, dropped_rows

from gridloom.transform.duplicates import Resolved, resolve_duplicates

HOUR = "2019-01-01T05"

RECEIVED = st.builds(
    Received,
    period=st.integers(0, 4).map(lambda hour: f"2019-01-01T{hour:02}"),
    respondent=st.sampled_from(["PACW", "CAR"]),
    series=st.sampled_from(["D", "NG.WND"]),
    value=st.none() | st.sampled_from([0.0, -1.5, 3.0, 7.25]),
)


def resolve(*values: float | None) -> Resolved:
    return resolve_duplicates(row_frame([(HOUR, "PACW", "D", value) for value in values]))


def counts(resolved: Resolved) -> tuple[int, int, int]:
    return resolved.drops.exact, resolved.drops.superseded, resolved.drops.contradicting


def test_rows_with_different_keys_all_stay() -> None:
    rows = row_frame([(HOUR, "PACW", "D", 1.0), (HOUR, "PACW", "DF", 1.0), (HOUR, "CAR", "D", 1.0)])

    resolved = resolve_duplicates(rows)

    assert resolved.rows.equals(rows)
    assert resolved.drops.rows == 0
    assert resolved.drops.conflicts.is_empty()


def test_equal_rows_become_one() -> None:
    resolved = resolve(5.0, 5.0, 5.0)

    assert resolved.rows["value"].to_list() == [5.0]
    assert counts(resolved) == (2, 0, 0)


def test_two_nulls_become_one_null() -> None:
    resolved = resolve(None, None)

    assert resolved.rows["value"].to_list() == [None]
    assert counts(resolved) == (1, 0, 0)


def test_a_value_beats_a_null_also_when_it_is_zero() -> None:
    resolved = resolve(None, 0.0, None)

    assert resolved.rows["value"].to_list() == [0.0]
    assert counts(resolved) == (0, 2, 0)
    assert resolved.drops.conflicts.is_empty()


def test_of_two_values_the_larger_stays_and_the_conflict_is_listed() -> None:
    resolved = resolve(-7.0, 3.0, 3.0, None)

    assert resolved.rows["value"].to_list() == [3.0]
    assert counts(resolved) == (1, 1, 1)
    assert resolved.drops.conflicts.select("kept", "dropped").rows() == [(3.0, -7.0)]


def test_an_empty_frame_stays_empty() -> None:
    resolved = resolve()

    assert resolved.rows.is_empty()
    assert counts(resolved) == (0, 0, 0)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(RECEIVED, max_size=60), data=st.data())
def test_the_order_of_rows_never_matters_and_every_row_is_counted(
    rows: list[Received], data: st.DataObject
) -> None:
    resolved = resolve_duplicates(row_frame(rows))
    again = resolve_duplicates(row_frame(data.draw(st.permutations(rows))))

    order = [pl.col("respondent").cast(pl.String), pl.col("series").cast(pl.String), "period"]
    assert resolved.rows.sort(order).equals(again.rows.sort(order))
    assert resolved.drops.conflicts.equals(again.drops.conflicts)
    assert counts(resolved) == counts(again)
    assert resolved.drops.rows == dropped_rows(rows)
    assert resolved.rows.height + resolved.drops.rows == len(rows)
    keys = resolved.drops.conflicts.select(
        pl.col("respondent", "series").cast(pl.String), pl.col("period").dt.strftime("%Y-%m-%dT%H")
    )
    assert keys.rows() == conflict_keys(rows)
