"""Connecting: from a source and its settings to a client that asks it.

The sample's server is started on demand and ends with the last who asks it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import httpx2
from pydantic import SecretStr

from gridloom.errors import KeyMissingError
from gridloom.extract.client import Count, EIAClient, uncounted
from gridloom.extract.failures import Backoff
from gridloom.extract.limiter import shared_limiter
from gridloom.extract.secret import KEY_VARIABLE, resolve_key
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
) -> AsyncIterator[EIAClient]:
    """Gives a client of `source` for as long as the block lasts.

    Args:
        source: Whom to ask.
        api_key: The key; by default that of the environment.
        rate_limit: Requests per second.
        concurrency: Requests in flight at most.
        timeout_s: Seconds of silence after which a request is given up.
        transport: What carries the requests; by default the network.
        count: Called with what was counted.
        backoff: How often and after which waits failed requests are repeated.

    Raises:
        KeyMissingError: If the source needs a key and there is none.
    """
    with ExitStack() as stack:
        base_url, key = source.base_url, resolve_key(api_key)
        if source.is_sample:
            # Imported here: only the sample needs the server's libraries.
            from gridloom.extract.replay import sample_server  # noqa: PLC0415

            base_url, key = stack.enter_context(sample_server()).url, _SAMPLE_KEY
        if key is None:
            raise KeyMissingError(
                f"{base_url} needs an API key and none is set. Set {KEY_VARIABLE} to your key, "
                "which is free at https://www.eia.gov/opendata/register.php."
            )
        per_s = source.per_s(rate_limit)
        async with EIAClient(
            base_url,
            key=key,
            limiter=None if per_s is None else shared_limiter(source.identity, per_s),
            concurrency=concurrency,
            timeout_s=timeout_s,
            transport=transport,
            local=source.is_loopback,
            count=count,
            backoff=backoff,
        ) as client:
            yield client
