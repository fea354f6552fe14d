"""Laws of windows: where they lie, in which order, and who gets them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError
from gridloom.load.windows import WindowPlan, _ranked

PLAIN: dict[str, Any] = {
    "split": "train",
    "rows": 50,
    "sequences": 1,
    "context": 5,
    "horizon": 2,
    "stride": 1,
    "batch_size": 4,
    "shuffle": False,
    "seed": 0,
    "rank": 0,
    "world_size": 1,
    "drop_last": False,
}


def plan(**changes: Any) -> WindowPlan:
    return WindowPlan(**{**PLAIN, **changes})


@st.composite
def plans(draw: st.DrawFn, *, world_size: int = 1) -> WindowPlan:
    context, horizon = draw(st.integers(1, 10)), draw(st.integers(1, 5))
    rows = draw(st.integers(context + horizon, 60))
    stride = draw(st.integers(1, 12))
    sequences = draw(st.integers(1, 3))
    windows = sequences * ((rows - context - horizon) // stride + 1)
    return plan(
        rows=rows,
        sequences=sequences,
        context=context,
        horizon=horizon,
        stride=stride,
        batch_size=draw(st.integers(1, 9)),
        shuffle=draw(st.booleans()),
        seed=draw(st.integers(0, 2**40)),
        world_size=min(world_size, windows),
    )


@given(plans())
def test_every_window_once_inside_its_split(found: WindowPlan) -> None:
    sequence, row = found.starts(found.order(0))

    every = {
        (each, start)
        for each in range(found.sequences)
        for start in range(0, found.rows, found.stride)
        if start + found.context + found.horizon <= found.rows
    }
    assert sorted(zip(sequence.tolist(), row.tolist(), strict=True)) == sorted(every)
    assert len(found.order(0)) == found.windows


@given(plans(), st.integers(0, 5))
def test_an_order_depends_on_seed_and_epoch_only(found: WindowPlan, epoch: int) -> None:
    again = plan(**vars(found))

    assert np.array_equal(found.order(epoch), again.order(epoch))
    if not found.shuffle:
        assert (np.diff(found.order(epoch)) == 1).all()


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = [plan(shuffle=True, seed=seed).order(epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]

    assert all(one != other for place, one in enumerate(orders) for other in orders[:place])
    # what NumPy promises to draw for ever
    assert plan(rows=14, shuffle=True, seed=7).order(3).tolist() == [7, 1, 6, 0, 4, 2, 3, 5]


@given(st.data())
def test_ranks_share_all_windows_but_fewer_than_there_are_ranks(data: st.DataObject) -> None:
    world_size = data.draw(st.integers(1, 5))
    one = data.draw(plans(world_size=world_size))
    ranks = [plan(**{**vars(one), "rank": rank}) for rank in range(one.world_size)]
    orders = [each.order(2).tolist() for each in ranks]
    given_out = [number for order in orders for number in order]

    assert len({each.batches for each in ranks}) == len({len(order) for order in orders}) == 1
    assert len(set(given_out)) == len(given_out)
    assert 0 <= one.windows - len(given_out) < one.world_size
    assert -(-len(orders[0]) // one.batch_size) == one.batches


def test_dropping_the_last_batch() -> None:
    kept, dropped = plan(batch_size=8), plan(batch_size=8, drop_last=True)

    assert (kept.windows, kept.batches, dropped.batches) == (44, 6, 5)
    assert len(dropped.order(0)) == 40


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"context": 0}, "context has to be a whole number of 1 or more, got 0"),
        ({"horizon": -1}, "horizon has to be"),
        ({"stride": 1.5}, "stride has to be a whole number of 1 or more, got 1.5"),
        ({"batch_size": True}, "batch_size has to be"),
        ({"rank": 2, "world_size": 2}, "There is no rank 2 among 2: they are 0 to 1"),
        ({"rank": -1}, "rank has to be a whole number of 0 or more"),
        ({"context": 49}, "The split 'train' has 50 hours; a window of 49 hours of context and 2 of horizon"),
        ({"world_size": 45}, "has 44 windows, too few for 45 ranks"),
        ({"batch_size": 45, "drop_last": True}, "too few for 1 ranks with batches of 45"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan(**changes)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=300))
def test_the_fast_order_is_the_slow_one(bits: list[int]) -> None:
    numbers = np.array(bits, np.uint64)

    assert _ranked(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()
