"""Laws of scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.load.scale import Scaler, moments, quartiles
from gridloom.load.wide import Mask, Values

FINITE = st.floats(-1e6, 1e6, width=32)


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Values, Mask]:
    """A matrix, 0 where masked, with some constant and some empty columns."""
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    cells = st.one_of(st.none(), FINITE)
    kinds = draw(st.lists(st.sampled_from(["any", "constant", "empty"]), min_size=columns, max_size=columns))
    values, mask = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.uint8)
    for column, kind in enumerate(kinds):
        constant = draw(FINITE)
        for row in range(rows):
            found = {"any": draw(cells), "constant": constant, "empty": None}[kind]
            if found is not None:
                values[row, column], mask[row, column] = found, 1
    return values, mask


def scalers(values: Values, mask: Mask) -> list[Scaler]:
    known = moments(values, mask)
    return [Scaler(known.mean, known.std), quartiles(values, mask, known)]


@given(matrices())
def test_inverse_of_scaled_is_the_value(matrix: tuple[Values, Mask]) -> None:
    values, mask = matrix
    for scaler in scalers(values, mask):
        assert (scaler.scale > 0).all()
        back = scaler.inverse(scaler(values))
        tolerance = 4 * np.finfo(np.float32).eps * (np.abs(values) + np.abs(scaler.center) + scaler.scale)
        assert (np.abs(back - values) <= tolerance)[mask == 1].all()


@given(matrices())
def test_moments_are_those_of_the_values_that_are_there(matrix: tuple[Values, Mask]) -> None:
    values, mask = matrix
    found = moments(values, mask)
    for column in range(values.shape[1]):
        there = values[mask[:, column] == 1, column].astype(np.float64)
        varies = there.size > 0 and there.min() < there.max()
        assert found.constant[column] == (not varies)
        assert found.mean[column] == pytest.approx(there.mean() if there.size else 0, rel=1e-5, abs=1e-2)
        if not varies:
            assert found.std[column] == 1
        elif there.std() > 1e-3:
            assert found.std[column] == pytest.approx(there.std(), rel=1e-3)


@given(matrices(), st.data())
def test_nothing_after_the_training_span_changes_a_statistic(
    matrix: tuple[Values, Mask], data: st.DataObject
) -> None:
    values, mask = matrix
    train = data.draw(st.integers(1, len(values)))
    planted, seen = values.copy(), mask.copy()
    planted[train:], seen[train:] = 1e9, 1

    before = [moments(values[:train], mask[:train]), *scalers(values[:train], mask[:train])]
    after = [moments(planted[:train], seen[:train]), *scalers(planted[:train], seen[:train])]

    for one, other in zip(before, after, strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_masked_zeros_are_no_values() -> None:
    values, mask = np.array([[10], [0], [12]], np.float32), np.array([[1], [0], [1]], np.uint8)

    assert moments(values, mask).mean.tolist() == [11]
    assert moments(values, mask).std.tolist() == [1]


def test_many_blocks_are_one_span(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(5e5, 3, (1_000, 3)).astype(np.float32)
    mask = (rng.random(values.shape) < 0.9).astype(np.uint8)
    values *= mask
    whole = moments(values, mask)

    monkeypatch.setattr("gridloom.load.scale._BLOCK_ROWS", 7)
    cut = moments(values, mask)

    np.testing.assert_allclose(cut.mean, whole.mean, rtol=1e-7)
    np.testing.assert_allclose(cut.std, whole.std, rtol=1e-6)
    np.testing.assert_allclose(
        whole.std, np.ma.array(values.astype(float), mask=mask == 0).std(axis=0), rtol=1e-6
    )


def test_outliers_do_not_move_the_robust_scaler() -> None:
    values: Any = np.arange(101, dtype=np.float32)[:, None]
    mask = np.ones_like(values, np.uint8)
    calm = quartiles(values, mask, moments(values, mask))
    values[-1] = 1e9
    wild = quartiles(values, mask, moments(values, mask))

    assert calm.center == wild.center == 50
    assert calm.scale == wild.scale == pytest.approx(50 / 1.349, rel=1e-4)


def test_a_plant_that_rarely_runs_is_scaled_by_its_deviation() -> None:
    values = np.zeros((100, 1), np.float32)
    values[:5] = 80
    mask = np.ones_like(values, np.uint8)
    known = moments(values, mask)

    assert quartiles(values, mask, known).scale == known.std > 1
