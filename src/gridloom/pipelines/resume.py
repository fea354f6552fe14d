"""A run of the past, built again as it was: what `gridloom resume` carries on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gridloom.dag import PipelineDAG
from gridloom.dag.history import find_run_id, load_run, run_recipe
from gridloom.dag.outcome import INTERRUPTED
from gridloom.errors import UsageError
from gridloom.pipelines.assemble import FILE, Assembled, assemble
from gridloom.pipelines.file import read_pipeline
from gridloom.pipelines.hourly import HOURLY, Prepared, build, prepare
from gridloom.pipelines.ring import RING, PreparedRing, ring_again
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.training import LOAD, PreparedLoad, load_again

__all__ = ["StoppedRun", "stopped_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRun:
    """A run that can be carried on.

    Attributes:
        prepared: Its pipeline.
        story: How far it came, in words.
    """

    prepared: Prepared | Assembled | PreparedLoad | PreparedRing
    story: str


def stopped_run(out: Path, run_id: str, *, force: bool) -> StoppedRun:
    """Returns a run of an output folder, ready to be carried on.

    Args:
        out: The output folder.
        run_id: Its id, the beginning of it, or ``latest``.
        force: Whether to carry on although code or settings have changed since.

    Raises:
        UsageError: If there is no such run, it is still at work, nobody but a program can build it again,
            or its code or settings have changed since.
        RawDataError: If its record is damaged.
    """
    found = find_run_id(out, run_id)
    record = load_run(out, found)
    _check_ended(record, force=force)
    recipe, identity = run_recipe(out, found)
    again = _AGAIN.get(recipe.get("pipeline", "")) if recipe else None
    if recipe is None or again is None:
        raise UsageError(
            f"The run {found} cannot be built again from its id: a pipeline file or a program of its own "
            "started it. Start that again: what is committed is not run again."
        )
    prepared, dag = again(recipe, out, found)
    changed = dag.changes_since(identity)
    if changed and not force:
        raise UsageError(
            f"The run {found} cannot be carried on as it was: {'; '.join(changed)}. Start it anew with the "
            "command that you want, or add --force to carry on with what is there now."
        )
    return StoppedRun(prepared=prepared, story=_story(record))


def _hourly_again(recipe: Mapping[str, Any], out: Path, run_id: str) -> tuple[Prepared, PipelineDAG]:
    settings = HourlySettings.of({**recipe.get("settings", {}), "out": out})
    prepared = replace(prepare(settings, name_region=recipe.get("name_region")), resumes=run_id)
    return prepared, build(prepared)


def _file_again(recipe: Mapping[str, Any], out: Path, run_id: str) -> tuple[Assembled, PipelineDAG]:
    settings = HourlySettings.of({**recipe.get("settings", {}), "out": out})
    assembled = assemble(read_pipeline(Path(recipe["file"])), settings, resumes=run_id)
    return assembled, assembled.dag


_AGAIN: Final[Mapping[str, Callable[[Mapping[str, Any], Path, str], tuple[Any, PipelineDAG]]]] = {
    HOURLY: _hourly_again,
    FILE: _file_again,
    LOAD: load_again,
    RING: ring_again,
}
"""How to build each pipeline again from its recipe."""


def _check_ended(record: dict[str, Any], *, force: bool) -> None:
    if record["outcome"] != "running":
        return
    run_id, elsewhere = record["run_id"], record["elsewhere"]
    if not elsewhere:
        raise UsageError(f"The run {run_id} is still at work. Stop it first, or wait for it.")
    if not force:
        raise UsageError(
            f"The run {run_id} was started on another machine, {elsewhere}, and may be at work there still. "
            "If it is not, add --force."
        )


_WAS: Final = {
    "succeeded": "succeeded",
    "failed": "failed",
    "partial": "failed in part",
    "planned": "was a dry run",
    INTERRUPTED: "was interrupted",
    "running": "was at work on another machine",
}


def _story(record: dict[str, Any]) -> str:
    done = [step["step_id"] for step in record["steps"] if step["outcome"] in {"executed", "cached"}]
    open_ = [step["step_id"] for step in record["steps"] if step["step_id"] not in done]
    was = f"run {record['run_id']} {_WAS.get(record['outcome'], record['outcome'])}"
    if not open_:
        return f"{was}: everything is done already, and is only verified"
    return f"{was}; done: {', '.join(done) or 'nothing'}; to do: {', '.join(open_)}"
