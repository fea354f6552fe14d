from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.load.tables import FIRST, hour

from gridloom.errors import ConfigError
from gridloom.grid.hours import HourRange
from gridloom.load.splits import SPLITS, check_window, split_hours


def hours(steps: int) -> HourRange:
    return HourRange.of_labels(FIRST, hour(steps - 1))


@given(st.integers(1, 30_000))
def test_the_default_splits_cover_the_hours_in_order(steps: int) -> None:
    found = split_hours(hours(steps), None)
    rows = [row for split in SPLITS for row in found.rows(split)]

    assert rows == list(range(steps))
    assert len(found.rows("train")) > 0
    if steps > 1_000:
        assert abs(len(found.rows("train")) / steps - 0.7) < 0.03
        assert len(found.rows("train")) % 24 == len(found.rows("valid")) % 24 == 0


@given(st.data())
def test_ends_are_inclusive(data: st.DataObject) -> None:
    steps = data.draw(st.integers(2, 500))
    train, valid = sorted(data.draw(st.sets(st.integers(0, steps - 1), min_size=2, max_size=2)))

    found = split_hours(hours(steps), (hour(train), hour(valid)))

    assert [found.rows(split) for split in SPLITS] == [
        range(train + 1),
        range(train + 1, valid + 1),
        range(valid + 1, steps),
    ]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((hour(5), hour(5)), "Training is to end at 2019-01-01T05.* which is not after it"),
        ((hour(6), hour(5)), "which is not after it"),
        ((hour(-1), hour(5)), "Training is to end at 2018-12-31T23, which lies outside of the data"),
        (
            (hour(5), hour(10)),
            r"Validation is to end .* outside of the data \(2019-01-01T00 to 2019-01-01T09\)",
        ),
        (("2019-01-01", hour(5)), "'2019-01-01' is not an hour"),
    ],
)
def test_ends_that_cannot_be(ends: tuple[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        split_hours(hours(10), ends)


def test_a_window_has_to_fit_the_training_span() -> None:
    found = split_hours(hours(10), (hour(5), hour(7)))

    check_window(found, 4, 2)
    with pytest.raises(ConfigError, match=r"5 hours of context and 2 of horizon is longer than .* 6 hours"):
        check_window(found, 5, 2)
