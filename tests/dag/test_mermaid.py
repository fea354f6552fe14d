"""A plan as a picture: every step, every bond, and no text that breaks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.dag.toys import CachedWork, pipeline

from gridloom.dag import Plan
from gridloom.dag.explain import PlannedStep
from gridloom.dag.mermaid import mermaid

LINE = re.compile(
    r"flowchart TD|  s\d+\[\"[^\"\n]*\"\]:::(run|cached|blocked)|  s\d+ --> s\d+|  classDef \w+ [\w:#,]+"
)


def test_steps_bonds_decisions_and_reasons(tmp_path: Path) -> None:
    for text in ("", "new"):
        dag = pipeline(tmp_path)
        dag.add_step(CachedWork("a"))
        dag.add_step(CachedWork("b", text=text), ["a"])
        dag.add_step(CachedWork("c"), ["a", "b"])
        if not text:
            first = dag.execute()
    drawn = mermaid(dag.plan())

    assert drawn.splitlines()[:7] == [
        "flowchart TD",
        f'  s0["a<br/>cached: unchanged since run {first.run_id}"]:::cached',
        "  s1[\"b<br/>run: config `text` '' → new\"]:::run",
        '  s2["c<br/>run: `b` runs first"]:::run',
        "  s0 --> s1",
        "  s0 --> s2",
        "  s1 --> s2",
    ]
    assert all(LINE.fullmatch(line) for line in drawn.splitlines()), drawn


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ('a "quoted" <b>reason</b> & more', "a &quot;quoted&quot; &lt;b&gt;reason&lt;/b&gt; &amp; more"),
        ("two\nlines\tof it", "two lines of it"),
        ("#9829; is a heart", "&num;9829; is a heart"),
        ("x" * 500, "x" * 79 + "…"),
        ('"' * 500, "&quot;" * 79 + "…"),
    ],
)
def test_no_text_breaks_the_picture(reason: str, shown: str) -> None:
    plan = Plan(steps=(PlannedStep(step_id="a", decision="blocked", reason=reason),))

    assert mermaid(plan).splitlines()[1] == f'  s0["a<br/>blocked: {shown}"]:::blocked'
    assert all(LINE.fullmatch(line) for line in mermaid(plan).splitlines())


def test_an_empty_plan_is_an_empty_picture() -> None:
    assert mermaid(Plan(steps=())).startswith("flowchart TD\n  classDef ")
