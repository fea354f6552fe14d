"""Series for Prometheus, and their text; their names and labels are our own.

The library's writer looks at each name of each sample again and takes five times as long; of a run of a
thousand steps that would be more than all else that the metrics cost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["Series", "metric_of", "text_of"]

_SUFFIXES: Final = {"counter": "_total", "gauge": "", "info": "_info"}
_UNFIT: Final = re.compile(r'[\\\n"]')
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Series(NamedTuple):
    """All series of one name.

    Attributes:
        name: Name, without what its kind adds to it.
        kind: What they are.
        about: What they say, for a person.
        labels: Names of the labels; at least one.
        points: Values of the labels of each, and its own.
    """

    name: str
    kind: Literal["counter", "gauge", "info"]
    about: str
    labels: tuple[str, ...]
    points: Sequence[tuple[tuple[str, ...], float]]


def text_of(series: Iterable[Series]) -> bytes:
    """Returns series in the text format, version 0.0.4."""
    return "".join(line for each in series for line in _lines(each)).encode()


def metric_of(series: Series) -> Metric:
    """Returns series as the library has them."""
    from prometheus_client.metrics_core import Metric  # noqa: PLC0415 - comes with an extra

    metric = Metric(series.name, series.about, series.kind)
    for values, number in series.points:
        labels = dict(zip(series.labels, values, strict=True))
        metric.add_sample(series.name + _SUFFIXES[series.kind], labels, number)
    return metric


def _lines(series: Series) -> Iterator[str]:
    name = series.name + _SUFFIXES[series.kind]
    kind = "gauge" if series.kind == "info" else series.kind
    yield f"# HELP {name} {series.about.translate(_HELP_ESCAPES)}\n# TYPE {name} {kind}\n"
    labels = ",".join(f'{label}="%s"' for label in series.labels)
    line = f"{name}{{{labels}}} %r\n"
    # of a thousand steps none has a name that needs it: one look at all of them is cheaper than one at each
    unfit = _UNFIT.search("".join(chain.from_iterable(values for values, _ in series.points)))
    for values, number in series.points:
        shown = [value.translate(_ESCAPES) for value in values] if unfit else values
        yield line % (*shown, float(number))
