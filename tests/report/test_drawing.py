from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gridloom.report.drawing import draw


@st.composite
def graphs(data: st.DrawFn) -> dict[str, list[str]]:
    """DAGs in topological order, small ones and ones of more steps than have room for their names."""
    count = data(st.one_of(st.integers(0, 12), st.just(70)))
    names = [f"step-{number}" for number in range(count)]
    return {
        name: sorted(data(st.sets(st.sampled_from(names[:place]), max_size=3))) if place else []
        for place, name in enumerate(names)
    }


@given(graphs())
def test_every_step_stands_right_of_what_it_needs_and_in_nobodys_place(graph: dict[str, list[str]]) -> None:
    drawing = draw(graph)
    places = {box.step_id: box for box in drawing.boxes}

    assert list(places) == list(graph)
    for name, needed in graph.items():
        assert all(places[above].x + drawing.box_width < places[name].x for above in needed)
    boxes = [(box.x, box.y) for box in drawing.boxes]
    assert len(set(boxes)) == len(boxes)
    for x, y in boxes:
        assert 0 <= x <= drawing.width - drawing.box_width
        assert 0 <= y <= drawing.height - drawing.box_height
    assert len(drawing.arrows) == sum(len(needed) for needed in graph.values())


@given(graphs())
def test_boxes_of_a_column_do_not_touch(graph: dict[str, list[str]]) -> None:
    drawing = draw(graph)
    columns: dict[int, list[int]] = {}
    for box in drawing.boxes:
        columns.setdefault(box.x, []).append(box.y)

    for tops in columns.values():
        tops.sort()
        assert all(low - high > drawing.box_height for high, low in pairwise(tops))


def test_boxes_are_wide_enough_for_the_longest_name_but_not_for_any() -> None:
    short, long, longer = (draw({"a" * length: []}).box_width for length in (5, 26, 1000))

    assert short < long < longer < 400
    assert long >= 26 * 8


def test_many_steps_are_drawn_without_names() -> None:
    assert draw({"a": []}).named
    assert not draw({str(number): [] for number in range(61)}).named


def test_very_many_steps_side_by_side_make_no_tower() -> None:
    drawing = draw({**{str(number): [] for number in range(1000)}, "last": ["0", "999"]})

    assert drawing.height < 600
    assert drawing.width < 700
