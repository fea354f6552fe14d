"""A plan to the folder of a tensor dataset: the matrix, its calendar, its statistics, its description."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from gridloom.grid.artifacts import TensorDataset
from gridloom.grid.hours import HourRange, label
from gridloom.load.calendar import fill_calendar, time_zone_of
from gridloom.load.card import DatasetCard, SourceCard, SplitCard, write_card
from gridloom.load.plan import DatasetPlan
from gridloom.load.scale import Moments, moments, quartiles
from gridloom.load.select import CALENDAR, is_known_ahead
from gridloom.load.splits import SPLITS
from gridloom.load.survey import period_of
from gridloom.load.tensor_file import write_tensors
from gridloom.load.wide import Mask, Values, hours_of, scatter

__all__ = ["TENSORS_NAME", "build_dataset"]

TENSORS_NAME: Final = "tensors.safetensors"


def build_dataset(
    folder: Path,
    plan: DatasetPlan,
    *,
    source: str,
    digest: str,
    rows_digest: str,
    on_rows: Callable[[int, int], None] = lambda _done, _total: None,
) -> TensorDataset:
    """Writes ``tensors.safetensors`` and ``dataset.json`` into a folder and returns its record.

    Args:
        folder: Where to write.
        plan: What.
        source: Source identity of the table.
        digest: Digest of its file.
        rows_digest: Digest of its rows.
        on_rows: Hears how many rows of the table were read so far, and how many will be in all.

    Raises:
        FileFormatError: If the table turns out not to be in order.
        StorageError: If the disk refuses.
    """
    times = hours_of(plan.selection)
    values, mask = scatter(plan.survey, plan.selection, on_rows=on_rows)
    fill_calendar(values, mask, times, plan.selection)
    known, statistics = _statistics(plan, values, mask)
    card = _card(
        plan,
        known,
        SourceCard(identity=source, digest=digest, rows_digest=rows_digest, column=plan.survey.column),
    )
    names = msgspec.json.encode(plan.selection.features).decode()
    arrays: dict[str, npt.NDArray[Any]] = {"values": values, "mask": mask, "time": times, **statistics}
    write_tensors(folder / TENSORS_NAME, arrays, {"features": names})
    write_card(folder, card)
    return TensorDataset.of(folder, name=card.name, steps=card.steps, features=card.features)


def _statistics(
    plan: DatasetPlan, values: Values, mask: Mask
) -> tuple[Moments, dict[str, npt.NDArray[np.float32]]]:
    """Returns the moments of the training span, and every statistic to be written by name."""
    rows = slice(0, plan.splits.train_stop)
    known = moments(values[rows], mask[rows])
    tensors = {"mean": known.mean, "std": known.std}
    if plan.request.scaling == "robust":
        robust = quartiles(values[rows], mask[rows], known)
        tensors |= {"median": robust.center, "iqr": robust.scale}
    # sines, cosines and flags are scaled already
    calendar = [column for column, (_, rest) in enumerate(plan.selection.pairs) if rest in CALENDAR]
    for name, vector in tensors.items():
        vector[calendar] = 0 if name in {"mean", "median"} else 1
    return known, tensors


def _card(plan: DatasetPlan, known: Moments, source: SourceCard) -> DatasetCard:
    selection, request = plan.selection, plan.request
    spans: dict[Any, SplitCard] = {split: _span(plan.splits.rows(split), selection.hours) for split in SPLITS}
    features = selection.features
    return DatasetCard(
        name=request.name,
        features=features,
        units=selection.units,
        known_ahead=tuple(
            feature
            for feature, (_, rest) in zip(features, selection.pairs, strict=True)
            if is_known_ahead(rest)
        ),
        constant=tuple(
            feature
            for feature, constant, (_, rest) in zip(features, known.constant, selection.pairs, strict=True)
            if constant and rest not in CALENDAR
        ),
        steps=len(selection.hours),
        first=selection.hours.first_label,
        last=selection.hours.last_label,
        splits=spans,
        context=request.context,
        horizon=request.horizon,
        stride=request.stride,
        scaling=request.scaling,
        time_zones={code: time_zone_of(code) for code in selection.respondents} if request.calendar else {},
        source=source,
    )


def _span(rows: range, hours: HourRange) -> SplitCard:
    start_ms = int(hours.start.timestamp()) * 1_000
    labels = (
        [label(period_of(start_ms + row * 3_600_000)) for row in (rows[0], rows[-1])] if rows else [None] * 2
    )
    return SplitCard(start=rows.start, stop=rows.stop, first=labels[0], last=labels[1])
