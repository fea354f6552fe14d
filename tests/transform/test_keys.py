from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import row_frame

from gridloom.transform.keys import key_spans, keys_ascend, packed_key

KEYS = st.tuples(
    st.integers(0, 4).map(lambda hour: f"2019-01-01T{hour:02}"),
    st.sampled_from(["PACW", "CAR", "PAC"]),
    st.sampled_from(["NG.WND", "D", "DF"]),
)


def frame_of(keys: list[tuple[str, str, str]]) -> pl.DataFrame:
    return row_frame([(*key, 1.0) for key in keys])


def in_order(key: tuple[str, str, str]) -> tuple[str, str, str]:
    period, respondent, series = key
    return respondent, series, period


@settings(deadline=None, max_examples=80)
@given(keys=st.lists(KEYS, max_size=20), tidy=st.booleans(), swap=st.booleans())
def test_the_proof_holds_exactly_for_keys_in_order_and_each_once(
    keys: list[tuple[str, str, str]], tidy: bool, swap: bool
) -> None:
    if tidy:
        keys = sorted(set(keys), key=in_order)
    if swap:
        keys = keys[1:2] + keys[:1] + keys[2:]

    assert keys_ascend(frame_of(keys)) == ([*map(in_order, keys)] == sorted({in_order(key) for key in keys}))


@settings(deadline=None, max_examples=60)
@given(keys=st.lists(KEYS, min_size=1, max_size=20))
def test_packed_keys_differ_exactly_where_keys_differ(keys: list[tuple[str, str, str]]) -> None:
    frame = frame_of(keys)
    packed = packed_key(frame)

    assert packed is not None
    numbers = frame.select(packed.alias("number"))["number"].to_list()
    pairs = set(zip(keys, numbers, strict=True))
    assert len(set(numbers)) == len(pairs) == len(set(keys))


def test_a_key_that_lacks_a_part_is_no_proof_and_no_number() -> None:
    for name in ("respondent", "series", "period"):
        frame = frame_of([("2019-01-01T00", "CAR", "D"), ("2019-01-01T01", "CAR", "D")])
        frame = frame.with_columns(pl.when(pl.int_range(pl.len()) == 0).then(pl.col(name)))

        assert not keys_ascend(frame)
        assert packed_key(frame) is None


def test_keys_too_far_apart_for_one_number_have_none() -> None:
    far = pl.Series([-(2**62), 2**62]).cast(pl.Datetime("ms", "UTC"))
    frame = frame_of([("2019-01-01T00", "CAR", "D")] * 2).with_columns(period=far)

    assert packed_key(frame) is None
    assert packed_key(frame.clear()) is None


def test_spans_are_the_same_whether_the_order_is_known_or_not() -> None:
    keys = [(f"2019-01-01T{hour:02}", "CAR", series) for series in ("D", "DF") for hour in (1, 2, 4)]
    frame = frame_of(keys)

    spans = key_spans(frame, ascending=True)

    assert spans == key_spans(frame[::-1], ascending=False)
    assert [(series, hours, odd) for _, series, _, _, hours, odd in spans] == [
        ("D", 3, False),
        ("DF", 3, False),
    ]
    assert {last - first for _, _, first, last, *_ in spans} == {3 * 3_600_000}
