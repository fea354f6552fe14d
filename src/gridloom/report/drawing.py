"""Where the boxes and arrows of the DAG's picture stand. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["LONGEST_NAME", "Box", "Drawing", "draw"]

_MOST_NAMED: Final = 60
"""More steps than this are drawn as small squares whose names show when pointed at."""

_SMALL: Final = 12
_TALLEST: Final = 32
"""More small squares than this do not stand one below the other: a column of the picture has several then."""

LONGEST_NAME: Final = 40
"""Characters of a name that a box shows; the whole name shows when it is pointed at."""

_CHARACTER_WIDTH: Final = 8.5
_BESIDE_NAME: Final = 28
_LEAST_WIDTH: Final = 130
_MARGIN: Final = 8
_SWEEPS: Final = 4


@dataclass(frozen=True, slots=True)
class Box:
    """One step in the picture; lengths in pixels.

    Attributes:
        step_id: The step.
        x: Left edge.
        y: Upper edge.
    """

    step_id: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture.

    Attributes:
        width: Of the whole, in pixels.
        height: Of the whole.
        box_width: Of each box.
        box_height: Of each box.
        boxes: In the order of the steps.
        arrows: Path of each arrow, from the right edge of a box to the left edge of a later one.
        named: Whether boxes are large enough for names.
    """

    width: int
    height: int
    box_width: int
    box_height: int
    boxes: list[Box]
    arrows: list[str]
    named: bool


def draw(dependencies: Mapping[str, Sequence[str]]) -> Drawing:
    """Returns the picture of a DAG: columns from left to right, each step right of all that it needs.

    Args:
        dependencies: For each step, in topological order, those that it comes after.
    """
    named = len(dependencies) <= _MOST_NAMED
    longest = min(max(map(len, dependencies), default=0), LONGEST_NAME)
    wide = max(_LEAST_WIDTH, _BESIDE_NAME + math.ceil(longest * _CHARACTER_WIDTH))
    box_width, box_height, gap_x, gap_y = (wide, 54, 52, 18) if named else (_SMALL, _SMALL, 48, 5)
    blocks = [_block(column, len(column) if named else _TALLEST) for column in _columns(dependencies)]
    tallest = max((len(part) for block in blocks for part in block), default=0)
    height = tallest * (box_height + gap_y) - gap_y + 2 * _MARGIN if blocks else 0
    places: dict[str, tuple[int, int]] = {}
    x = _MARGIN
    for block in blocks:
        for part in block:
            own = len(part) * (box_height + gap_y) - gap_y
            for place, step_id in enumerate(part):
                places[step_id] = (x, (height - own) // 2 + place * (box_height + gap_y))
            x += box_width + gap_y
        x += gap_x - gap_y
    arrows = [
        _arrow(places[above], places[step_id], box_width, box_height)
        for step_id, needed in dependencies.items()
        for above in needed
    ]
    return Drawing(
        width=x - gap_x + _MARGIN if blocks else 0,
        height=height,
        box_width=box_width,
        box_height=box_height,
        boxes=[Box(step_id, *places[step_id]) for step_id in dependencies],
        arrows=arrows,
        named=named,
    )


def _columns(dependencies: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Returns the steps by the length of the longest way to them, sorted so that few arrows cross."""
    depth: dict[str, int] = {}
    for step_id, needed in dependencies.items():
        depth[step_id] = max((depth[above] + 1 for above in needed), default=0)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for step_id, level in depth.items():
        columns[level].append(step_id)
    below: dict[str, list[str]] = {step_id: [] for step_id in dependencies}
    for step_id, needed in dependencies.items():
        for above in needed:
            below[above].append(step_id)
    for sweep in range(_SWEEPS):
        neighbours = dependencies if sweep % 2 == 0 else below
        place = {step_id: index for column in columns for index, step_id in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda name: _middle(neighbours[name], place, place[name]))
            place.update({step_id: index for index, step_id in enumerate(column)})
    return columns


def _block(column: Sequence[str], tallest: int) -> list[Sequence[str]]:
    """Returns a column in parts that stand side by side, none taller than that, all about as tall."""
    parts = -(-len(column) // tallest)
    rows = -(-len(column) // parts)
    return [column[first : first + rows] for first in range(0, len(column), rows)]


def _middle(neighbours: Sequence[str], place: Mapping[str, int], own: int) -> float:
    return sum(place[name] for name in neighbours) / len(neighbours) if neighbours else own


def _arrow(start: tuple[int, int], end: tuple[int, int], box_width: int, box_height: int) -> str:
    x1, y1 = start[0] + box_width, start[1] + box_height // 2
    x2, y2 = end[0], end[1] + box_height // 2
    bend = max((x2 - x1) // 2, 12)
    tip = "m-5 -4l5 4l-5 4" if box_height > _SMALL else ""
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}{tip}"
