"""The HTTP client: GET requests with a key, retries and a limit, and errors in words without the key."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import stamina
from pydantic import SecretStr

from gridloom import __version__
from gridloom.errors import GridLoomError, SourceAnswerError
from gridloom.extract.answers import Judgement, Verdict, judge, retry_after_s
from gridloom.extract.bodies import Answer, Reading, read_body
from gridloom.extract.circuit import Circuit
from gridloom.extract.ears import Count, Hear, uncounted, unfollowed, unheard
from gridloom.extract.failures import Backoff, Failure, failure_of, transport_failure
from gridloom.extract.limiter import RateLimiter, Sent, Start
from gridloom.extract.query import LONGEST_QUERY, as_header, as_query
from gridloom.extract.secret import Scrubber, quiet_logs

__all__ = ["Answer", "EIAClient"]

_CONNECT_S: Final = 10.0
_USER_AGENT: Final = f"gridloom/{__version__}"

ReadT = TypeVar("ReadT")


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
        circuit: Says when it is time to give up altogether.
        tell: Hears what a person should know, such as that everyone slows down.
        hear: Hears of each request that was made.

    Attributes:
        slowdowns: How often everyone had to slow down because of an answer to this client.
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
        circuit: Circuit | None = None,
        tell: Callable[[str], None] = unheard,
        hear: Hear = unfollowed,
    ) -> None:
        quiet_logs()
        self.scrubber = Scrubber(key)
        self.slowdowns = 0
        self._base_url = base_url
        self._key = key.get_secret_value() if key is not None else ""
        # Any text may be a key, but not any text can be a header.
        self._key_in_query = not (
            self._key.isascii() and self._key.isprintable() and self._key == self._key.strip()
        )
        self._limiter = limiter
        self._slots = asyncio.Semaphore(concurrency)
        self._reader = asyncio.Lock()
        self._count = count
        self._backoff = backoff or Backoff()
        self._circuit = circuit or Circuit()
        self._tell = tell
        self._hear = hear
        self._confirms = transport is None  # others need not say when a request is on its way
        self._http = httpx2.AsyncClient(
            transport=transport,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            limits=httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT},
            # A redirect would carry the key to whoever the server names.
            follow_redirects=False,
            trust_env=not local,
            verify=_certificates(base_url, local=local),
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
        """Returns the answer with data at `path`, scrubbed; see `ask`."""
        return await self.ask(path, parameters, _whole)

    async def ask(
        self, path: str, parameters: dict[str, Any] | None, read: Callable[[Answer], ReadT]
    ) -> ReadT:
        """Returns what `read` makes of the answer at `path`, after as many tries as the limits allow.

        Args:
            path: Path below the base URL.
            parameters: The parameter tree, see `gridloom.extract.query`.
            read: Makes something of an answer, in any thread; where it raises ``SourceAnswerError``, the
                answer counts as broken and is asked for again.

        Raises:
            SourceUnreachableError: If no usable answer came, whatever was tried.
            KeyRejectedError: If the server refuses the key.
            SourceAnswerError: If it refuses the request, or answers with something else than the API does.
        """
        seen: Counter[str] = Counter()
        given_up: GridLoomError | None = None

        def again(error: Exception) -> bool | float:
            nonlocal given_up
            if not isinstance(error, Failure):
                return False
            seen[error.seen] += 1
            given_up = self._give_up(error, seen)
            if given_up:
                return False
            self._count(retries=1)
            self._tell_outage(error, seen)
            return True if error.wait_s is None else error.wait_s

        try:
            async for attempt in stamina.retry_context(
                on=again, attempts=None, timeout=None, **self._backoff.waits
            ):
                with attempt:
                    return await self._try(path, parameters or {}, read, seen.total())
        except Failure:
            pass
        # Raised out here, so that no exception of the HTTP library, which holds the request, hangs on to it.
        raise given_up or SourceAnswerError(f"{self.server} was asked for nothing.")

    def _give_up(self, failure: Failure, seen: Counter[str]) -> GridLoomError | None:
        """Returns the error to end with, or None where it is worth another try."""
        if failure.tries is not None and seen[failure.seen] >= failure.tries:
            return failure.error(seen[failure.seen])
        left_s = self._circuit.bad(failure.seen)
        if left_s <= (failure.wait_s or 0.0):
            return failure.given_up(self._circuit.give_up_after_s, self._circuit.summary())
        return None

    def _tell_outage(self, failure: Failure, seen: Counter[str]) -> None:
        """Says that requests fail, and for how long they are repeated; `_slow` says what slows all down.

        A single failure among good answers is weather.
        """
        if failure.throttled or (self._circuit.answered and seen.total() == 1) or not self._circuit.news():
            return
        left_s = self._circuit.give_up_after_s
        if failure.tries is not None:
            left_s = min(left_s, self._backoff.longest_s(seen[failure.seen], failure.tries))
        self._tell(f"{failure.words}; trying again for up to {left_s:,.0f} s.")

    async def _try(
        self, path: str, parameters: dict[str, Any], read: Callable[[Answer], ReadT], before: int
    ) -> ReadT:
        in_query = self._key_in_query
        reading, wait_s = await self._send(path, parameters, read, before, in_query=in_query)
        if reading.judgement.verdict is Verdict.KEY_MISSING and self._key and not in_query:
            self._key_in_query = True
            reading, wait_s = await self._send(path, parameters, read, before + 1, in_query=True)
        if reading.judgement.verdict is Verdict.DATA:
            self._circuit.good()
            if self._limiter:
                self._limiter.good()
            return reading.values[0]
        words = Judgement(reading.judgement.verdict, self.scrubber.text(reading.judgement.words))
        answered = self._circuit.answered
        failure = failure_of(words, self.server, self._backoff, answered=answered, wait_s=wait_s)
        if failure.throttled or wait_s:
            self._slow(failure, wait_s)
        raise failure

    def _slow(self, failure: Failure, wait_s: float | None) -> None:
        if self._limiter and self._limiter.slow(wait_s):
            self.slowdowns += 1
            state = self._limiter.state
            self._tell(
                f"{failure.words}: nothing is asked for {state.held_s:,.0f} s, then "
                f"{state.per_s:.3g} requests a second at first."
            )

    async def _send(
        self,
        path: str,
        parameters: dict[str, Any],
        read: Callable[[Answer], ReadT],
        before: int,
        *,
        in_query: bool,
    ) -> tuple[Reading[ReadT], float | None]:
        url, headers = self._request(path, parameters, in_query=in_query)
        failure: Failure | None = None
        async with self._slots:
            start = await self._start()
            self._count(requests=1)
            begun_s, status, sent = time.perf_counter(), 0, b""
            extensions = {"trace": Sent(self._limiter, start)} if self._limiter and start else {}
            try:
                async with self._http.stream("GET", url, headers=headers, extensions=extensions) as response:
                    sent = b"".join([chunk async for chunk in response.aiter_raw()])
                    status = response.status_code
            except httpx2.TransportError as error:
                failure = self._lost(error)
            finally:
                if self._limiter and start:
                    self._limiter.under_way(start)
                took_s = time.perf_counter() - begun_s
                self._hear(f"{self._base_url}/{path}", status, took_s, resend=before, size=len(sent))
        if failure:
            raise failure
        self._count(bytes_received=len(sent))
        encoding = response.headers.get("content-encoding", "")
        # 3 ms for a page, for which a thread would cost others more. One at a time, so that of many that come
        # at once the first leads to further requests before the last is read.
        async with self._reader:
            await asyncio.sleep(0)
            reading = read_body(status, encoding, sent, self.scrubber, read)
        return reading, retry_after_s(response.headers.get("retry-after"))

    async def _start(self) -> Start | None:
        """Waits until a request may start."""
        if self._limiter is None:
            return None
        start = await self._limiter.acquire(confirmed=self._confirms)
        if trouble := self._limiter.news():
            self._tell(trouble)
        return start

    def _lost(self, error: httpx2.TransportError) -> Failure:
        return transport_failure(
            connecting=isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)),
            reason=self.scrubber.text(str(error).strip() or type(error).__name__),
            server=self.server,
            backoff=self._backoff,
            answered=self._circuit.answered,
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


def _certificates(base_url: str, *, local: bool) -> ssl.SSLContext | bool:
    """Returns how certificates are checked: by default as usual.

    A server on this machine that is asked without TLS needs none, and loading them takes 60 ms.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if local and base_url.startswith("http:") else True


def _whole(answer: Answer) -> Answer:
    """Returns an answer as it is, if it is one of the API."""
    judgement = judge(200, answer.body)
    if judgement.verdict is not Verdict.DATA:
        raise SourceAnswerError(judgement.words)
    return answer
