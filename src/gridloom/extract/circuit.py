"""The circuit: how long nothing but bad answers came, what they were, and when that is enough.

All who ask one server with one key at the same time share it: a good answer to one of them is a sign
of life for all, and a key that was accepted once is known to be good.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from pydantic import SecretStr

__all__ = ["GIVE_UP_AFTER_S", "Circuit", "shared_circuit"]

GIVE_UP_AFTER_S: Final = 900.0
"""Seconds without any good answer after which a run gives up, where nothing else is said."""

_SHOWN: Final = 4
_SAID_EVERY_S: Final = 60.0


class Circuit:
    """Counts the time since the first bad answer after the last good one.

    Args:
        give_up_after_s: Seconds of that after which it is open, which means: give up.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(
        self, give_up_after_s: float = GIVE_UP_AFTER_S, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.give_up_after_s = give_up_after_s
        self._clock = clock
        self._lock = threading.Lock()
        self._bad_since: float | None = None
        self._seen: Counter[str] = Counter()
        self._answered = False
        self._latest_bad_s = 0.0
        self._said_s = float("-inf")

    @property
    def answered(self) -> bool:
        """Whether the server has answered with data before."""
        return self._answered

    def good(self) -> None:
        """Notes an answer with data."""
        with self._lock:
            self._answered = True
            self._bad_since = None
            self._seen.clear()

    def bad(self, what: str) -> float:
        """Notes a bad answer and returns the seconds that are left before it is time to give up, or 0.

        Args:
            what: What came instead of data, in few words and without a secret.
        """
        with self._lock:
            now = self._latest_bad_s = self._clock()
            if self._bad_since is None:
                self._bad_since = now
            self._seen[what] += 1
            return max(0.0, self._bad_since + self.give_up_after_s - now)

    def news(self) -> bool:
        """Returns whether a bad answer just noted is to be told: at first, then once a minute at most."""
        with self._lock:
            due = self._latest_bad_s >= self._said_s + _SAID_EVERY_S
            if due:
                self._said_s = self._latest_bad_s
            return due

    def summary(self) -> str:
        """Returns what came since the last good answer, the most frequent first."""
        with self._lock:
            seen = self._seen.most_common()
        parts = [f"{what} ({times:,} times)" if times > 1 else what for what, times in seen[:_SHOWN]]
        others = sum(times for _, times in seen[_SHOWN:])
        return "; ".join([*parts, *([f"{others:,} others"] if others else [])])


_shared: WeakValueDictionary[tuple[str, str], Circuit] = WeakValueDictionary()
_shared_lock = threading.Lock()


def shared_circuit(base_url: str, key: SecretStr | None, give_up_after_s: float) -> Circuit:
    """Returns the circuit of all who ask a server with a key now; the budget given last counts.

    Args:
        base_url: The server.
        key: The key; only a digest of it is kept.
        give_up_after_s: Seconds without any good answer after which to give up.
    """
    text = key.get_secret_value() if key is not None else ""
    name = (base_url, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    with _shared_lock:
        circuit = _shared.get(name)
        if circuit is None:
            circuit = _shared[name] = Circuit(give_up_after_s)
        circuit.give_up_after_s = give_up_after_s
        return circuit
