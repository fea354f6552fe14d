"""The options of commands that run something: who else is to hear of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from gridloom.pipelines.listener_options import LISTENER_HELP, REPEATED, ListenerOptions

__all__ = ["listener_options"]


def listener_options(command: Callable[..., int]) -> Callable[..., int]:
    """Adds one option per listener to a command, which gets them as one argument `listeners`."""

    @functools.wraps(command)
    def call(**given: Any) -> int:
        flags = {name: given.pop(name) for name in LISTENER_HELP}
        return command(listeners=ListenerOptions.of(flags), **given)

    for name, (metavar, text) in reversed(LISTENER_HELP.items()):
        flag = "--" + name.replace("_", "-")
        kind = {"metavar": metavar, "multiple": name in REPEATED} if metavar else {"is_flag": True}
        call = click.option(flag, name, default=None, help=text, **kind)(call)
    return call
