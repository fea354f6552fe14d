"""The way to a collector that is slow, away for a while, or away for too long."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import chain

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.receivers import Receiver, receiver

from gridloom.errors import ListenerError
from gridloom.monitor.otlp import Otlp
from gridloom.monitor.otlp_settings import OtlpSettings

BATCH, MOST_KEPT = 2_048, 16_384


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def way_to(collector: Receiver, **environ: str) -> Otlp:
    """Returns the way of traces to a collector."""
    address = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRICS_EXPORTER": "none"}
    return Otlp(OtlpSettings.of({**address, **environ}), list)


def put(way: Otlp, first: int, last: int) -> None:
    for number in range(first, last):
        way.span(Span(name=str(number)).SerializeToString())


def batches(collector: Receiver) -> list[list[int]]:
    """Returns the spans of every request that was taken."""
    found = []
    for sent in collector.got:
        packed = sent.headers.get("content-encoding") == "gzip"
        message = ExportTraceServiceRequest.FromString(gzip.decompress(sent.body) if packed else sent.body)
        found.append([int(span.name) for span in message.resource_spans[0].scope_spans[0].spans])
    return found


def test_what_waits_is_not_sent_before_a_batch_is_full(collector: Receiver) -> None:
    way = way_to(collector)
    put(way, 0, BATCH - 1)
    way.send_due()
    early = batches(collector)
    put(way, BATCH - 1, BATCH)
    way.send_due()

    assert early == []
    assert batches(collector) == [list(range(BATCH))]


def test_all_is_sent_once_in_order_and_in_batches(collector: Receiver) -> None:
    way = way_to(collector)
    put(way, 0, 2 * BATCH + 5)
    way.send_all()
    way.send_all()

    sent = batches(collector)
    assert [len(each) for each in sent] == [BATCH, BATCH, 5]
    assert [*chain.from_iterable(sent)] == list(range(2 * BATCH + 5))


def test_bodies_are_packed_where_it_is_asked_for(collector: Receiver) -> None:
    way = way_to(collector, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    put(way, 0, 3)
    way.send_all()

    assert collector.got[0].headers["content-encoding"] == "gzip"
    assert batches(collector) == [[0, 1, 2]]


def test_what_a_collector_did_not_take_is_kept_until_it_does(collector: Receiver) -> None:
    collector.status = 503
    way = way_to(collector)
    put(way, 0, BATCH)
    way.send_due()
    assert len(collector.got) == 1

    collector.got.clear()
    collector.status = 200
    way.send_all()
    assert batches(collector) == [list(range(BATCH))]


def test_at_the_end_it_is_said_what_was_not_taken(collector: Receiver) -> None:
    collector.status = 503
    way = way_to(collector)
    put(way, 0, 1)

    with pytest.raises(ListenerError, match=r"503.*Check OTEL_EXPORTER_OTLP_ENDPOINT, and that it takes"):
        way.send_all()


def test_of_a_collector_that_was_away_for_too_long_the_newest_are_kept(collector: Receiver) -> None:
    collector.status = 503
    way = way_to(collector)
    for first in range(0, MOST_KEPT + 2 * BATCH, BATCH):
        put(way, first, first + BATCH)
        way.send_due()
    collector.got.clear()
    collector.status = 200

    with pytest.raises(ListenerError, match=r"gone for so long that 4,096 of its records are lost\.$"):
        way.send_all()
    assert [*chain.from_iterable(batches(collector))] == list(range(2 * BATCH, MOST_KEPT + 2 * BATCH))
