"""A bar chart as one small SVG file.

Written by hand: a plotting library would weigh more than all other dependencies together, for bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

__all__ = ["Bar", "bar_chart"]

_WIDTH, _ROW, _LEFT, _RIGHT, _HEAD, _FOOT = 720, 34, 90, 250, 58, 22
_FONT: Final = "system-ui, sans-serif"
_PLAIN, _CHOSEN, _INK, _SOFT = "#9aa5b1", "#2563eb", "#1f2933", "#616e7c"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: What stands left of it.
        value: Its length, not negative.
        words: What stands right of it.
        chosen: Whether it stands out.
    """

    name: str
    value: float
    words: str
    chosen: bool = False


def bar_chart(title: str, note: str, bars: Sequence[Bar]) -> str:
    """Returns an SVG document with a horizontal bar for each value, all from zero.

    Args:
        title: The headline, unit included.
        note: A smaller line below it.
        bars: In their order, from the top.
    """
    height = _HEAD + _ROW * len(bars) + _FOOT
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "aria-label": title,
            "font-family": _FONT,
        },
    )
    ET.SubElement(root, "rect", {"width": str(_WIDTH), "height": str(height), "fill": "white"})
    _text(root, 16, 26, title, size=16, fill=_INK)
    _text(root, 16, 45, note, size=12, fill=_SOFT)
    longest = max((bar.value for bar in bars), default=0.0) or 1.0
    for place, bar in enumerate(bars):
        top = _HEAD + _ROW * place
        length = round(bar.value / longest * (_WIDTH - _LEFT - _RIGHT), 1)
        middle = top + _ROW / 2 + 1
        _text(root, _LEFT - 10, middle, bar.name, size=14, fill=_INK, anchor="end")
        box = {"x": _LEFT, "y": top, "width": max(length, 1), "height": _ROW - 12, "rx": 3}
        fill = _CHOSEN if bar.chosen else _PLAIN
        ET.SubElement(root, "rect", {**{key: str(value) for key, value in box.items()}, "fill": fill})
        _text(root, _LEFT + length + 8, middle, bar.words, size=13, fill=_INK)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _text(
    root: ET.Element, x: float, y: float, words: str, *, size: int, fill: str, anchor: str = "start"
) -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "font-size": str(size), "fill": fill, "text-anchor": anchor}
    ET.SubElement(root, "text", place).text = words
