"""A small memory of results that forgets what was used longest ago."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Results by key, the latest used ones up to a total weight. Safe to use from several threads.

    Args:
        most: Weight of all results together that is kept at most.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._lock = threading.Lock()
        self._items: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> Value | None:
        """Returns the result of a key, or None if it is not kept."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Hashable, value: Value, weight: int) -> None:
        """Keeps a result, unless it alone weighs too much."""
        with self._lock:
            if key in self._items or weight > self._most:
                return
            self._items[key] = (value, weight)
            self._weight += weight
            while self._weight > self._most:
                _, (_, freed) = self._items.popitem(last=False)
                self._weight -= freed

    def __len__(self) -> int:
        """Returns how many results are kept."""
        with self._lock:
            return len(self._items)
