"""Prometheus' text format, of metrics whose names and labels are our own.

The library's writer looks at each name of each sample again and takes five times as long; of a run of a
thousand steps that would be more than all else that the metrics cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["text_of"]

_SUFFIXES: Final = {"counter": "_total", "info": "_info"}
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def text_of(metrics: Iterable[Metric]) -> bytes:
    """Returns metrics in the text format, version 0.0.4."""
    return "".join(line for metric in metrics for line in _lines(metric)).encode()


def _lines(metric: Metric) -> Iterator[str]:
    name = metric.name + _SUFFIXES.get(metric.type, "")
    kind = "gauge" if metric.type == "info" else metric.type
    yield f"# HELP {name} {metric.documentation.translate(_HELP_ESCAPES)}\n# TYPE {name} {kind}\n"
    for sample in metric.samples:
        labels = ",".join([f'{key}="{_escaped(value)}"' for key, value in sample.labels.items()])
        yield f"{sample.name}{{{labels}}} {float(sample.value)!r}\n"


def _escaped(value: str) -> str:
    return value if value.isalnum() else value.translate(_ESCAPES)
