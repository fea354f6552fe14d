"""Our text of metrics reads as the library's own does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from gridloom.monitor.exposition import text_of

FAMILIES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.floats(allow_nan=False) | st.integers(-(2**50), 2**50).map(float)


@st.composite
def families(draw: st.DrawFn) -> list[Metric]:
    made: list[Metric] = [InfoMetricFamily("m_run", draw(TEXTS), {"id": draw(TEXTS)})]
    for number, kind in enumerate(draw(st.lists(st.sampled_from(sorted(FAMILIES)), max_size=3))):
        family = FAMILIES[kind](f"m_{number}", draw(TEXTS), labels=["a", "b"])
        for labels in draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=3, unique=True)):
            family.add_metric(list(labels), draw(VALUES))
        made.append(family)
    return made


class Collector:
    """Gives families to a registry."""

    def __init__(self, made: list[Metric]) -> None:
        self._made = made

    def collect(self) -> list[Metric]:
        return self._made


def read(text: bytes) -> list[object]:
    found = text_string_to_metric_families(text.decode())
    return [(each.name, each.documentation, each.type, each.samples) for each in found]


@given(families())
def test_it_says_what_the_library_says(made: list[Metric]) -> None:
    registry = CollectorRegistry()
    registry.register(Collector(made))

    assert read(text_of(made)) == read(generate_latest(registry))
