"""Small steps for the tests of the DAG; what they do is handed in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridloom.artifact import Artifact
from gridloom.dag import (
    BaseStep,
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    StepConfig,
    StepContext,
    operational,
)

LONG_S = 30.0
"""Seconds that nothing should take; whoever waits so long fails."""

Action = Callable[[StepContext], object]


class Note(Artifact):
    """A text file."""

    @property
    def text(self) -> str:
        return self.path.read_text()


@dataclass(frozen=True, kw_only=True)
class Rows(Artifact):
    """A file that says how many rows it has."""

    rows: int


class WorkConfig(StepConfig):
    text: str = ""


class Work(BaseStep[WorkConfig]):
    """Joins the notes that it gets, adds its own text, and does what it is told in between."""

    def __init__(self, step_id: str, action: Action | None = None, **settings: Any) -> None:
        super().__init__(WorkConfig(step_id=step_id, **settings))
        self.action = action

    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Note:
        return write_note(self, notes, ctx)


class CachedWork(CacheableStep[WorkConfig]):
    """The same, remembered."""

    def __init__(self, step_id: str, action: Action | None = None, **settings: Any) -> None:
        super().__init__(WorkConfig(step_id=step_id, **settings))
        self.action = action

    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Note:
        return write_note(self, notes, ctx)


class TrialConfig(WorkConfig):
    action: Any = operational(None)


class Trial(CacheableStep[TrialConfig]):
    """The same again, but it is the same work whatever it does in between."""

    def __init__(self, step_id: str, action: Action | None = None, **settings: Any) -> None:
        super().__init__(TrialConfig(step_id=step_id, action=action, **settings))

    @property
    def action(self) -> Action | None:
        return self.config.action

    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Note:
        return write_note(self, notes, ctx)


def write_note(step: Work | CachedWork | Trial, notes: list[Note] | None, ctx: StepContext) -> Note:
    if step.action:
        step.action(ctx)
    path = ctx.path("note.txt")
    before = "+".join(note.text for note in notes or [])
    path.write_text(f"{step.step_id}{step.config.text}({before})")
    return Note.of(path)


def pipeline(out: Path, **settings: Any) -> PipelineDAG:
    return PipelineDAG(PipelineDAGConfig(pipeline_name="toys", output_dir=out, **settings))


def chain(dag: PipelineDAG, steps: Sequence[BaseStep[Any]]) -> None:
    before: list[str] = []
    for step in steps:
        dag.add_step(step, before)
        before = [step.step_id]


def fail(message: str = "it broke") -> Action:
    def action(_ctx: StepContext) -> None:
        raise RuntimeError(message)

    return action


def cancel_within(dag: PipelineDAG, ctx: StepContext) -> None:
    """Cancels the run of a step by itself; returns when the step was told."""
    told = threading.Event()
    ctx.on_cancel(told.set)
    dag.cancel()
    assert told.wait(LONG_S)
