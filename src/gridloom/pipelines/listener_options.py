"""Who is to listen to a run besides the terminal: one model that flags and the environment fill.

These are no settings of a pipeline: they change nothing about what is made, stand in no fingerprint and in no
recipe. `listeners` makes the sinks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from gridloom.errors import ConfigError
from gridloom.extras import has
from gridloom.files import given_path
from gridloom.monitor.alerts import OCCASIONS, Occasion, WebhookAlerts
from gridloom.monitor.otlp_settings import speaks_http
from gridloom.monitor.post import checked_url
from gridloom.pipelines.wording import as_flag

__all__ = ["LISTENER_HELP", "NOBODY", "REPEATED", "ListenerOptions"]

_ADDRESS: Final = re.compile(r"(?:(?P<host>[^:\s\[\]]+|\[[0-9A-Fa-f:]+\]):)?(?P<port>\d{1,5})")
_LOOPBACK: Final = "127.0.0.1"
_MOST_PORT: Final = 65_535
_ENVIRONMENT: Final = {"lineage": "OPENLINEAGE_URL", "notify": "GRIDLOOM_NOTIFY"}
"""Where an option is read from if no flag gives it."""
_OTLP: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Where one of these is set, a collector is to be told, unless it is one for gRPC."""

LISTENER_HELP: Final = {
    "metrics_port": (
        "[HOST:]PORT",
        "Serve metrics for Prometheus while the run works.  [default host: 127.0.0.1]",
    ),
    "metrics_textfile": (
        "FILE.prom",
        "Write the metrics at the end, for the node exporter's textfile collector.",
    ),
    "pushgateway": ("URL", "Send the metrics to a Prometheus Pushgateway at the end."),
    "otel": (
        "",
        (
            "Send a trace, metrics and logs by OTLP over HTTP, as the OTEL_* environment says.  [default: "
            "where OTEL_EXPORTER_OTLP_ENDPOINT is set]"
        ),
    ),
    "lineage": (
        "FILE|URL",
        "Add OpenLineage events to a file, or send them to a server.  [environment: OPENLINEAGE_URL]",
    ),
    "mlflow": (
        "URI",
        (
            "Log the run with its params, metrics and files to MLflow, for example sqlite:///mlflow.db.  "
            "[default: MLFLOW_TRACKING_URI where the extra 'mlflow' is installed]"
        ),
    ),
    "notify": (
        "URL",
        (
            "Send a message where a run fails, works again, or found its data wanting; in Slack's form with "
            "'slack:' before the URL. May be repeated.  [environment: GRIDLOOM_NOTIFY]"
        ),
    ),
    "notify_on": ("A,B", f"What to send messages about.  [default: {','.join(OCCASIONS)}]"),
}
"""Metavar (none for a switch) and help text of every option, in the order of the help."""

REPEATED: Final = frozenset({"notify"})
"""Options that may be given more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """Who is to listen; the addresses are no part of its ``repr``, for they may hold secrets.

    Attributes:
        metrics_port: Host and port to be scraped at.
        metrics_textfile: File for the textfile collector.
        pushgateway: URL of a Pushgateway.
        otel: Whether to tell an OpenTelemetry collector.
        lineage: File or URL for OpenLineage events.
        mlflow: URI of MLflow's tracking store.
        notify: URLs of webhooks.
        notify_on: What to send messages about.
    """

    metrics_port: tuple[str, int] | None = None
    metrics_textfile: Path | None = None
    pushgateway: str | None = None
    otel: bool = False
    lineage: str | None = None
    mlflow: str | None = None
    notify: tuple[str, ...] = ()
    notify_on: tuple[Occasion, ...] = OCCASIONS

    def __repr__(self) -> str:
        given = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        return f"{type(self).__name__}({', '.join(f'{name}=…' for name in given)})"

    @classmethod
    def of(cls, flags: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ) -> Self:
        """Returns the options of flags, and of the environment where no flag speaks.

        Args:
            flags: Texts by the names in `LISTENER_HELP`, several as a tuple where they may be repeated; None,
                an empty tuple and absent count as not given.
            environ: ``GRIDLOOM_NOTIFY`` is read, and the names of OpenTelemetry, OpenLineage and MLflow.

        Raises:
            ConfigError: If one cannot be used; addresses are not repeated.
        """
        given = {name: value for name, value in flags.items() if value is not None and value != ()}
        for name, value in given.items():
            if "" in (value if isinstance(value, tuple) else (value,)):
                raise ConfigError(f"{as_flag(name)} is empty. Leave it out, or give it a value.")
        for name, variable in _ENVIRONMENT.items():
            if name not in given and (value := environ.get(variable, "").strip()):
                # what stands in OPENLINEAGE_URL is a server's for every other program
                given[name] = checked_url(value, variable) if name == "lineage" else value
        if any(environ.get(variable) for variable in _OTLP) and speaks_http(environ):
            given.setdefault("otel", True)
        if environ.get("MLFLOW_TRACKING_URI", "").strip() and has("mlflow"):
            given.setdefault("mlflow", environ["MLFLOW_TRACKING_URI"].strip())
        for switch, name in (("OTEL_SDK_DISABLED", "otel"), ("OPENLINEAGE_DISABLED", "lineage")):
            if environ.get(switch, "").lower() == "true":
                given.pop(name, None)
        return cls(**{name: _READERS[name](value) for name, value in given.items()})


NOBODY: Final = ListenerOptions()
"""Nobody listens."""


def _address(text: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 1 <= int(match["port"]) <= _MOST_PORT:
        raise ConfigError(
            f"--metrics-port takes a port from 1 to {_MOST_PORT:,}, or HOST:PORT, got '{text}'. Write for "
            "example --metrics-port 9464, or 0.0.0.0:9464 to be reached from other machines."
        )
    return (match["host"] or _LOOPBACK).strip("[]"), int(match["port"])


def _textfile(text: str) -> Path:
    if not text.endswith(".prom"):
        raise ConfigError(
            f"--metrics-textfile takes a file whose name ends in .prom, got '{text}': the textfile collector "
            "reads no other."
        )
    return _path("metrics_textfile", text)


def _occasions(text: str) -> tuple[Occasion, ...]:
    words = [word.strip() for word in text.split(",")]
    unknown = [word for word in words if word not in OCCASIONS]
    if unknown:
        raise ConfigError(f"--notify-on takes {', '.join(OCCASIONS)}, with commas between, got '{text}'.")
    return tuple(each for each in OCCASIONS if each in words)


def _webhooks(given: str | tuple[str, ...]) -> tuple[str, ...]:
    urls = (given,) if isinstance(given, str) else given
    for url in urls:
        WebhookAlerts(url)  # raises if that is no URL
    return tuple(dict.fromkeys(urls))


def _lineage(text: str) -> str:
    if "://" in text:
        return checked_url(text, "--lineage", "a file, or an http or https URL")
    path = _path("lineage", text)
    if path.is_dir():
        raise ConfigError(f"--lineage takes a file or a URL, and '{path}' is a folder. Name a file in it.")
    return str(path)


def _path(name: str, text: str) -> Path:
    try:
        return given_path(text)
    except ValueError as error:
        raise ConfigError(f"{as_flag(name)} cannot be '{text}': {error}.") from None


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "metrics_port": _address,
    "metrics_textfile": _textfile,
    "pushgateway": lambda text: checked_url(text, "--pushgateway"),
    "otel": bool,
    "lineage": _lineage,
    "mlflow": lambda text: checked_url(text, "--mlflow") if text.startswith("http") else text,
    "notify": _webhooks,
    "notify_on": _occasions,
}
