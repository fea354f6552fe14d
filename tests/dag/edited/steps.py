"""Three steps: the second takes what the first made, the third stands aside."""

from __future__ import annotations

from pathlib import Path

from gridloom.artifact import Artifact
from gridloom.dag import CacheableStep, StepConfig, StepContext

from . import helpers, other
from .bases import Base

COUNTS = {"runs": 0}
"""Both steps change it while they run: what counts is what it was before."""


class Line(Artifact):
    """A file of one line."""


class ReadConfig(StepConfig):
    file: Path


class Read(CacheableStep[ReadConfig]):
    in_parent = True

    def _execute(self) -> Line:
        return Line.of(self.config.file)


class First(Base):
    def _execute(self, line: Line, ctx: StepContext) -> Line:
        COUNTS["runs"] += 1
        value = helpers.scaled(int(line.path.read_text())) * self.config.weight()
        value = helpers.decorated(helpers.add(helpers.helped(value)))
        value = self.shifted(value + helpers.LIMIT) ** helpers.Options().power
        path = ctx.path("first.txt")
        path.write_text(f"{value + 1}")
        return Line.of(path)


class Second(CacheableStep[StepConfig]):
    def _execute(self, line: Line, ctx: StepContext) -> Line:
        COUNTS["runs"] += 1
        path = ctx.path("second.txt")
        path.write_text(other.joined(line.path.read_text()))
        return Line.of(path)


class Aside(CacheableStep[StepConfig]):
    def _execute(self) -> int:
        return 5
