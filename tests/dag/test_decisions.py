"""The plan decides as the run does, says why, and leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.dag.toys import CachedWork, Note, Work, chain, pipeline

from gridloom.dag import CacheableStep, PipelineDAG, StepConfig
from gridloom.errors import KeyMissingError, UnknownStepError, UsageError


def decided(dag: PipelineDAG) -> list[tuple[str, str, str]]:
    return [(step.step_id, step.decision, step.reason) for step in dag.plan().steps]


def cached_chain(out: Path, *, text: str = "", **settings: Any) -> PipelineDAG:
    dag = pipeline(out, **settings)
    chain(dag, [CachedWork("a"), CachedWork("b", text=text), CachedWork("c")])
    return dag


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "not" / "there"
    assert decided(cached_chain(out)) == [
        ("a", "run", "never ran before"),
        ("b", "run", "`a` runs first"),
        ("c", "run", "`b` runs first"),
    ]
    assert not any(tmp_path.iterdir())


def test_the_plan_says_what_the_run_then_does(tmp_path: Path) -> None:
    first = cached_chain(tmp_path).execute()
    unchanged = f"unchanged since run {first.run_id}"
    assert decided(cached_chain(tmp_path)) == [(name, "cached", unchanged) for name in "abc"]
    changed = cached_chain(tmp_path, text="new")
    assert decided(changed) == [
        ("a", "cached", unchanged),
        ("b", "run", "config `text` '' → new"),
        ("c", "run", "`b` runs first"),
    ]
    result = changed.execute()
    assert [(step.step_id, step.outcome.value) for step in result.steps.values()] == [
        ("a", "cached"),
        ("b", "executed"),
        ("c", "executed"),
    ]
    assert result["b"].reason == "config `text` '' → new"


def test_force_is_planned(tmp_path: Path) -> None:
    cached_chain(tmp_path).execute()
    assert {step.decision for step in cached_chain(tmp_path, force=True).plan().steps} == {"run"}


class Keyed(CachedWork):
    def validate_input(self, inputs: Mapping[str, Any]) -> None:
        raise KeyMissingError("Set EIA_API_KEY.")


class BadDetail(CachedWork):
    def plan_detail(self, out: Path) -> dict[str, Any]:
        raise UsageError("end before start")


class Detailed(CachedWork):
    def plan_detail(self, out: Path) -> dict[str, Any]:
        return {"windows": 9, "out": out.name}


@pytest.mark.parametrize(("kind", "reason"), [(Keyed, "Set EIA_API_KEY."), (BadDetail, "end before start")])
def test_what_cannot_run_is_blocked_and_so_is_what_needs_it(
    tmp_path: Path, kind: type[CachedWork], reason: str
) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [kind("a"), CachedWork("b"), CachedWork("c")])
    dag.add_step(CachedWork("free"))
    dag.add_step(CachedWork("later"), after=["c"])
    assert decided(dag) == [
        ("a", "blocked", reason),
        ("b", "blocked", "`a` is blocked"),
        ("c", "blocked", "`b` is blocked"),
        ("free", "run", "never ran before"),
        ("later", "blocked", "`c` is blocked"),
    ]
    assert dag.plan().blocked


def test_a_step_adds_its_own_facts(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Detailed("a"))
    assert dag.plan()["a"].detail == {"windows": 9, "out": tmp_path.name}


def test_an_order_only_bond_does_not_make_a_cached_step_run(tmp_path: Path) -> None:
    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(Work("always"))
        dag.add_step(CachedWork("kept"), after=["always"])
        planned = dag.plan()
        dag.execute()
    assert planned["always"].decision == "run"
    assert planned["kept"].decision == "cached"


def test_plans_are_asked_by_id(tmp_path: Path) -> None:
    with pytest.raises(UnknownStepError, match="Did you mean"):
        _ = cached_chain(tmp_path).plan()["aa"]


def test_secrets_do_not_show_in_plans(tmp_path: Path) -> None:
    class Leaky(CachedWork):
        def plan_detail(self, out: Path) -> dict[str, Any]:
            return {"url": "http://x/?api_key=canary-secret-value"}

        def validate_input(self, inputs: Mapping[str, Any]) -> None:
            raise UsageError("canary-secret-value was refused")

    dag = pipeline(tmp_path)
    dag.add_secret("canary-secret-value")
    dag.add_step(Leaky("a"))
    assert "canary" not in repr(dag.plan())


def test_a_step_has_no_facts_by_default(tmp_path: Path) -> None:
    assert CachedWork("a").plan_detail(tmp_path) == {}
    assert StepConfig().step_id == ""


class Reads(CacheableStep[StepConfig]):
    def _execute(self, note: Note) -> int:
        return len(note.text)


def test_an_input_that_differs_is_named_with_its_file(tmp_path: Path) -> None:
    def build(text: str) -> PipelineDAG:
        dag = pipeline(tmp_path)
        chain(dag, [CachedWork("a", text=text), Reads(StepConfig(step_id="reads"))])
        return dag

    build("").execute().raise_for_failure()
    alone = pipeline(tmp_path)
    alone.add_step(CachedWork("a", text="new"))
    alone.execute().raise_for_failure()

    assert decided(build("new"))[1] == ("reads", "run", "input `note` differs (note.txt)")


def test_a_truncated_output_is_a_reason(tmp_path: Path) -> None:
    cached_chain(tmp_path).execute().raise_for_failure()
    note = tmp_path / "steps" / "b" / "note.txt"
    note.write_text(note.read_text()[:-2])

    assert decided(cached_chain(tmp_path))[1] == ("b", "run", "note.txt was truncated to 4 of 6 bytes")
