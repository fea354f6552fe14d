"""Runs to make pages of: real ones of small steps, and events written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gridloom.dag import (
    BaseStep,
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    RunResult,
    StepConfig,
    StepContext,
)
from gridloom.dag.events import Event
from gridloom.finding import Finding

START = datetime(2026, 1, 1, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def event(kind: type[Event], at_s: float, **fields: Any) -> Any:
    """An event so many seconds after the start."""
    return kind(seq=1, at=START + timedelta(seconds=at_s), run_id="r", **fields)


class Number(CacheableStep[StepConfig]):
    """Gives 1 and has something to say."""

    version = "1"

    def _execute(self, ctx: StepContext) -> int:
        ctx.add(rows=7, rows_received=70, requests=4, retries=1, bytes_received=700)
        ctx.progress(7, 7)
        ctx.finding(Finding(name=HOSTILE, why=HOSTILE, required=False, passed=False, detail=HOSTILE))
        ctx.finding(Finding(name="fine", why="", required=True, passed=True, detail="as it should be"))
        ctx.log(HOSTILE, "warning")
        return 1


class More(BaseStep[StepConfig]):
    """Adds one, or raises what it was given; the second attempt is better."""

    def __init__(self, config: StepConfig, *raised: BaseException) -> None:
        super().__init__(config)
        self.raised = list(raised)

    def _execute(self, number: int) -> int:
        if self.raised:
            raise self.raised.pop(0)
        return number + 1


def run(out: Path, *raised: BaseException, name: str = "toy", **settings: Any) -> RunResult:
    """A run of three steps, of which the middle one raises."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name=name, output_dir=out))
    first = dag.add_step(Number(StepConfig(step_id="first")))
    config = StepConfig(step_id="middle", retry_backoff_s=0.01, **settings)
    middle = dag.add_step(More(config, *raised), dependencies=[first])
    dag.add_step(More(StepConfig(step_id="last")), dependencies=[middle])
    return dag.execute()


class Wide(CacheableStep[StepConfig]):
    """Sums what it gets."""

    version = "1"

    def _execute(self, numbers: list[int] | None) -> int:
        return sum(numbers or [1]) % 97


def wide(out: Path, steps: int) -> RunResult:
    """A run of many steps, each but the first after three earlier ones."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="wide", output_dir=out))
    names: list[str] = []
    for number in range(steps):
        above = [names[max(0, number // 2 - each)] for each in (1, 2, 3)] if names else []
        config = StepConfig(step_id=f"a-step-with-a-name-{number}")
        names.append(dag.add_step(Wide(config), dependencies=list(dict.fromkeys(above))).step_id)
    return dag.execute()


class Page(HTMLParser):
    """A page, read strictly: an element that is not closed, or not open, is an error.

    Attributes:
        elements: Every element with its attributes, in order.
        text: All text that is shown.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} names an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"script", "style"}:
            self.text += f"{data} "

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        """Attributes of each element of a kind."""
        return (attributes for name, attributes in self.elements if name == tag)

    @property
    def words(self) -> str:
        """The text, in single spaces."""
        return " ".join(self.text.split())
