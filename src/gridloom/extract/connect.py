"""Connecting: from a source and its settings to a client that asks it.

The sample's server is started on demand and ends with the last who asks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import httpx2
from pydantic import SecretStr

from gridloom.errors import KeyMissingError
from gridloom.extract.circuit import GIVE_UP_AFTER_S, shared_circuit
from gridloom.extract.client import EIAClient
from gridloom.extract.ears import Count, Hear, uncounted, unfollowed, unheard
from gridloom.extract.failures import Backoff
from gridloom.extract.keys import KEY_WAYS, resolve_key
from gridloom.extract.limiter import RateLimiter, shared_limiter
from gridloom.extract.source import RateLimit, Source

__all__ = ["connected"]

_SAMPLE_KEY: Final = SecretStr("sample")  # the user's own key is nobody's business here


@asynccontextmanager
async def connected(
    source: Source,
    *,
    api_key: SecretStr | None = None,
    rate_limit: RateLimit = None,
    concurrency: int = 5,
    timeout_s: float = 60.0,
    transport: httpx2.AsyncBaseTransport | None = None,
    count: Count = uncounted,
    backoff: Backoff | None = None,
    give_up_after_s: float = GIVE_UP_AFTER_S,
    tell: Callable[[str], None] = unheard,
    pace: Callable[[float], None] | None = None,
    hear: Hear = unfollowed,
) -> AsyncIterator[EIAClient]:
    """Gives a client of `source` for as long as the block lasts.

    Args:
        source: Whom to ask.
        api_key: The key; by default the one that `resolve_key` finds.
        rate_limit: Requests per second.
        concurrency: Requests in flight at most.
        timeout_s: Seconds of silence after which a request is given up.
        transport: What carries the requests; by default the network.
        count: Called with what was counted.
        backoff: How often and after which waits failed requests are repeated.
        give_up_after_s: Seconds without any good answer after which to give up.
        tell: Hears what a person should know, such as that everyone slows down.
        pace: Hears how many requests a second may start, whenever that has changed.
        hear: Hears of each request that was made.

    Raises:
        KeyMissingError: If the source needs a key and there is none.
    """
    with ExitStack() as stack:
        if source.is_sample:
            # Imported here: only the sample needs the server's libraries.
            from gridloom.extract.replay import sample_server  # noqa: PLC0415

            base_url, key = stack.enter_context(sample_server()).url, _SAMPLE_KEY
        else:
            base_url, key = source.base_url, _key_for(source, api_key)
        per_s = source.per_s(rate_limit)
        limiter = None if per_s is None else shared_limiter(source.identity, per_s)
        async with EIAClient(
            base_url,
            key=key,
            limiter=limiter,
            concurrency=concurrency,
            timeout_s=timeout_s,
            transport=transport,
            local=source.is_loopback,
            count=_Paced(limiter, count, pace) if limiter and pace else count,
            backoff=backoff,
            circuit=shared_circuit(base_url, key, give_up_after_s),
            tell=tell,
            hear=hear,
        ) as client:
            yield client


class _Paced:
    """Counts, and tells what the limiter allows where that has changed since the last count."""

    def __init__(self, limiter: RateLimiter, count: Count, pace: Callable[[float], None]) -> None:
        self._limiter, self._count, self._pace = limiter, count, pace
        self._said_per_s = 0.0

    def __call__(self, *, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
        self._count(requests=requests, retries=retries, bytes_received=bytes_received)
        per_s = self._limiter.state.per_s
        if per_s != self._said_per_s:
            self._said_per_s = per_s
            self._pace(per_s)


def _key_for(source: Source, api_key: SecretStr | None) -> SecretStr:
    key = resolve_key(api_key)
    if key is None:
        raise KeyMissingError(f"{source.base_url} needs an API key and there is none. {KEY_WAYS}")
    return key
