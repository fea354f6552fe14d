"""What can be set on the stand-in server, and how versions of the API differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gridloom.errors import ConfigError

__all__ = ["V2_1_8", "ApiVersion", "ReplayOptions"]


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """How one version of the API behaves where versions differ.

    Attributes:
        number: What answers say in ``apiVersion``.
        echoes_key: Whether answers repeat the key of the query in ``request.params``.
        not_found_status: HTTP status of an unknown route, whose body always says 404.
    """

    number: str
    echoes_key: bool
    not_found_status: int


V2_1_8: Final = ApiVersion("2.1.8", echoes_key=True, not_found_status=500)
"""Recorded in July 2025."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """Settings of a stand-in server.

    Attributes:
        key: The only key that is accepted; None accepts any that is not empty.
        key_in_header: Whether a key in the ``X-Api-Key`` header is seen. EIA's own documentation says
            that it is not, clients in use say that it is.
        latency_ms: Time that every answer takes longer, in milliseconds.
        version: The API version to imitate.

    Raises:
        ConfigError: If the latency is negative.
    """

    key: str | None = field(default=None, repr=False)
    key_in_header: bool = True
    latency_ms: float = 0.0
    version: ApiVersion = V2_1_8

    def __post_init__(self) -> None:
        if not self.latency_ms >= 0:
            raise ConfigError(f"A latency of {self.latency_ms} ms is not possible. Use 0 or more.")
