"""Tensor datasets on disk, with values that tell where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gridloom.grid.artifacts import TensorDataset
from gridloom.grid.hours import HOUR, HourRange
from gridloom.load.card import DatasetCard, SourceCard, SplitCard, write_card
from gridloom.load.tensor_file import write_tensors

FEATURES = ("ERCO.D", "ERCO.NG.WND", "ERCO.hour_sin", "PACW.D", "PACW.hour_sin")
FIRST = HourRange.of_labels("2019-01-01T00", "2019-01-01T00").start


def make_dataset(folder: Path, steps: int, features: Sequence[str] = FEATURES) -> TensorDataset:
    """Writes a dataset named as its folder: hour h of feature f has the value 100 h + f or is missing."""
    hours = HourRange(FIRST, FIRST + steps * HOUR)
    step, feature = np.ogrid[:steps, : len(features)]
    mask = ((step + feature) % 5 != 0).astype(np.uint8)
    values = ((100 * step + feature) * mask).astype(np.float32)
    train = max(1, steps * 2 // 3)
    arrays = {
        "values": values,
        "mask": mask,
        "time": int(FIRST.timestamp()) + 3_600 * np.arange(steps, dtype=np.int64),
        "mean": np.arange(len(features), dtype=np.float32) + np.float32(0.1),
        "std": np.arange(len(features), dtype=np.float32) + np.float32(1.7),
    }
    write_tensors(folder / "tensors.safetensors", arrays, {})
    span = SplitCard(start=0, stop=train, first=hours.first_label, last=hours.first_label)
    rest = SplitCard(start=train, stop=train, first=None, last=None)
    card = DatasetCard(
        name=folder.name,
        features=tuple(features),
        units=tuple("" if each.endswith("_sin") else "MWh" for each in features),
        known_ahead=(),
        constant=(),
        steps=steps,
        first=hours.first_label,
        last=hours.last_label,
        splits={"train": span, "valid": rest, "test": rest},
        context=1,
        horizon=1,
        stride=1,
        scaling="standard",
        time_zones={},
        source=SourceCard(identity="custom:test", digest="sha256:0", rows_digest="sha256:0", column="value"),
    )
    write_card(folder, card)
    return TensorDataset.of(folder, name=card.name, steps=steps, features=card.features)
