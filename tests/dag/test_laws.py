"""Laws that hold for every graph."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dag.toys import CachedWork, Work, fail, pipeline

from gridloom.dag import StepContext, events
from gridloom.dag.events import Event
from gridloom.dag.redact import Redactor

Graph = list[set[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draws for each step the earlier steps that it depends on."""
    size = draw(st.integers(1, 9))
    return [
        draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set() for number in range(size)
    ]


def descendants(graph: Graph, of: set[int]) -> set[int]:
    found: set[int] = set()
    for number, needs in enumerate(graph):
        if needs & (of | found):
            found.add(number)
    return found


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), limit=st.integers(1, 4), order_only=st.booleans())
def test_every_step_runs_once_and_after_what_it_needs(graph: Graph, limit: int, *, order_only: bool) -> None:
    heard: list[Event] = []

    def action(ctx: StepContext) -> None:
        needed = [f"s{number}" for number in graph[int(ctx.step_id[1:])]]
        assert all(dag.get_step_status(name).succeeded for name in needed)

    with tempfile.TemporaryDirectory() as out:
        dag = pipeline(Path(out), max_parallel_steps=limit)
        dag.subscribe(heard.append)
        for number, needs in enumerate(graph):
            before = [f"s{needed}" for needed in sorted(needs)]
            step = Work(f"s{number}", action)
            dag.add_step(step, after=before) if order_only else dag.add_step(step, before)
        result = dag.execute()
    result.raise_for_failure()
    ended = [event.step_id for event in heard if isinstance(event, events.StepFinished)]
    assert sorted(ended) == sorted(f"s{number}" for number in range(len(graph)))
    position = {name: place for place, name in enumerate(dag.validate_dag())}
    assert list(result.steps) == sorted(position, key=position.__getitem__)
    assert all(
        position[f"s{needed}"] < position[f"s{n}"] for n, needs in enumerate(graph) for needed in needs
    )


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), data=st.data())
def test_without_stop_exactly_the_descendants_of_failures_are_skipped(
    graph: Graph, data: st.DataObject
) -> None:
    bad = data.draw(st.sets(st.integers(0, len(graph) - 1)))
    hit = descendants(graph, bad)
    with tempfile.TemporaryDirectory() as out:
        dag = pipeline(Path(out), max_parallel_steps=2, stop_on_failure=False)
        for number, needs in enumerate(graph):
            dag.add_step(
                Work(f"s{number}", fail() if number in bad else None), [f"s{n}" for n in sorted(needs)]
            )
        result = dag.execute()
    for number in range(len(graph)):
        expected = "skipped" if number in hit else "failed" if number in bad else "executed"
        assert result[f"s{number}"].outcome.value == expected
    failed = bad - hit
    assert result.outcome.value == (
        "succeeded" if not failed else "partial" if len(failed | hit) < len(graph) else "failed"
    )


@settings(max_examples=30, deadline=None)
@given(graph=graphs(), data=st.data())
def test_a_rerun_runs_exactly_what_changed_and_what_depends_on_it(graph: Graph, data: st.DataObject) -> None:
    changed = data.draw(st.sets(st.integers(0, len(graph) - 1)))
    with tempfile.TemporaryDirectory() as out:
        for texts in ({}, dict.fromkeys(changed, "new")):
            dag = pipeline(Path(out))
            for number, needs in enumerate(graph):
                step = CachedWork(f"s{number}", text=texts.get(number, ""))
                dag.add_step(step, [f"s{needed}" for needed in sorted(needs)])
            planned = {step.step_id: step.decision for step in dag.plan().steps}
            result = dag.execute()
    ran = {number for number in range(len(graph)) if result[f"s{number}"].outcome.value == "executed"}
    assert ran == changed | descendants(graph, changed)
    assert {number for number in range(len(graph)) if planned[f"s{number}"] == "run"} == ran


@given(
    secret=st.text(min_size=8, max_size=40).filter(lambda text: len(text.strip()) >= 8),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_a_secret_does_not_survive_in_any_form(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    plain = redactor.text(f"{before}{secret}{after}")
    record = redactor.record({"message": [f"{before}{secret}{after}", {secret: "x"}]})
    assert secret not in plain
    assert secret not in repr(record["message"][0])
    assert secret not in record["message"][1]
    assert redactor.text(quote(secret, safe="")) != quote(secret, safe="")


@given(text=st.text(max_size=60))
def test_without_secrets_nothing_changes(text: str) -> None:
    redactor = Redactor()
    redactor.add("")
    assert redactor.text(text) == text
    assert redactor.record({"a": [text]}) == {"a": [text]}
