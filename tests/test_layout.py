"""Laws of a split: every step on exactly one rank, equal lengths, and an exact inverse."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError
from gridloom.layout import PADDING, Layout, Split

LAYOUTS = st.sampled_from(Layout)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    length = draw(st.integers(1, 400))
    return Split(length=length, ranks=draw(st.integers(1, length)), layout=draw(LAYOUTS))


@given(splits())
def test_no_step_is_dropped_and_none_is_there_twice(split: Split) -> None:
    held = [place for rank in range(split.ranks) for place in split.positions(rank)]

    assert sorted(place for place in held if place != PADDING) == list(range(split.length))


@given(splits())
def test_all_ranks_are_equally_long_and_the_rest_is_padding(split: Split) -> None:
    held = [split.positions(rank) for rank in range(split.ranks)]
    padding = sum(places.count(PADDING) for places in held)

    assert {len(places) for places in held} == {split.rank_length}
    assert padding == split.padded_length - split.length
    assert padding < split.ranks * (2 if split.layout is Layout.ZIGZAG else 1)


@given(splits())
def test_positions_rise_on_every_rank_and_padding_comes_last(split: Split) -> None:
    for rank in range(split.ranks):
        places = split.positions(rank)
        real = [place for place in places if place != PADDING]

        assert places == real + [PADDING] * (len(places) - len(real))
        assert all(one < two for one, two in itertools.pairwise(real))


@given(splits(), st.data())
def test_unshard_is_the_inverse_of_shard(split: Split, data: st.DataObject) -> None:
    sequence = data.draw(st.lists(st.text(max_size=3), min_size=split.length, max_size=split.length))

    shards = [split.shard(sequence, rank, "padding") for rank in range(split.ranks)]

    assert split.unshard(shards) == sequence


@given(splits())
def test_the_runs_of_a_rank_are_its_positions(split: Split) -> None:
    for rank in range(split.ranks):
        runs = split.runs(rank)

        assert [*itertools.chain(*(run.steps for run in runs))] == [
            place for place in split.positions(rank) if place != PADDING
        ]
        assert sum(len(run.steps) + run.padding for run in runs) == split.rank_length


@given(st.integers(1, 12), st.integers(1, 20))
def test_a_zigzag_rank_holds_a_chunk_from_each_end(ranks: int, chunk: int) -> None:
    split = Split(length=2 * ranks * chunk, ranks=ranks, layout=Layout.ZIGZAG)
    chunks = [list(range(start, start + chunk)) for start in range(0, split.length, chunk)]

    for rank in range(ranks):
        assert split.positions(rank) == chunks[rank] + chunks[2 * ranks - 1 - rank]


@given(st.integers(1, 12), st.integers(1, 40))
def test_a_zigzag_shares_causal_work_evenly(ranks: int, chunk: int) -> None:
    split = Split(length=2 * ranks * chunk, ranks=ranks, layout=Layout.ZIGZAG)

    # A query attends to every step up to its own.
    work = {sum(place + 1 for place in split.positions(rank)) for rank in range(ranks)}

    assert len(work) == 1


@given(st.integers(1, 12), st.integers(1, 40))
def test_a_striped_rank_holds_every_nth_step(ranks: int, steps: int) -> None:
    split = Split(length=ranks * steps, ranks=ranks, layout=Layout.STRIPED)

    for rank in range(ranks):
        assert split.positions(rank) == list(range(rank, ranks * steps, ranks))


@given(st.integers(1, 12), st.integers(1, 40))
def test_contiguous_ranks_follow_each_other(ranks: int, steps: int) -> None:
    split = Split(length=ranks * steps, ranks=ranks, layout=Layout.CONTIGUOUS)

    assert [*itertools.chain(*map(split.positions, range(ranks)))] == list(range(ranks * steps))


@given(LAYOUTS, st.integers(1, 50))
def test_one_rank_holds_the_sequence_in_its_order(layout: Layout, length: int) -> None:
    split = Split(length=length, ranks=1, layout=layout)

    assert split.shard(range(length), 0, PADDING)[:length] == list(range(length))


def test_a_long_sequence_costs_nothing_until_it_is_listed() -> None:
    split = Split(length=10**15 + 1, ranks=8, layout=Layout.ZIGZAG)

    last = split.runs(0)[1]

    assert split.padded_length == 10**15 + 16
    assert (len(last.steps), last.padding) == (split.rank_length // 2 - 15, 15)


@pytest.mark.parametrize(
    ("ranks", "sentence"),
    [
        (0, "A sequence cannot be split over 0 ranks. Give 1 or more."),
        (-1, "A sequence cannot be split over -1 ranks. Give 1 or more."),
        (
            11,
            "11 ranks are more than the 10 steps of the sequence. Give 10 ranks or fewer.",
        ),
    ],
)
def test_ranks_that_cannot_be(ranks: int, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Split(length=10, ranks=ranks, layout=Layout.STRIPED)

    assert str(caught.value) == sentence


def test_what_does_not_fit_is_a_sentence() -> None:
    split = Split(length=10, ranks=2, layout=Layout.CONTIGUOUS)

    with pytest.raises(ConfigError, match=r"^There is no rank 2 of 2. Ranks are 0 to 1\.$"):
        split.positions(2)
    with pytest.raises(ConfigError, match=r"^The sequence has 9 items instead of 10\.$"):
        split.shard(range(9), 0, PADDING)
    with pytest.raises(ConfigError, match=r"^The list of shards has 1 items instead of 2\.$"):
        split.unshard([list(range(5))])
    with pytest.raises(ConfigError, match=r"^The shard of rank 1 has 4 items instead of 5\.$"):
        split.unshard([list(range(5)), list(range(4))])
