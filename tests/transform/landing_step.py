"""A step that lands given rows, at module level so that the wiring can resolve its annotations."""

from __future__ import annotations

from typing import Any

from tests.support.landing import Row, land

from gridloom.dag import BaseStep, StepConfig, StepContext
from gridloom.grid.artifacts import RawPages


class LandingConfig(StepConfig):
    """What to land."""

    rows: tuple[tuple[Any, ...], ...]
    first: str
    last: str
    respondents: tuple[str, ...]


class LandingStep(BaseStep[LandingConfig]):
    """Lands rows of demand."""

    def _execute(self, ctx: StepContext) -> RawPages:
        settings = self.config
        rows = [Row(*row) for row in settings.rows]
        return land(
            ctx.out,
            [[rows]],
            route_id="region-data",
            first=settings.first,
            last=settings.last,
            respondents=settings.respondents,
            types=["D"],
        )
