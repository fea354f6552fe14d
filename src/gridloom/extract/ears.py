"""Who hears what a client does: what it counted, each request that it made, and words for people."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Count", "Hear", "uncounted", "unfollowed", "unheard"]


class Count(Protocol):
    """Takes what was just counted, such as `gridloom.dag.StepContext.add`."""

    def __call__(self, *, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
        """Adds to the counters: requests sent (repeated ones too), repeated ones, bytes of bodies."""


def uncounted(*, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
    """Counts nothing."""


def unheard(_text: str) -> None:
    """Tells nobody."""


class Hear(Protocol):
    """Hears of each request, such as `gridloom.dag.StepContext.request`."""

    def __call__(
        self, url: str, status: int, duration_s: float, /, *, resend: int = 0, size: int = 0
    ) -> None:
        """Hears of one: URL without query, status or 0, seconds, times asked before, bytes of its body."""


def unfollowed(_url: str, _status: int, _duration_s: float, /, *, resend: int = 0, size: int = 0) -> None:
    """Tells nobody."""
