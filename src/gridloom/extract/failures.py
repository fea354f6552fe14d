"""Requests that did not bring data: whether to try again, and what to say when it is no use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypedDict

from gridloom.errors import KeyRejectedError, SourceAnswerError, SourceError, SourceUnreachableError
from gridloom.extract.answers import Judgement, Verdict

__all__ = ["Backoff", "Failure", "failure_of", "transport_failure"]

_KEPT: Final = "What has landed is kept: run the same command again, and only the rest is asked for."
_BASE_URL: Final = (
    "The base URL includes the API's version, such as https://api.eia.gov/v2; check --base-url."
)
_REGISTER: Final = "https://www.eia.gov/opendata/register.php"


class Waits(TypedDict):
    """Waits between tries, as `stamina` takes them, in seconds."""

    wait_initial: float
    wait_max: float
    wait_jitter: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often a request is tried, and the waits in between.

    What the server says to everyone (fewer requests, a suspended key, no connection) is waited out until
    the circuit opens; the numbers here are for what may be this one request's own fault.

    Attributes:
        tries: Tries of a request that fails in the same way, the first one included.
        first_tries: Tries while the server has not answered at all: a wrong address shows at once.
        odd_tries: Tries of a request that is refused in a way that has been seen to pass.
        wait_initial_s: Wait after the first try; doubles with each further one.
        wait_max_s: Longest wait.
        jitter_s: Random part of a wait.
    """

    tries: int = 12
    first_tries: int = 3
    odd_tries: int = 5
    wait_initial_s: float = 0.5
    wait_max_s: float = 30.0
    jitter_s: float = 1.0

    @property
    def waits(self) -> Waits:
        """The waits as the retry library takes them."""
        return Waits(wait_initial=self.wait_initial_s, wait_max=self.wait_max_s, wait_jitter=self.jitter_s)

    def longest_s(self, tried: int, tries: int) -> float:
        """Returns the seconds for which a request that was tried so often waits at most before its last try.

        Example:
            >>> Backoff().longest_s(1, 3), Backoff().longest_s(3, 3)
            (3.5, 0.0)
        """
        waits = (self.wait_initial_s * 2.0 ** (done - 1) + self.jitter_s for done in range(tried, tries))
        return sum((min(wait_s, self.wait_max_s) for wait_s in waits), 0.0)


