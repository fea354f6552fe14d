"""From a step's class to all code that it reaches by name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from gridloom.dag.code.follow import Follower
from gridloom.dag.code.record import CodeRecord

__all__ = ["code_of"]

_TAKEN: WeakKeyDictionary[type, CodeRecord] = WeakKeyDictionary()
_LOCK = threading.RLock()


def code_of(step_class: type[Any], attributes: Mapping[str, Any] | None = None) -> CodeRecord:
    """Returns the record of all code that a step reaches.

    That of the class is taken once and kept for this process.

    Args:
        step_class: The step's class: its methods and bases, what they read by name, and so on. Modules
            that its attribute `code_apart` names, with those below them, do not count.
        attributes: What was handed to one step beside its settings, by name; None counts as not handed.
    """
    apart = getattr(step_class, "code_apart", ())
    with _LOCK:
        record = _TAKEN.get(step_class)
        if record is None:
            record = _TAKEN[step_class] = Follower(apart).record(step_class)
        given = {name: value for name, value in (attributes or {}).items() if value is not None}
        return record.joined(Follower(apart).attributes(step_class, given)) if given else record
