"""The HTTP client: GET requests with a key, retries and a limit, and errors in words without the key."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlsplit

import httpx2
import stamina
from pydantic import SecretStr

from gridloom import __version__
from gridloom.errors import GridLoomError, SourceAnswerError
from gridloom.extract.answers import Judgement, Verdict, judge, retry_after_s
from gridloom.extract.failures import Backoff, Failure, failure_of, transport_failure
from gridloom.extract.limiter import RateLimiter
from gridloom.extract.query import LONGEST_QUERY, as_header, as_query
from gridloom.extract.secret import Scrubber, quiet_logs

__all__ = ["Answer", "Count", "EIAClient", "uncounted"]

_CONNECT_S: Final = 10.0


class Count(Protocol):
    """Takes what was just counted, such as `gridloom.dag.StepContext.add`."""

    def __call__(self, *, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
        """Adds to the counters: requests sent (repeated ones too), repeated ones, bytes of bodies."""


def uncounted(*, requests: int = 0, retries: int = 0, bytes_received: int = 0) -> None:
    """Counts nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with data.

    Attributes:
        body: The body, uncompressed, as sent.
        packed: The body as the server's gzip; None where it was not sent so.
    """

    body: bytes
    packed: bytes | None


class EIAClient:
    """Asks one API; use it as an async context manager.

    The key travels in the ``X-Api-Key`` header. Where the server answers ``API_KEY_MISSING`` to that, it
    travels in the query from then on.

    Args:
        base_url: URL with the API's version, without a slash at its end.
        key: The key; None sends none.
        limiter: Says when a request may start; None lets all start at once.
        concurrency: Requests in flight at most.
        timeout_s: Seconds of silence after which a request is given up.
        transport: What carries the requests; by default the network.
        local: Whether the server is on this machine, so that no proxy is used.
        count: Called with what was counted.
        backoff: How often and after which waits failed requests are repeated.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: SecretStr | None = None,
        limiter: RateLimiter | None = None,
        concurrency: int = 5,
        timeout_s: float = 60.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        local: bool = False,
        count: Count = uncounted,
        backoff: Backoff | None = None,
    ) -> None:
        quiet_logs()
        self.scrubber = Scrubber(key)
        self._base_url = base_url
        self._key = key.get_secret_value() if key is not None else ""
        # Any text may be a key, but not any text can be a header.
        self._key_in_query = not (
            self._key.isascii() and self._key.isprintable() and self._key == self._key.strip()
        )
        self._limiter = limiter
        self._slots = asyncio.Semaphore(concurrency)
        self._count = count
        self._backoff = backoff or Backoff()
        self._answered = False
        self._http = httpx2.AsyncClient(
            transport=transport,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": f"gridloom/{__version__}",
            },
            # A redirect would carry the key to whoever the server names.
            follow_redirects=False,
            trust_env=not local,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    @property
    def server(self) -> str:
        """The server as shown to people: host and port."""
        return urlsplit(self._base_url).netloc

    async def get(self, path: str, parameters: dict[str, Any] | None = None) -> Answer:
        """Returns the answer with data at `path`, after as many tries as it takes within the limits.

        Args:
            path: Path below the base URL.
            parameters: The parameter tree, see `gridloom.extract.query`.

        Raises:
            SourceUnreachableError: If no usable answer came, whatever was tried.
            KeyRejectedError: If the server refuses the key.
            SourceAnswerError: If it refuses the request, or answers with something else than the API does.
        """
        tries = 0

        def again(error: Exception) -> bool | float:
            nonlocal tries
            tries += 1
            if not isinstance(error, Failure) or tries >= error.tries:
                return False
            self._count(retries=1)
            return True if error.wait_s is None else error.wait_s

        given_up: GridLoomError | None = None
        try:
            async for attempt in stamina.retry_context(
                on=again, attempts=None, timeout=None, **self._backoff.waits
            ):
                with attempt:
                    return await self._try(path, parameters or {})
        except Failure as failure:
            given_up = failure.error(tries)
        # Raised out here, so that no exception of the HTTP library, which holds the request, hangs on to it.
        raise given_up or SourceAnswerError(f"{self.server} was asked for nothing.")

    async def _try(self, path: str, parameters: dict[str, Any]) -> Answer:
        in_query = self._key_in_query
        answer, judgement, wait_s = await self._send(path, parameters, in_query=in_query)
        if judgement.verdict is Verdict.KEY_MISSING and self._key and not in_query:
            self._key_in_query = True
            answer, judgement, wait_s = await self._send(path, parameters, in_query=True)
        if judgement.verdict is Verdict.DATA:
            self._answered = True
            return answer
        if wait_s and self._limiter:
            self._limiter.hold(wait_s)
        words = Judgement(judgement.verdict, self.scrubber.text(judgement.words))
        raise failure_of(words, self.server, self._backoff, answered=self._answered, wait_s=wait_s)

    async def _send(
        self, path: str, parameters: dict[str, Any], *, in_query: bool
    ) -> tuple[Answer, Judgement, float | None]:
        url, headers = self._request(path, parameters, in_query=in_query)
        failure: Failure | None = None
        async with self._slots:
            if self._limiter:
                await self._limiter.acquire()
            self._count(requests=1)
            try:
                async with self._http.stream("GET", url, headers=headers) as response:
                    sent = b"".join([chunk async for chunk in response.aiter_raw()])
            except httpx2.TransportError as error:
                failure = self._lost(error)
        if failure:
            raise failure
        self._count(bytes_received=len(sent))
        packed = sent if response.headers.get("content-encoding", "").strip().lower() == "gzip" else None
        try:
            body = sent if packed is None else gzip.decompress(packed)
        except (OSError, EOFError, zlib.error):
            broken = Judgement(Verdict.GARBLED, f"HTTP {response.status_code} with broken gzip")
            return Answer(b"", None), broken, None
        wait_s = retry_after_s(response.headers.get("retry-after"))
        return Answer(body, packed), judge(response.status_code, body), wait_s

    def _lost(self, error: httpx2.TransportError) -> Failure:
        return transport_failure(
            connecting=isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)),
            reason=self.scrubber.text(str(error).strip() or type(error).__name__),
            server=self.server,
            backoff=self._backoff,
            answered=self._answered,
        )

    def _request(
        self, path: str, parameters: dict[str, Any], *, in_query: bool
    ) -> tuple[str, dict[str, str]]:
        query, headers = as_query(parameters), {}
        if len(query) > LONGEST_QUERY:
            query, headers["X-Params"] = "", as_header(parameters)
        if self._key and in_query:
            query = "&".join(part for part in (query, f"api_key={quote(self._key, safe='')}") if part)
        elif self._key:
            headers["X-Api-Key"] = self._key
        url = f"{self._base_url}/{path}"
        return (f"{url}?{query}" if query else url), headers
