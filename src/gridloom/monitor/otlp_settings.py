"""What the standard ``OTEL_*`` environment says of where telemetry goes, how, and whose it is.

Variables that are read: ``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_TRACES_SAMPLER`` with its
``_ARG``, ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER``, ``OTEL_METRIC_EXPORT_INTERVAL``, and of
``OTEL_EXPORTER_OTLP_*`` the endpoint, headers, timeout, compression, protocol, certificate, client key and
client certificate, each also for one signal, such as ``OTEL_EXPORTER_OTLP_TRACES_HEADERS``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from gridloom import __version__
from gridloom.errors import ConfigError
from gridloom.monitor.otlp_records import SIGNALS, Signal
from gridloom.monitor.post import TIMEOUT_S, TlsFiles, checked_url

__all__ = ["ENDPOINT", "OtlpSettings", "Target", "speaks_http"]

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_DEFAULT_ENDPOINT: Final = "http://localhost:4318"
_PROTOCOL: Final = "http/protobuf"
_RATIO: Final = "traceidratio"
_SAMPLERS: Final = ("always_on", "always_off", _RATIO)
_PARENT: Final = "parentbased_"
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """Where one signal goes.

    Attributes:
        url: Where to.
        headers: Further headers; they may hold secrets.
        timeout_s: Longest silence in seconds.
        gzipped: Whether what is sent is packed.
        tls: Certificates, where they are not the system's.
    """

    url: str
    headers: Mapping[str, str]
    timeout_s: float
    gzipped: bool
    tls: TlsFiles

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """What the environment says.

    Attributes:
        targets: Where each signal goes; one that is not to be sent is absent.
        resource: Who says it.
        sampler: Name of the sampler.
        ratio: What part of the traces is kept, where the sampler asks for it.
        metrics_every_s: How often metrics are sent while a run works.
    """

    targets: Mapping[Signal, Target]
    resource: Mapping[str, str]
    sampler: str
    ratio: float
    metrics_every_s: float

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> OtlpSettings:
        """Returns what an environment says.

        Raises:
            ConfigError: If something of it cannot be used.
        """
        sampler = environ.get("OTEL_TRACES_SAMPLER") or f"{_PARENT}always_on"
        if sampler.removeprefix(_PARENT) not in _SAMPLERS:
            known = ", ".join([*_SAMPLERS, *(_PARENT + name for name in _SAMPLERS)])
            raise ConfigError(f"OTEL_TRACES_SAMPLER is '{sampler}'. Choose from {known}.")
        ratio = _number(environ, "OTEL_TRACES_SAMPLER_ARG", 1.0)
        if ratio > 1:
            raise ConfigError(f"OTEL_TRACES_SAMPLER_ARG takes a number from 0 to 1, got {ratio:g}.")
        return cls(
            targets={signal: target for signal in SIGNALS if (target := _target(signal, environ))},
            resource=_resource(environ),
            sampler=sampler,
            ratio=ratio,
            metrics_every_s=_number(environ, "OTEL_METRIC_EXPORT_INTERVAL", 60_000.0) / 1000.0,
        )

    def samples(self, trace: bytes, *, parent: bool | None) -> bool:
        """Returns whether the spans of a trace are told.

        Args:
            trace: Its id.
            parent: Whether those of the trace that the run stands in are; None if it stands in none.
        """
        if parent is not None and self.sampler.startswith(_PARENT):
            return parent
        name = self.sampler.removeprefix(_PARENT)
        if name == _RATIO:
            return int.from_bytes(trace[8:], "big") < self.ratio * 2.0**64
        return name == "always_on"


def speaks_http(environ: Mapping[str, str]) -> bool:
    """Returns whether the collector of an environment is one for OTLP over HTTP."""
    return (environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or _PROTOCOL) == _PROTOCOL


def _target(of: Signal, environ: Mapping[str, str]) -> Target | None:
    signal = of.upper()

    def said(name: str) -> tuple[str, str]:
        names = (f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}")
        return next(
            ((each, environ[each].strip()) for each in names if environ.get(each, "").strip()), ("", "")
        )

    exporter = environ.get(f"OTEL_{signal}_EXPORTER") or "otlp"
    if exporter == "none":
        return None
    if exporter != "otlp":
        raise ConfigError(f"OTEL_{signal}_EXPORTER takes otlp or none, got '{exporter}'.")
    name, protocol = said("PROTOCOL")
    if protocol not in {"", _PROTOCOL}:
        raise ConfigError(
            f"{name} is '{protocol}', and GridLoom speaks {_PROTOCOL} only. Set it to that, and "
            f"{ENDPOINT} to where the collector listens for HTTP, usually port 4318."
        )
    name, compression = said("COMPRESSION")
    if compression not in {"", "none", "gzip"}:
        raise ConfigError(f"{name} takes gzip or none, got '{compression}'.")
    name, _ = said("TIMEOUT")
    return Target(
        url=_url(signal, *said("ENDPOINT")),
        headers=_headers(*said("HEADERS")),
        timeout_s=_number(environ, name, TIMEOUT_S * 1000) / 1000 if name else TIMEOUT_S,
        gzipped=compression == "gzip",
        tls=TlsFiles(said("CERTIFICATE")[1], said("CLIENT_CERTIFICATE")[1], said("CLIENT_KEY")[1]),
    )


def _url(signal: str, name: str, endpoint: str) -> str:
    url = checked_url(endpoint or _DEFAULT_ENDPOINT, name or ENDPOINT)
    # what is given for one signal is the whole address
    return url if signal in name.split("_") else f"{url.rstrip('/')}/v1/{signal.lower()}"


def _headers(name: str, text: str) -> dict[str, str]:
    return {key.lower(): value for key, value in _pairs(name, text).items()}


def _resource(environ: Mapping[str, str]) -> dict[str, str]:
    named = _pairs("OTEL_RESOURCE_ATTRIBUTES", environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    service = environ.get("OTEL_SERVICE_NAME") or named.get("service.name") or "gridloom"
    sdk = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "gridloom",
        "telemetry.sdk.version": __version__,
    }
    return {"service.version": __version__, **sdk, **named, "service.name": service}


def _pairs(name: str, text: str) -> dict[str, str]:
    """Returns pairs written as ``key=value,key=value``, with what a URL could not hold as ``%20``."""
    found = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not _HEADER.fullmatch(key.strip()) or not unquote(value).strip().isprintable():
            raise ConfigError(
                f"{name} takes pairs such as key=value,other=value; one of them is something else (not "
                "repeated here, for it may hold a secret)."
            )
        found[key.strip()] = unquote(value).strip()
    return found


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{name} takes a number that is not negative, got '{text}'.")
    return value
