"""The file: read by those who know the format, aligned, the same bytes, and whole or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from gridloom.errors import FileFormatError, StorageError
from gridloom.load.tensor_file import Streamed, map_tensors, write_tensors

ARRAYS: dict[str, Any] = {
    "mask": np.array([[1, 0, 1]], np.uint8),
    "values": np.array([[0.5, 0, -1e30]], np.float32),
    "time": np.array([1 << 40], np.int64),
}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one
    )


@given(
    shape=st.lists(st.integers(0, 5), min_size=0, max_size=3),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
def test_what_is_written_is_read_by_the_library_and_by_us(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], metadata: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("file") / "t.safetensors"
    arrays = {
        name: np.arange(np.prod(shape, dtype=int), dtype=kind).reshape(shape)
        for name, kind in (("b", np.uint8), ("f", np.float32), ("i", np.int64))
    }
    write_tensors(path, arrays, metadata)

    mapped = map_tensors(path)

    assert same(load_file(path), arrays)
    assert same(dict(mapped.arrays), arrays)
    with safe_open(path, "numpy") as file:
        assert file.metadata() == metadata or not metadata
    assert mapped.metadata == metadata
    assert path.read_bytes()[:8] == (np.uint64(int.from_bytes(path.read_bytes()[:8], "little"))).tobytes()


@given(cuts=st.lists(st.integers(0, 12), max_size=4))
def test_an_array_in_blocks_gives_the_bytes_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("file")
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    blocks = np.split(whole.reshape(-1), sorted(cuts))
    write_tensors(folder / "whole", {**ARRAYS, "values": whole}, {})
    write_tensors(folder / "blocks", {**ARRAYS, "values": Streamed(whole.dtype, whole.shape, blocks)}, {})

    assert (folder / "blocks").read_bytes() == (folder / "whole").read_bytes()


def test_what_was_released_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, ARRAYS, {})
    mapped = map_tensors(path)

    assert same(dict(mapped.arrays), ARRAYS)
    mapped.release()
    assert same(dict(mapped.arrays), ARRAYS)


def test_the_data_begins_at_a_multiple_of_64_and_every_array_at_one_of_its_type(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    for extra in range(70):
        write_tensors(path, ARRAYS, {"name": "x" * extra})
        data = path.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        assert (8 + length) % 64 == 0
        for name, array in ARRAYS.items():
            assert header[name]["data_offsets"][0] % array.dtype.itemsize == 0


def test_the_same_arrays_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    write_tensors(tmp_path / "1", ARRAYS, {"a": "1", "b": "2"})
    write_tensors(tmp_path / "2", dict(reversed(ARRAYS.items())), {"b": "2", "a": "1"})

    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_mlx_reads_it(tmp_path: Path) -> None:
    mx = pytest.importorskip("mlx.core")
    write_tensors(tmp_path / "t.safetensors", ARRAYS, {})

    found = mx.load(str(tmp_path / "t.safetensors"))

    assert same({name: np.array(array) for name, array in found.items()}, ARRAYS)


def test_torch_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from safetensors.torch import load_file as load_torch

    write_tensors(tmp_path / "t.safetensors", ARRAYS, {})

    found = load_torch(tmp_path / "t.safetensors")

    assert same({name: tensor.numpy() for name, tensor in found.items()}, ARRAYS)


def test_what_others_wrote_is_mapped_too(tmp_path: Path) -> None:
    save_file(ARRAYS, tmp_path / "t.safetensors")

    assert same(dict(map_tensors(tmp_path / "t.safetensors").arrays), ARRAYS)


def test_a_map_is_read_only(tmp_path: Path) -> None:
    write_tensors(tmp_path / "t", ARRAYS, {})

    with pytest.raises(ValueError, match="read-only"):
        map_tensors(tmp_path / "t").arrays["values"][0] = 1


@pytest.mark.parametrize("spoil", ["short", "long", "empty", "header", "lie", "text", "huge"])
def test_a_torn_file_is_refused(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, ARRAYS, {})
    data = path.read_bytes()
    torn = {
        "short": data[:-1],
        "long": data + b"\0",
        "empty": b"",
        "header": data[:20],
        "lie": data.replace(b'"shape":[1,3]', b'"shape":[1,9]'),
        "text": b"period,value\n" * 100,
        "huge": b"\xff" * 8 + data[8:],
    }
    path.write_bytes(torn[spoil])

    with pytest.raises(FileFormatError, match="is not a whole safetensors file"):
        map_tensors(path)


def test_no_file_and_a_refused_write(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="There is no file"):
        map_tensors(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Could not write"):
        write_tensors(tmp_path / "file" / "t", ARRAYS, {})
