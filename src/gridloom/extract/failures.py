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


class _Retried(TypedDict):
    """How a failure is retried."""

    tries: int
    wait_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often a request is tried, and the waits in between.

    Attributes:
        tries: Tries of a request that failed, the first one included.
        first_tries: Tries while the server has not answered at all: a wrong address shows at once.
        wait_initial_s: Wait after the first try; doubles with each further one.
        wait_max_s: Longest wait.
        jitter_s: Random part of a wait.
    """

    tries: int = 8
    first_tries: int = 3
    wait_initial_s: float = 0.5
    wait_max_s: float = 30.0
    jitter_s: float = 1.0

    @property
    def waits(self) -> Waits:
        """The waits as the retry library takes them."""
        return Waits(wait_initial=self.wait_initial_s, wait_max=self.wait_max_s, wait_jitter=self.jitter_s)


class Failure(Exception):  # noqa: N818 - it is weather inside this package; `error` makes the error of it
    """One request that brought no data.

    Attributes:
        kind: Type of the error once it is given up.
        words: What happened, scrubbed.
        advice: What to do next.
        tries: How often a request that ends so is tried.
        wait_s: Seconds that the server asked to wait; None where it did not say.
    """

    def __init__(
        self, kind: type[SourceError], words: str, advice: str, *, tries: int = 1, wait_s: float | None = None
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.advice = advice
        self.tries = tries
        self.wait_s = wait_s

    def error(self, tried: int) -> SourceError:
        """Returns the error to raise after so many tries."""
        times = f", {tried} times in a row" if tried > 1 else ""
        return self.kind(f"{self.words}{times}. {self.advice}")


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
        return Failure(SourceUnreachableError, words, _KEPT, tries=backoff.tries)
    what = "does not answer" if connecting else "did not give an answer"
    words = f"The server at {server} {what} ({reason})"
    advice = "Check --base-url or your network."
    return Failure(SourceUnreachableError, words, advice, tries=backoff.first_tries)


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
    words, retried = judgement.words, _Retried(tries=backoff.tries, wait_s=wait_s)
    match judgement.verdict:
        case Verdict.THROTTLED | Verdict.FAULT:
            throttled = judgement.verdict is Verdict.THROTTLED
            what = "asks for fewer requests" if throttled else "failed to answer"
            return Failure(SourceUnreachableError, f"{server} {what} ({words})", _KEPT, **retried)
        case Verdict.KEY_MISSING | Verdict.KEY_REFUSED:
            return _key_failure(words, server, answered=answered, **retried)
        case Verdict.PAGE | Verdict.GARBLED:
            text = f"{server} answered with something that is not the API's ({words})"
            if answered:
                return Failure(SourceAnswerError, text, _KEPT, **retried)
            advice = f"{_BASE_URL} A proxy in between can be the cause, too."
            return Failure(SourceAnswerError, text, advice, tries=backoff.first_tries, wait_s=wait_s)
        case Verdict.NOT_FOUND:
            return Failure(SourceAnswerError, f"{server} has nothing at this address ({words})", _BASE_URL)
        case _:
            advice = f"Asking again would not help. {_BASE_URL}"
            return Failure(SourceAnswerError, f"{server} refused the request ({words})", advice)


def _key_failure(words: str, server: str, *, answered: bool, tries: int, wait_s: float | None) -> Failure:
    if answered:
        text = f"{server} no longer accepts the API key ({words})"
        advice = f"Keys that ask too often are suspended for up to an hour. {_KEPT}"
        return Failure(KeyRejectedError, text, advice, tries=tries, wait_s=wait_s)
    text = f"{server} rejected the API key ({words})"
    return Failure(KeyRejectedError, text, f"Check EIA_API_KEY, or get a key for free at {_REGISTER}.")