class Failure(Exception):  # noqa: N818 - it is weather inside this package; `error` makes the error of it
    """One request that brought no data.

    Attributes:
        kind: Type of the error once it is given up.
        words: What happened, scrubbed.
        advice: What to do next.
        seen: The same in few words, to be counted.
        tries: How often a request that ends so is tried; None as long as the circuit allows.
        wait_s: Seconds that the server asked to wait; None where it did not say.
        throttled: Whether everyone should slow down.
    """

    def __init__(
        self,
        kind: type[SourceError],
        words: str,
        advice: str,
        *,
        seen: str,
        tries: int | None = 1,
        wait_s: float | None = None,
        throttled: bool = False,
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.advice = advice
        self.seen = seen
        self.tries = tries
        self.wait_s = wait_s
        self.throttled = throttled

    def error(self, tried: int) -> SourceError:
        """Returns the error to raise after so many tries."""
        times = f", {tried} times in a row" if tried > 1 else ""
        return self.kind(f"{self.words}{times}. {self.advice}")

    def given_up(self, after_s: float, summary: str) -> SourceError:
        """Returns the error to raise where no good answer came for so long.

        Args:
            after_s: Seconds for which none came, or none would come.
            summary: All that came instead.
        """
        wait = f", and asks to wait {self.wait_s:,.0f} s" if self.wait_s else ""
        seen = f"For {after_s:,.0f} s (give_up_after_s) there was no good answer, but {summary}"
        return self.kind(f"{self.words}{wait}. {seen}. {self.advice}")


def transport_failure(
    *, connecting: bool, reason: str, server: str, backoff: Backoff, answered: bool
) -> Failure:
    """Returns the failure of a request that got no answer at all.

    Args:
        connecting: Whether not even a connection came about.
        reason: Why, in the HTTP library's words, scrubbed.
        server: Host and port.
        backoff: How often to try.
        answered: Whether the server has answered before.
    """
    if answered:
        words = f"The server at {server} stopped answering ({reason})"
        return Failure(SourceUnreachableError, words, _KEPT, seen=reason, tries=None)
    what = "does not answer" if connecting else "did not give an answer"
    words = f"The server at {server} {what} ({reason})"
    advice = "Check --base-url or your network."
    return Failure(SourceUnreachableError, words, advice, seen=reason, tries=backoff.first_tries)


def failure_of(
    judgement: Judgement, server: str, backoff: Backoff, *, answered: bool, wait_s: float | None = None
) -> Failure:
    """Returns the failure of a request that got an answer without data.

    Args:
        judgement: What the answer means; its words are scrubbed.
        server: Host and port.
        backoff: How often to try.
        answered: Whether the server has answered with data before: then a refused key means that it was
            suspended for a while, and a web page that a gateway is in trouble.
        wait_s: Seconds that the server asked to wait.
    """
    words = seen = judgement.words
    tries = backoff.tries if answered else backoff.first_tries
    match judgement.verdict:
        case Verdict.THROTTLED:
            text = f"{server} asks for fewer requests ({words})"
            return Failure(
                SourceUnreachableError, text, _KEPT, seen=seen, tries=None, wait_s=wait_s, throttled=True
            )
        case Verdict.FAULT:
            text = f"{server} failed to answer ({words})"
            return Failure(SourceUnreachableError, text, _KEPT, seen=seen, tries=backoff.tries, wait_s=wait_s)
        case Verdict.KEY_MISSING | Verdict.KEY_REFUSED:
            return _key_failure(words, server, answered=answered, wait_s=wait_s)
        case Verdict.PAGE | Verdict.GARBLED:
            text = f"{server} answered with something that is not the API's ({words})"
            advice = _KEPT if answered else f"{_BASE_URL} A proxy in between can be the cause, too."
            return Failure(SourceAnswerError, text, advice, seen=seen, tries=tries, wait_s=wait_s)
        case Verdict.NOT_FOUND | Verdict.LOST | Verdict.GENERIC:
            return _odd_failure(judgement, server, min(tries, backoff.odd_tries), answered=answered)
        case _:
            advice = f"Asking again would not help. {_BASE_URL}"
            return Failure(SourceAnswerError, f"{server} refused the request ({words})", advice, seen=seen)


def _odd_failure(judgement: Judgement, server: str, tries: int, *, answered: bool) -> Failure:
    """Returns the failure of a request for something that is not there, or not now."""
    words = judgement.words
    if judgement.verdict is Verdict.GENERIC:
        text = f"{server} does not give this data ({words})"
        return Failure(SourceAnswerError, text, _KEPT, seen=words, tries=tries)
    tries = tries if judgement.verdict is Verdict.LOST else 1
    text = f"{server} has nothing at this address ({words})"
    advice = f"It answers at others, so it does not have this route. {_KEPT}" if answered else _BASE_URL
    return Failure(SourceAnswerError, text, advice, seen=words, tries=tries)


def _key_failure(words: str, server: str, *, answered: bool, wait_s: float | None) -> Failure:
    if answered:
        text = f"{server} no longer accepts the API key ({words})"
        advice = f"Keys that ask too often are suspended for up to an hour. {_KEPT}"
        return Failure(KeyRejectedError, text, advice, seen=words, tries=None, wait_s=wait_s, throttled=True)
    text = f"{server} rejected the API key ({words})"
    advice = f"Check EIA_API_KEY, or get a key for free at {_REGISTER}."
    return Failure(KeyRejectedError, text, advice, seen=words)
