"""The folder of shards: what a device reads, what others read, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.datasets import FEATURES, make_dataset

from gridloom.errors import ConfigError, FileFormatError
from gridloom.layout import PADDING, Layout
from gridloom.load.card import read_card
from gridloom.load.ring import RingShard, join_shards
from gridloom.load.ring_build import write_ring
from gridloom.load.ring_card import RingLayout, plan_ring
from gridloom.load.sequences import By
from gridloom.load.tensor_file import map_tensors

STEPS = 50


def prepared(tmp_path: Path, by: By = "joint", **changes: Any) -> tuple[Path, RingLayout]:
    """Makes a dataset of `STEPS` hours and the shards of it; returns their folder and their layout."""
    dataset = make_dataset(tmp_path / "tensors" / "small", STEPS)
    card = read_card(dataset.path)
    split = plan_ring(card, **{"ranks": 4, "layout": Layout.ZIGZAG, "length": 45, **changes})
    folder = tmp_path / "ring" / "small"
    return folder, write_ring(folder, card, dataset.tensors, split, digest=dataset.digest, by=by)


def test_the_folder_is_of_the_contract(tmp_path: Path) -> None:
    folder, _ = prepared(tmp_path)

    described = json.loads((folder / "layout.json").read_bytes())

    assert sorted(path.name for path in folder.iterdir()) == [
        "layout.json",
        *(f"rank-0{rank}-of-04.safetensors" for rank in range(4)),
    ]
    assert described["ranks"] == 4
    assert described["layout"] == "zigzag"
    assert described["length"] == 45
    assert described["padded_length"] == 48
    assert described["features"] == list(FEATURES)
    assert described["units"] == ["MWh", "MWh", "", "MWh", ""]
    assert described["sequences"] == []
    assert (described["first"], described["last"]) == ("2019-01-01T00", "2019-01-02T20")
    assert described["train_stop"] == 33
    assert described["dataset"] == "small"
    assert described["digest"].startswith("sha256:")


def test_a_device_reads_its_shard_alone(tmp_path: Path) -> None:
    folder, layout = prepared(tmp_path)
    whole = map_tensors(tmp_path / "tensors" / "small" / "tensors.safetensors").arrays

    for rank in range(4):
        held = RingShard.open(folder, rank)
        real = held.positions != PADDING

        assert held.layout == layout
        assert held.positions.tolist() == layout.split.positions(rank)
        for name in ("values", "mask", "time"):
            array = getattr(held, name)
            assert np.array_equal(array[real], whole[name][held.positions[real]])
            assert not array[~real].any()
            assert not array.flags.writeable
            assert array.ctypes.data % array.itemsize == 0


def test_others_read_it_without_gridloom(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    folder, _ = prepared(tmp_path)

    arrays = safetensors.load_file(folder / "rank-03-of-04.safetensors")

    assert {name: (array.dtype.name, array.shape) for name, array in arrays.items()} == {
        "values": ("float32", (12, 5)),
        "mask": ("uint8", (12, 5)),
        "time": ("int64", (12,)),
        "positions": ("int64", (12,)),
    }
    assert arrays["positions"].tolist() == [18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]


def test_mlx_gets_the_same(tmp_path: Path) -> None:
    mx = pytest.importorskip("mlx.core")
    folder, _ = prepared(tmp_path, by="respondent")
    held = RingShard.open(folder, 2)

    arrays = held.to_mlx()

    assert isinstance(arrays["values"], mx.array)
    assert {str(array.dtype) for array in arrays.values()} == {
        "mlx.core.float32",
        "mlx.core.uint8",
        "mlx.core.int64",
    }
    for name, array in arrays.items():
        assert np.array_equal(np.array(array), getattr(held, name))


def test_respondents_are_sequences_of_one_feature_set(tmp_path: Path) -> None:
    folder, layout = prepared(tmp_path, by="respondent")

    held = RingShard.open(folder, 0)

    assert layout.sequences == ("ERCO", "PACW")
    assert layout.features == ("D", "NG.WND", "hour_sin")
    assert layout.units == ("MWh", "MWh", "")
    assert held.values.shape == (2, 12, 3)
    # PACW has no wind: its column is masked throughout, and scaling leaves it as it is
    assert not held.mask[1, :, 1].any()
    assert (layout.mean[1][1], layout.std[1][1]) == (0.0, 1.0)
    assert np.float32(layout.mean[1][0]) == np.float32(3.1)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("ranks", [1, 3, 45])
def test_the_shards_make_the_sequence_again(tmp_path: Path, layout: Layout, ranks: int) -> None:
    folder, _ = prepared(tmp_path, layout=layout, ranks=ranks)
    whole = map_tensors(tmp_path / "tensors" / "small" / "tensors.safetensors").arrays

    back = join_shards(folder)

    assert all(np.array_equal(array, whole[name][:45]) for name, array in back.items())


def test_without_a_length_it_is_the_whole_dataset(tmp_path: Path) -> None:
    _, layout = prepared(tmp_path, length=None)

    assert (layout.length, layout.last) == (STEPS, "2019-01-03T01")


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    one, _ = prepared(tmp_path / "one")
    two, _ = prepared(tmp_path / "elsewhere")

    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ranks": 0}, "split over 0 ranks"),
        ({"ranks": 46}, "46 ranks are more than the 45 steps"),
        ({"length": STEPS + 1}, r"51 steps cannot be cut from small, which has 50 .* --length from 1 to 50"),
        ({"length": 0}, "0 steps cannot be cut"),
    ],
)
def test_what_cannot_be_cut_is_a_sentence(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        prepared(tmp_path, **changes)

    assert not (tmp_path / "ring").exists()


def test_a_rank_that_is_not_there(tmp_path: Path) -> None:
    folder, _ = prepared(tmp_path)

    with pytest.raises(ConfigError, match=r"has no rank 4. It has 4 shards: 0 to 3"):
        RingShard.open(folder, 4)


def test_a_folder_without_shards(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"has no layout.json. `gridloom ring prep DATASET` makes"):
        RingShard.open(tmp_path, 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"ranks": 4}'])
def test_a_damaged_layout(tmp_path: Path, content: bytes) -> None:
    folder, _ = prepared(tmp_path)
    (folder / "layout.json").write_bytes(content)

    with pytest.raises(FileFormatError, match=r"layout.json is damaged"):
        RingShard.open(folder, 0)


def test_a_layout_of_another_version(tmp_path: Path) -> None:
    folder, _ = prepared(tmp_path)
    path = folder / "layout.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))

    with pytest.raises(FileFormatError, match="is of version 2; this GridLoom reads version 1"):
        RingShard.open(folder, 0)


def test_a_shard_of_another_folder(tmp_path: Path) -> None:
    folder, _ = prepared(tmp_path)
    other, _ = prepared(tmp_path / "other", length=44)
    name = "rank-01-of-04.safetensors"
    (folder / name).write_bytes((other / name).read_bytes())

    with pytest.raises(FileFormatError, match=r"does not belong to the layout.json beside it"):
        join_shards(folder)


def test_a_shard_that_is_missing(tmp_path: Path) -> None:
    folder, _ = prepared(tmp_path)
    (folder / "rank-01-of-04.safetensors").unlink()

    with pytest.raises(FileFormatError, match=r"There is no file .*rank-01-of-04"):
        join_shards(folder)
