"""Every kind of listener and how it is turned on, for tests that hold for all of them."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.receivers import Receiver


@dataclass(frozen=True)
class Kind:
    """A kind of listener.

    Attributes:
        flags: Its options of the command line, by their names, from a folder and a receiver's URL.
        environ: Variables that it needs besides, from the same.
        sends: Whether it sends to the receiver.
    """

    flags: Callable[[Path, str], Mapping[str, str | bool]]
    environ: Callable[[Path, str], Mapping[str, str]] = field(default=lambda _folder, _url: {})
    sends: bool = True


KINDS: Mapping[str, Kind] = {
    "scraped": Kind(lambda _folder, _url: {"metrics_port": str(free_port())}, sends=False),
    "textfile": Kind(lambda folder, _url: {"metrics_textfile": str(folder / "m.prom")}, sends=False),
    "pushgateway": Kind(lambda _folder, url: {"pushgateway": url}),
    "otel": Kind(
        lambda _folder, _url: {"otel": True},
        lambda _folder, url: {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
    ),
    "lineage file": Kind(lambda folder, _url: {"lineage": str(folder / "lineage.jsonl")}, sends=False),
    "lineage server": Kind(lambda _folder, url: {"lineage": url}),
    "mlflow": Kind(
        lambda folder, _url: {"mlflow": (folder / "mlflow").as_uri()},
        lambda _folder, _url: {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"},
        sends=False,
    ),
    "mlflow server": Kind(
        lambda _folder, url: {"mlflow": url},
        lambda _folder, _url: {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_DISABLE_TELEMETRY": "true"},
    ),
    "notify": Kind(lambda _folder, url: {"notify": f"{url}/hook"}),
    "slack": Kind(lambda _folder, url: {"notify": f"slack:{url}/hook"}),
}


def free_port() -> int:
    """Returns a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def sent(receiver: Receiver) -> Iterator[bytes]:
    """Yields all that came to a receiver: lines of requests, headers, and bodies, unpacked too."""
    for each in receiver.got:
        yield f"{each.method} {each.path} {each.headers}".encode()
        yield each.body
        if each.headers.get("content-encoding") == "gzip":
            yield gzip.decompress(each.body)
