"""A small pipeline whose run says something of every kind, and can be made to fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, CacheableStep, PipelineDAG, PipelineDAGConfig, StepConfig, StepContext
from gridloom.dag.events import Event
from gridloom.errors import RawDataError
from gridloom.finding import Finding


class Numbers(Artifact):
    """A file of numbers."""


class MakeConfig(StepConfig):
    """How often making fails at first."""

    failures: int = 0


class Make(CacheableStep[MakeConfig]):
    """Makes numbers; its first attempts may fail."""

    version = "1"

    def __init__(self, config: MakeConfig) -> None:
        super().__init__(config)
        self.attempts = 0

    def _execute(self, ctx: StepContext) -> Numbers:
        self.attempts += 1
        ctx.add(rows_received=100, requests=4, retries=1, bytes_received=1000)
        ctx.progress(50, 100)
        if self.attempts <= self.config.failures:
            raise RawDataError("The numbers were not there.")
        ctx.progress(100, 100)
        ctx.metric("mean", 4.5, "MWh")
        ctx.log("Numbers are made.")
        ctx.finding(
            Finding(name="even", why="Odd ones are rare.", required=False, passed=False, detail="3 are odd")
        )
        path = ctx.path("numbers.txt")
        path.write_text("1 2 3")
        return Numbers.of(path)


class UseConfig(StepConfig):
    """What using says when it breaks; empty if it does not."""

    breaks: str = ""


class Use(BaseStep[UseConfig]):
    """Uses numbers, or breaks."""

    def _execute(self, numbers: Numbers, ctx: StepContext) -> int:
        ctx.add(rows=3)
        if self.config.breaks:
            raise RawDataError(self.config.breaks)
        return 6


def pipeline(out: Path, *, failures: int = 0, breaks: str = "") -> PipelineDAG:
    """Returns the pipeline ``Small one``: ``make``, then ``use``."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="Small one", output_dir=out))
    make = MakeConfig(step_id="make", failures=failures, retries=failures, retry_backoff_s=0.0)
    made = dag.add_step(Make(make))
    dag.add_step(Use(UseConfig(step_id="use", breaks=breaks)), dependencies=[made])
    return dag


def run(out: Path, *sinks: Callable[[Event], Any], failures: int = 0, breaks: str = "") -> list[Event]:
    """Runs the pipeline with sinks; returns what it said."""
    dag, said = pipeline(out, failures=failures, breaks=breaks), list[Event]()
    for sink in (*sinks, said.append):
        dag.subscribe(sink, *getattr(sink, "kinds", ()))
    dag.execute()
    return said
