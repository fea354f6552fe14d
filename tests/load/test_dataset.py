"""Datasets on disk, and batches of windows cut from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.load.tables import hour, make, ramp

from gridloom.errors import ConfigError, FileFormatError, MissingExtraError, UnknownCodeError
from gridloom.load.dataset import GridDataset
from gridloom.load.select import CALENDAR
from gridloom.sample import sample_path

HOURS = 60
TWO = {
    ("CAR", "D"): ramp(HOURS, 100),
    ("CAR", "DF"): ramp(HOURS, 200),
    ("PACW", "D"): ramp(HOURS, 300),
    ("PACW", "NG.WND"): ramp(HOURS, 400),
}
ENDS = (hour(39), hour(49))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> GridDataset:
    return make(tmp_path_factory.mktemp("two"), TWO, ends=ENDS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> GridDataset:
    return make(tmp_path_factory.mktemp("sample"), sample_path(), context=168, horizon=24)


def test_a_dataset_describes_itself(two: GridDataset) -> None:
    assert (two.name, two.steps, len(two), two.respondents) == ("t", HOURS, HOURS, ("CAR", "PACW"))
    assert two.features[:2] == ("CAR.D", "CAR.DF")
    assert two.card.units[:3] == ("MWh", "MWh", "")
    assert set(two.card.known_ahead) == {"CAR.DF", *(f"{c}.{n}" for c in ("CAR", "PACW") for n in CALENDAR)}
    assert two.card.time_zones == {"CAR": "America/New_York", "PACW": "America/Los_Angeles"}
    assert [(split, span.start, span.stop) for split, span in two.card.splits.items()] == [
        ("train", 0, 40),
        ("valid", 40, 50),
        ("test", 50, 60),
    ]
    assert (two.card.splits["valid"].first, two.card.splits["valid"].last) == (hour(40), hour(49))
    text = (two.path / "dataset.json").read_text()
    assert str(two.path) not in text
    assert "60 hours x 18 features" in repr(two)


def test_the_values_are_physical_and_the_calendar_is_not_scaled(two: GridDataset) -> None:
    column = two.features.index("PACW.NG.WND")

    assert two.values[:5, column].tolist() == [400, 401, 402, 0, 404]
    assert two.mask[:5, column].tolist() == [1, 1, 1, 0, 1]
    calendar = [place for place, name in enumerate(two.features) if name.split(".")[-1] in CALENDAR]
    assert (two.scaler.center[calendar] == 0).all()
    assert (two.scaler.scale[calendar] == 1).all()
    there = two.mask[:40, column] == 1
    assert two.scaler.center[column] == pytest.approx(two.values[:40, column][there].mean())


PROBE = """
import json, sys
from safetensors.numpy import load_file
tensors = load_file(sys.argv[1] + "/tensors.safetensors")
card = json.load(open(sys.argv[1] + "/dataset.json"))
column = card["features"].index("PACW.D")
assert not [name for name in sys.modules if name.startswith(("gridloom", "polars", "mlx"))]
print(json.dumps({
    "shape": tensors["values"].shape, "types": {name: str(each.dtype) for name, each in tensors.items()},
    "present": int(tensors["mask"][:, column].sum()), "sum": float(tensors["values"][:, column].sum()),
    "first": int(tensors["time"][0]),
}))
"""


def test_numpy_and_safetensors_alone_read_it(two: GridDataset) -> None:
    command = [sys.executable, "-c", PROBE, str(two.path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    there = [value for value in TWO["PACW", "D"] if value is not None]
    assert found == {
        "shape": [HOURS, 18],
        "types": {"time": "int64", "values": "float32", "mean": "float32", "std": "float32", "mask": "uint8"},
        "present": len(there),
        "sum": sum(there),
        "first": 1546300800,
    }


def test_the_same_table_gives_the_same_bytes(tmp_path: Path, two: GridDataset) -> None:
    again = make(tmp_path, TWO, ends=ENDS)

    for name in ("tensors.safetensors", "dataset.json"):
        assert (again.path / name).read_bytes() == (two.path / name).read_bytes()


def test_a_value_planted_after_the_training_span_moves_nothing_before(
    tmp_path: Path, two: GridDataset
) -> None:
    planted = {key: [*values[:40], *(1e9 for _ in values[40:])] for key, values in TWO.items()}
    for scaling in ("standard", "robust"):
        plain = make(tmp_path / f"plain-{scaling}", TWO, ends=ENDS, scaling=scaling)
        other = make(tmp_path / f"planted-{scaling}", planted, ends=ENDS, scaling=scaling)
        assert np.array_equal(plain.scaler.center, other.scaler.center)
        assert np.array_equal(plain.scaler.scale, other.scaler.scale)
        batches = zip(
            plain.windows("train", batch_size=7).to_numpy(),
            other.windows("train", batch_size=7).to_numpy(),
            strict=True,
        )
        for one, planted_one in batches:
            assert all(np.array_equal(getattr(one, name), getattr(planted_one, name)) for name in vars(one))
    assert not np.array_equal(two.values[40:], other.values[40:])


def naive(dataset: GridDataset, split: Any, start: int, length: int, columns: list[int]) -> Any:
    """Returns one window and its mask by plain slices, scaled in float64."""
    first = dataset.rows(split).start + start
    values, mask = dataset.values[first : first + length], dataset.mask[first : first + length]
    scaled = (values.astype(float) - dataset.scaler.center) / dataset.scaler.scale * mask
    picked, there = np.zeros((length, len(columns))), np.zeros((length, len(columns)), np.uint8)
    for place, column in enumerate(columns):
        if column >= 0:
            picked[:, place], there[:, place] = scaled[:, column], mask[:, column]
    return picked, there


@settings(max_examples=25)
@given(data=st.data())
def test_batches_are_the_slices_of_the_matrix(two: GridDataset, data: st.DataObject) -> None:
    split = data.draw(st.sampled_from(["train", "valid", "test"]))
    context, horizon = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    stride = data.draw(st.integers(1, 5))
    by = data.draw(st.sampled_from(["joint", "respondent"]))
    memory_mb = data.draw(st.sampled_from([0, 1024]))
    dataset = GridDataset.open(two.path, memory_mb=memory_mb)
    windows = dataset.windows(
        split, context, horizon, stride, batch_size=3, by=by, shuffle=data.draw(st.booleans())
    ).to_numpy()

    seen: list[tuple[int, int]] = []
    for batch in windows:
        for place, (sequence, time) in enumerate(zip(batch.sequence, batch.time, strict=True)):
            start = int((time - dataset.time[dataset.rows(split).start]) // 3_600) - context
            name = windows.sequences[sequence]
            columns = [
                dataset.features.index(full) if full in dataset.features else -1
                for feature in windows.features
                for full in [feature if by == "joint" else f"{name}.{feature}"]
            ]
            values, mask = naive(dataset, split, start, context + horizon, columns)
            targets, known = (
                [windows.features.index(each) for each in names]
                for names in (windows.target_features, windows.known_features)
            )
            for found, found_mask, rows, places in (
                (batch.context, batch.context_mask, slice(0, context), slice(None)),
                (batch.target, batch.target_mask, slice(context, None), targets),
                (batch.known, batch.known_mask, slice(context, None), known),
            ):
                np.testing.assert_allclose(found[place], values[rows][:, places], rtol=1e-5, atol=1e-5)
                assert np.array_equal(found_mask[place], mask[rows][:, places])
            seen.append((int(sequence), start))
    assert len(seen) == len(set(seen)) == windows.windows


def test_per_respondent_all_have_the_same_features_and_what_one_lacks_is_masked(two: GridDataset) -> None:
    windows = two.windows("train", by="respondent", batch_size=1_000, targets=["D"]).to_numpy()
    batch = next(iter(windows))

    assert windows.sequences == ("CAR", "PACW")
    assert windows.features == ("D", "DF", "NG.WND", *CALENDAR)
    assert windows.target_features == ("D",)
    lacking = {"CAR": "NG.WND", "PACW": "DF"}
    for number, code in enumerate(windows.sequences):
        mine = batch.sequence == number
        place = windows.features.index(lacking[code])
        assert not batch.context_mask[mine][..., place].any()
        assert not batch.context[mine][..., place].any()
        assert batch.context_mask[mine][..., 0].any()


def test_physical_units_come_back(two: GridDataset) -> None:
    for by in ("joint", "respondent"):
        scaled = two.windows("train", by=by, batch_size=50, targets=["D"]).to_numpy()
        plain = two.windows("train", by=by, batch_size=50, targets=["D"], scaled=False).to_numpy()
        for one, other in zip(scaled, plain, strict=True):
            back = scaled.physical(one.target, one.sequence) * one.target_mask
            np.testing.assert_allclose(back, other.target, rtol=1e-5)
            assert np.array_equal(plain.physical(other.target, other.sequence), other.target)
            assert set(np.unique(other.target[other.target_mask == 1])) <= {
                *map(float, range(100, 160)),
                *map(float, range(300, 360)),
            }


def test_scaling_by_robust_statistics_and_not_at_all(tmp_path: Path) -> None:
    robust = make(tmp_path / "robust", TWO, ends=ENDS, scaling="robust")
    none = make(tmp_path / "none", TWO, ends=ENDS, scaling="none")

    there = robust.values[:40, 0][robust.mask[:40, 0] == 1]
    assert robust.scaler.center[0] == np.median(there)
    assert next(iter(none.windows("train").to_numpy())).context[0, 0, 0] == 100


def test_a_constant_series_is_named_and_can_be_divided_by(tmp_path: Path) -> None:
    columns = {("CAR", "D"): ramp(50), ("CAR", "NG.COL"): [5] * 50, ("CAR", "NG.OIL"): [None] * 49 + [1]}
    dataset = make(tmp_path, columns)

    assert dataset.card.constant == ("CAR.NG.COL", "CAR.NG.OIL")
    assert all(np.isfinite(batch.context).all() for batch in dataset.windows("train").to_numpy())


def as_numpy(batch: Any) -> list[Any]:
    return [each.numpy() if hasattr(each, "numpy") else np.array(each) for each in vars(batch).values()]


@pytest.mark.parametrize("memory_mb", [1024, 0])
@pytest.mark.parametrize("by", ["joint", "respondent"])
def test_the_same_values_come_through_mlx_and_numpy(sample: GridDataset, by: Any, memory_mb: float) -> None:
    mx = pytest.importorskip("mlx.core")
    dataset = GridDataset.open(sample.path, memory_mb=memory_mb)
    windows = dataset.windows("valid", stride=24, batch_size=40, by=by, shuffle=True, targets=["D", "NG.WND"])

    pairs = zip(windows, windows.to_numpy(), strict=True)
    for _, (ours, plain) in zip(range(3), pairs, strict=False):
        assert isinstance(ours.context, mx.array)
        assert len(ours) == len(plain)
        assert all(np.array_equal(*both) for both in zip(as_numpy(ours), as_numpy(plain), strict=True))


def test_the_same_values_come_through_torch(two: GridDataset) -> None:
    torch = pytest.importorskip("torch")
    windows = two.windows("train", batch_size=10)

    for ours, plain in zip(windows.to_torch(), windows.to_numpy(), strict=True):
        assert isinstance(ours.context, torch.Tensor)
        assert all(np.array_equal(*both) for both in zip(as_numpy(ours), as_numpy(plain), strict=True))


def starts_of(windows: Any) -> list[list[int]]:
    return [batch.time.tolist() for batch in windows]


def test_a_loop_goes_on_where_its_state_was_taken(two: GridDataset) -> None:
    def fresh() -> Any:
        return two.windows("train", batch_size=4, shuffle=True, seed=3).to_numpy()

    whole = fresh()
    epochs = [starts_of(whole) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    for epoch in range(3):
        for taken in range(len(whole) + 1):
            first = fresh()
            for _ in range(epoch):
                starts_of(first)
            loop = iter(first)
            for _ in range(taken):
                next(loop)
            state = json.loads(json.dumps(first.state_dict()))
            second = fresh()
            second.load_state_dict(state)
            rest = starts_of(second)
            if taken:
                assert rest == epochs[epoch][taken:]
            assert starts_of(second) == epochs[epoch + 1 if epoch < 2 else 0] or epoch == 2


def test_a_loop_that_was_left_begins_anew_and_two_loops_do_not_mix(two: GridDataset) -> None:
    windows = two.windows("train", batch_size=4, shuffle=True).to_numpy()
    order = starts_of(two.windows("train", batch_size=4, shuffle=True).to_numpy())

    next(iter(windows))
    assert starts_of(windows) == order
    again = two.windows("train", batch_size=4, shuffle=True).to_numpy()
    assert [one.time.tolist() for one, _ in zip(again, again, strict=True)] == order


def test_a_state_of_other_windows_is_refused(two: GridDataset) -> None:
    state = two.windows("train", seed=1).state_dict()

    with pytest.raises(ConfigError, match="taken from windows of another split"):
        two.windows("train", seed=2).load_state_dict(state)


def test_ranks_together_give_every_window_once(two: GridDataset) -> None:
    whole = {time for batch in two.windows("train").to_numpy() for time in batch.time.tolist()}
    ranks = [
        two.windows("train", batch_size=4, shuffle=True, rank=rank, world_size=3).to_numpy()
        for rank in range(3)
    ]
    given_out = [time for windows in ranks for batch in windows for time in batch.time.tolist()]

    assert len({len(windows) for windows in ranks}) == 1
    assert len(given_out) == len(set(given_out)) == len(whole) - len(whole) % 3
    assert set(given_out) <= whole


def test_a_batch_outlives_the_next_one(two: GridDataset) -> None:
    batches = list(two.windows("train", batch_size=4).to_numpy())
    again = list(two.windows("train", batch_size=4).to_numpy())

    assert all(np.array_equal(one.context, other.context) for one, other in zip(batches, again, strict=True))


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"split": "training"}, ConfigError, "no split 'training'. Splits are train, valid, test"),
        ({"by": "region"}, ConfigError, "by has to be 'joint' or 'respondent'"),
        ({"targets": ["PACW.NG.WAT"]}, UnknownCodeError, "Did you mean PACW.NG.WND"),
        ({"targets": []}, UnknownCodeError, "nothing to predict"),
        ({"split": "valid", "context": 9}, ConfigError, "The split 'valid' has 10 hours"),
    ],
)
def test_windows_that_cannot_be(
    two: GridDataset, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        two.windows(**arguments)


def test_without_mlx_the_loop_says_what_to_install(two: GridDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: None if name == "mlx" else True)
    windows = two.windows("train")

    with pytest.raises(MissingExtraError, match=r"needs mlx, which is not .* pip install 'gridloom\[mlx\]'"):
        next(iter(windows))
    assert next(iter(windows.to_numpy())).context.shape == (32, 4, 18)


def test_mlx_without_its_library_says_what_to_install(
    two: GridDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gridloom.load.mlx_arrays", None)

    with pytest.raises(MissingExtraError, match=r"cannot be loaded .* pip install 'gridloom\[mlx\]'"):
        next(iter(two.windows("train")))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "dataset.json").unlink(),
            "is not a tensor dataset: it has no dataset.json",
        ),
        (lambda folder: (folder / "dataset.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "tensors.safetensors").unlink(), "There is no file"),
        (
            lambda folder: (folder / "dataset.json").write_text(
                (folder / "dataset.json").read_text().replace('"format": 1', '"format": 9')
            ),
            "is of version 9",
        ),
        (
            lambda folder: (folder / "dataset.json").write_text(
                (folder / "dataset.json").read_text().replace('"steps": 60', '"steps": 61')
            ),
            r"'values' has the shape \(60, 18\), dataset.json wants \(61, 18\)",
        ),
    ],
)
def test_a_damaged_dataset_is_refused(tmp_path: Path, spoil: Any, said: str) -> None:
    folder = make(tmp_path, TWO, ends=ENDS).path
    spoil(folder)

    with pytest.raises(FileFormatError, match=said):
        GridDataset.open(folder)
