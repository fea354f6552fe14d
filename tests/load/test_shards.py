"""Arrays cut for ranks agree with the integers of the layout, and come together again."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import FileFormatError
from gridloom.layout import Layout, Split
from gridloom.load import shards
from gridloom.load.shards import Array, shard, unshard
from gridloom.load.tensor_file import Streamed

ALL = np.arange(4)
EACH = np.array([[0, 1, -1], [2, -1, 3]])


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    """Blocks of a few items, so that short sequences have many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "_BLOCK_ITEMS", 7)
        yield


def arrays_of(steps: int) -> dict[str, Array]:
    step, feature = np.ogrid[:steps, : len(ALL)]
    return {
        "values": (100 * step + feature + 1).astype(np.float32),
        "mask": ((step + feature) % 3 > 0).astype(np.uint8),
        "time": np.arange(steps, dtype=np.int64) * 3_600 + 9,
    }


def whole(held: dict[str, Array | Streamed]) -> dict[str, Array]:
    """Returns streamed arrays as arrays; blocks have to be of the type and fill the shape."""
    made = {}
    for name, array in held.items():
        assert isinstance(array, Streamed)
        blocks = list(array.blocks)
        assert {block.dtype for block in blocks} == {array.dtype}
        made[name] = np.concatenate([block.reshape(-1) for block in blocks]).reshape(array.shape)
    return made


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Split, int]:
    steps = draw(st.integers(1, 60))
    length = draw(st.integers(1, steps))
    ranks = draw(st.integers(1, length))
    return Split(length=length, ranks=ranks, layout=draw(st.sampled_from(Layout))), steps


@given(cut=cuts())
def test_a_joint_shard_holds_the_rows_of_its_positions(cut: tuple[Split, int]) -> None:
    split, steps = cut
    arrays = arrays_of(steps)
    nothing = [0] * len(ALL)

    for rank in range(split.ranks):
        held = whole(shard(arrays, split, rank, ALL))

        assert held["positions"].tolist() == split.positions(rank)
        assert held["time"].tolist() == split.shard(arrays["time"][: split.length].tolist(), rank, 0)
        for name in ("values", "mask"):
            rows = arrays[name][: split.length].tolist()
            assert held[name].tolist() == split.shard(rows, rank, nothing)
            assert held[name].dtype == arrays[name].dtype


@given(cut=cuts())
def test_a_shard_of_several_sequences_holds_the_columns_of_each(cut: tuple[Split, int]) -> None:
    split, steps = cut
    arrays = arrays_of(steps)

    for rank in range(split.ranks):
        one = whole(shard(arrays, split, rank, ALL))
        held = whole(shard(arrays, split, rank, EACH))

        for name in ("values", "mask"):
            absent = np.zeros_like(one[name][:, 0])
            first, second = held[name]
            assert np.array_equal(first, np.stack([one[name][:, 0], one[name][:, 1], absent], axis=-1))
            assert np.array_equal(second, np.stack([one[name][:, 2], absent, one[name][:, 3]], axis=-1))
        assert np.array_equal(held["positions"], one["positions"])
        assert np.array_equal(held["time"], one["time"])


@given(cut=cuts(), columns=st.sampled_from([ALL, EACH]), data=st.data())
def test_unshard_is_the_inverse_of_shard(
    cut: tuple[Split, int], columns: npt.NDArray[np.int64], data: st.DataObject
) -> None:
    split, steps = cut
    arrays = arrays_of(steps)
    held = [whole(shard(arrays, split, rank, columns)) for rank in range(split.ranks)]
    uncut = whole(shard(arrays, Split(length=split.length, ranks=1, layout=Layout.CONTIGUOUS), 0, columns))

    back = unshard(data.draw(st.permutations(held)), split.length)

    assert back.keys() == {"values", "mask", "time"}
    for name, array in back.items():
        assert array.dtype == uncut[name].dtype
        assert np.array_equal(array, uncut[name])


def held_by(*positions: int) -> dict[str, Array]:
    steps = len(positions)
    return {
        "values": np.zeros((steps, 1), np.float32),
        "mask": np.zeros((steps, 1), np.uint8),
        "time": np.zeros(steps, np.int64),
        "positions": np.array(positions, np.int64),
    }


@pytest.mark.parametrize(
    ("ranks", "wrong"),
    [
        ([(0, 1)], "step 2 is on 0 ranks"),
        ([(0, 1), (1, 2)], "step 1 is on 2 ranks"),
        ([(0, 1), (2, 3)], "step 3 is on 1 ranks"),
    ],
)
def test_shards_of_different_sequences_do_not_go_together(ranks: list[tuple[int, ...]], wrong: str) -> None:
    with pytest.raises(FileFormatError, match=f"do not make a sequence of 3 steps: {wrong}"):
        unshard([held_by(*positions) for positions in ranks], 3)


def peak_bytes(steps: int) -> int:
    """Returns the most memory that cutting a sequence takes, without the sequence itself."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "values": np.ones((steps, 16), np.float32),
        "mask": np.ones((steps, 16), np.uint8),
        "time": np.ones(steps, np.int64),
    }
    split = Split(length=steps, ranks=3, layout=Layout.STRIPED)
    tracemalloc.start()
    # who looks for a leak traces from the beginning
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    for array in shard(arrays, split, 1, np.arange(16)).values():
        for _ in array.blocks:
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def test_a_longer_sequence_needs_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_BLOCK_ITEMS", 1 << 12)

    assert peak_bytes(400_000) < 1.2 * peak_bytes(40_000) < 200_000
