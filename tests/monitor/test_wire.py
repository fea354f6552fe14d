"""What is written by hand reads as OpenTelemetry's own definitions have it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gridloom.monitor.otlp_records import Histogram, Ids, exception, facts, gauge, histogram, log, span, total
from gridloom.monitor.wire import Fact, any_value, attribute, varint

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
WHOLE = st.integers(-(2**63), 2**63 - 1)
FACTS = TEXTS | st.booleans() | WHOLE | st.floats(allow_nan=False)
TIMES = st.integers(0, 2**63 - 1)
IDS = Ids(b"t" * 16, b"s" * 8, b"p" * 8)


def value(of: AnyValue) -> object:
    return getattr(of, of.WhichOneof("value"))


@given(FACTS)
def test_a_value_of_any_type_reads_the_same(fact: Fact) -> None:
    found = value(AnyValue.FromString(any_value(fact)))

    assert found == fact
    assert type(found) is type(fact)


@given(TEXTS, FACTS)
def test_an_attribute_is_its_key_and_value(key: str, fact: Fact) -> None:
    (found,) = Span.FromString(attribute(9, key, fact)).attributes

    assert (found.key, value(found.value)) == (key, fact)
    assert isinstance(found, KeyValue)


@given(st.integers(0, 2**64 - 1))
def test_a_number_takes_seven_bits_a_byte(number: int) -> None:
    written = varint(number)

    assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(written)) == number
    assert [byte >> 7 for byte in written] == [1] * (len(written) - 1) + [0]


@given(TEXTS, TIMES, TIMES, st.none() | TEXTS)
def test_a_span_reads_the_same(name: str, start: int, end: int, error: str | None) -> None:
    fields = facts({"a": 1, "empty": ""}) + exception(start, "ValueError", name)
    found = Span.FromString(span(IDS, name, start, end, fields, error=error))

    assert (found.trace_id, found.span_id, found.parent_span_id) == (IDS.trace, IDS.span, IDS.parent)
    assert (found.name, found.start_time_unix_nano) == (name, start)
    assert found.end_time_unix_nano == max(start, end)
    assert [each.key for each in found.attributes] == ["a"]
    assert [each.time_unix_nano for each in found.events] == [start]
    wrong = Status.STATUS_CODE_ERROR if error is not None else Status.STATUS_CODE_UNSET
    assert (found.status.code, found.status.message) == (wrong, error or "")


@given(TEXTS, TIMES)
def test_a_log_record_reads_the_same(words: str, at: int) -> None:
    found = LogRecord.FromString(log(IDS, at, "warning", words, {"step": "a"}, sampled=True))

    assert (found.body.string_value, found.time_unix_nano) == (words, at)
    assert (found.severity_text, found.trace_id, found.span_id) == ("WARN", IDS.trace, IDS.span)
    assert found.flags == 1


@given(st.lists(st.floats(0, 100), max_size=20))
def test_a_histogram_holds_each_duration_once(durations: list[float]) -> None:
    taken = Histogram()
    for each in durations:
        taken.add(each)
    (point,) = Metric.FromString(
        histogram("h", "About.", [({"a": "b"}, taken)], started_ns=1, at_ns=2)
    ).histogram.data_points

    assert point.count == sum(point.bucket_counts) == len(durations)
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    below = sum(1 for each in durations if each <= point.explicit_bounds[0])
    assert point.bucket_counts[0] == below


def test_counters_rise_and_gauges_do_not_say_so() -> None:
    rising = Metric.FromString(total("t", "1", "About.", [({}, 3)], started_ns=1, at_ns=2)).sum
    free = Metric.FromString(gauge("g", "1", "About.", [({}, 0.5)], at_ns=2)).gauge

    assert (rising.is_monotonic, rising.data_points[0].as_int) == (True, 3)
    assert free.data_points[0].as_double == 0.5
