"""What can be set on the stand-in server, and how versions of the API differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gridloom.errors import ConfigError
from gridloom.extract.replay.faults import Faults

__all__ = ["V2_1_4", "V2_1_8", "V2_1_14", "VERSIONS", "ApiVersion", "ReplayOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersion:
    """How one version of the API behaves where versions differ.

    Attributes:
        number: What answers say in ``apiVersion``.
        echoes_key: Whether answers repeat the key of the query in ``request.params``.
        not_found_status: HTTP status of an unknown route, whose body always says 404.
        numbers: Whether ``total`` and ``value`` are JSON numbers; texts if not.
        warnings_inside: Whether ``warnings`` stands in ``response``; before it if not.
        unordered: Probability that an answer has another order where the sort leaves it open.
        whole_unit: Whether equal coarse dates as ``start`` and ``end`` mean all hours of that unit;
            its first hour if not.
    """

    number: str
    echoes_key: bool
    not_found_status: int
    numbers: bool = False
    warnings_inside: bool = False
    unordered: float = 0.0
    whole_unit: bool = False


_UNSTABLE: Final = 0.75
"""Share of identical calls whose orders differed before version 2.1.9."""

V2_1_4: Final = ApiVersion(
    number="2.1.4",
    echoes_key=True,
    not_found_status=500,
    numbers=True,
    warnings_inside=True,
    unordered=_UNSTABLE,
)
"""Of March 2023."""

V2_1_8: Final = ApiVersion(number="2.1.8", echoes_key=True, not_found_status=500, unordered=_UNSTABLE)
"""Recorded in July 2025."""

V2_1_14: Final = ApiVersion(number="2.1.14", echoes_key=False, not_found_status=404, whole_unit=True)
"""Of September 2026."""

VERSIONS: Final = MappingProxyType({version.number: version for version in (V2_1_4, V2_1_8, V2_1_14)})
"""Every version that can be imitated, by its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Settings of a stand-in server.

    Attributes:
        key: The only key that is accepted; None accepts any that is not empty.
        key_in_header: Whether a key in the ``X-Api-Key`` header is seen. EIA's own documentation says
            that it is not, clients in use say that it is.
        latency_ms: Time that every answer takes longer, in milliseconds.
        version: The API version to imitate.
        faults: What goes wrong on purpose.

    Raises:
        ConfigError: If the latency is negative.
    """

    key: str | None = field(default=None, repr=False)
    key_in_header: bool = True
    latency_ms: float = 0.0
    version: ApiVersion = V2_1_8
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if not self.latency_ms >= 0:
            raise ConfigError(f"A latency of {self.latency_ms} ms is not possible. Use 0 or more.")
