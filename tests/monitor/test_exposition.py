"""Our text of metrics reads as the library's own does."""

from __future__ import annotations

from typing import get_args, get_type_hints

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gridloom.monitor.exposition import Series, metric_of, text_of

KINDS = get_args(get_type_hints(Series)["kind"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.floats(allow_nan=False) | st.integers(-(2**50), 2**50)


@st.composite
def several(draw: st.DrawFn) -> list[Series]:
    return [
        Series(
            f"m_{number}",
            kind,
            draw(TEXTS),
            ("a", "b"),
            draw(
                st.lists(st.tuples(st.tuples(TEXTS, TEXTS), VALUES), max_size=3, unique_by=lambda it: it[0])
            ),
        )
        for number, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), max_size=4)))
    ]


class Collector:
    """Gives series to a registry."""

    def __init__(self, made: list[Series]) -> None:
        self._made = made

    def collect(self) -> list[Metric]:
        return [metric_of(each) for each in self._made]


def read(text: bytes) -> list[object]:
    found = text_string_to_metric_families(text.decode())
    return [(each.name, each.documentation, each.type, each.samples) for each in found]


@given(several())
def test_it_says_what_the_library_says(made: list[Series]) -> None:
    registry = CollectorRegistry()
    registry.register(Collector(made))

    assert read(text_of(made)) == read(generate_latest(registry))
