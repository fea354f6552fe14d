"""What a worker process needs to know of a step, and which steps can be sent to one."""

from __future__ import annotations

import pickle
import re
from multiprocessing import spawn
from pathlib import Path
from typing import Any, Final

from gridloom.dag.executors import StepCall
from gridloom.dag.messages import Task
from gridloom.dag.step import BaseStep
from gridloom.errors import ConfigError, StepError

__all__ = ["check_can_travel", "task_of"]

_MAIN: Final = re.compile(rb"__(mp_)?main__")
_REMEDY: Final = (
    "Define its class, and those of all that it holds, at the top of a module that can be imported, "
    "or run it on a thread: executor='thread' for all steps, `in_parent = True` in its class for one."
)


def task_of(call: StepCall) -> Task:
    """Returns an attempt as it is sent to a worker.

    Raises:
        StepError: If an input cannot be sent.
    """
    ctx = call.ctx
    try:
        data = pickle.dumps((call.step, call.inputs))
    except Exception as error:
        raise StepError(
            f"The inputs of step '{ctx.step_id}' cannot be sent to a worker process: {error}. {_REMEDY}"
        ) from error
    return Task(
        call=data,
        main=_main_module() if _MAIN.search(data) else {},
        out=ctx.out,
        staging=ctx.staging,
        run_id=ctx.run_id,
        step_id=ctx.step_id,
        force=ctx.force,
        key=ctx.key,
        redact=ctx.redact,
    )


def _main_module() -> dict[str, Any]:
    """Returns how a worker imports the program's main module; nothing where it cannot."""
    known = spawn.get_preparation_data("gridloom")
    name, path = known.get("init_main_from_name", ""), known.get("init_main_from_path", "")
    # a package that is run with -m would run its program again
    if name and not name.endswith("__main__"):
        return {"init_main_from_name": name, "sys_argv": known["sys_argv"]}
    if path and Path(path).is_file():
        return {"init_main_from_path": path, "sys_argv": known["sys_argv"]}
    return {}


def check_can_travel(step: BaseStep[Any]) -> None:
    """Raises if a step cannot be sent to a worker.

    Raises:
        ConfigError: With the reason and what to do.
    """
    named = f"Step '{step.step_id}' ({type(step).__name__})"
    try:
        data = pickle.dumps(step)
    except Exception as error:
        raise ConfigError(f"{named} cannot be sent to a worker process: {error}. {_REMEDY}") from error
    if _MAIN.search(data) and not _main_module():
        raise ConfigError(
            f"{named} is defined in a notebook, at a prompt, or in a program without a file of its own, "
            f"which a worker process cannot import. {_REMEDY}"
        )
