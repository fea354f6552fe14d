"""Order, ids and circles."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tests.dag.toys import CachedWork, Work, chain, fail, pipeline

from gridloom.dag import PipelineDAG, StepOutcome
from gridloom.errors import CycleError, DuplicateStepError, GraphError, UnknownStepError


def test_a_chain_runs_in_order_and_hands_on_what_it_made(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [Work("a"), Work("b"), Work("c")])
    assert dag.validate_dag() == ["a", "b", "c"]
    assert dag.execute()["c"].output.text == "c(b(a()))"


def test_a_diamond_runs_its_root_once(tmp_path: Path) -> None:
    ran: list[str] = []
    dag = pipeline(tmp_path)
    root = dag.add_step(Work("root", lambda ctx: ran.append(ctx.step_id)))
    left = dag.add_step(Work("left"), [root])
    right = dag.add_step(Work("right"), ["root"])
    dag.add_step(Work("end"), [left, right])
    result = dag.execute()
    assert ran == ["root"]
    assert result["end"].output.text == "end(left(root())+right(root()))"


def test_fan_out_and_fan_in_gather_in_the_order_of_the_dependencies(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, max_parallel_steps=3)
    root = dag.add_step(Work("root"))
    middle = [dag.add_step(Work(f"m{number}"), [root]) for number in range(6)]
    dag.add_step(Work("end"), middle[::-1])
    expected = "+".join(f"m{number}(root())" for number in reversed(range(6)))
    assert dag.execute()["end"].output.text == f"end({expected})"


def test_steps_without_a_bond_come_in_the_order_of_adding(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    for name in ("z", "b", "m"):
        dag.add_step(Work(name))
    dag.add_step(Work("a"), ["m"])
    assert dag.validate_dag() == ["z", "b", "m", "a"]


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("load"))
    with pytest.raises(DuplicateStepError, match=r"already a step 'load' \(Work\).*another step_id"):
        dag.add_step(CachedWork("load"))
    assert dag.validate_dag() == ["load"]


def test_an_unknown_dependency_gets_the_nearest_id(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("extract-demand"))
    with pytest.raises(UnknownStepError, match=r"no step 'extract-demnd'\. Did you mean extract-demand\?"):
        dag.add_step(Work("next"), ["extract-demnd"])
    with pytest.raises(UnknownStepError, match=r"no step 'qqq'\. There are: 'extract-demand'"):
        dag.get_step_status("qqq")
    assert dag.validate_dag() == ["extract-demand"], "a step that does not fit is not added"


def test_a_node_of_another_dag_is_unknown(tmp_path: Path) -> None:
    foreign = pipeline(tmp_path).add_step(Work("a"))
    dag = pipeline(tmp_path)
    dag.add_step(Work("a"))
    with pytest.raises(UnknownStepError, match="of another DAG"):
        dag.add_step(Work("b"), [foreign])


def test_a_single_dependency_is_still_a_list(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("a"))
    with pytest.raises(GraphError, match=r"a list of step ids.*Write \['a'\]"):
        dag.add_step(Work("b"), "a")


@pytest.mark.parametrize("order_only", [True, False])
def test_a_circle_is_printed_as_a_path(tmp_path: Path, *, order_only: bool) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [Work("a"), Work("b"), Work("c")])
    dag.add_step(Work("aside"))
    dag.add_dependency("a", "c", order_only=order_only)
    for attempt in (dag.validate_dag, dag.plan, dag.execute):
        with pytest.raises(CycleError) as caught:
            attempt()
        path = str(caught.value).partition(": ")[2].partition(" (")[0].split(" -> ")
        needs = {"a": "c", "b": "a", "c": "b"}
        assert len(path) == 4
        assert all(needs[step] == needed for step, needed in pairwise(path))
    assert not (tmp_path / "runs").exists()


def test_a_step_that_needs_itself_is_a_circle(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Work("a"))
    dag.add_dependency("a", "a", order_only=True)
    with pytest.raises(CycleError, match="a -> a"):
        dag.validate_dag()


def test_an_empty_dag_says_to_add_a_step(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    for attempt in (dag.validate_dag, dag.plan, dag.execute):
        with pytest.raises(GraphError, match=r"no steps\. Add one with add_step"):
            attempt()
    assert not any(tmp_path.iterdir())


def test_order_only_waits_and_hands_nothing_on(tmp_path: Path) -> None:
    ran: list[str] = []
    dag = pipeline(tmp_path)
    dag.add_step(Work("late"))
    dag.add_step(Work("first", lambda ctx: ran.append(ctx.step_id)), after=["late"])
    dag.add_step(Work("second", lambda ctx: ran.append(ctx.step_id)), after=["first"])
    result = dag.execute()
    assert ran == ["first", "second"]
    assert result["second"].output.text == "second()"


def test_a_failure_is_passed_on_through_order_only_bonds(tmp_path: Path) -> None:
    dag = pipeline(tmp_path, stop_on_failure=False)
    dag.add_step(Work("a", fail()))
    dag.add_step(Work("b"), after=["a"])
    assert dag.execute()["b"].outcome is StepOutcome.skipped


def test_chains_are_made_in_one_call(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    first, second = dag.create_extract_transform_chain(Work("e"), Work("t"))
    assert (first.step_id, second.step_id) == ("e", "t")
    other = pipeline(tmp_path)
    nodes = other.create_etl_pipeline(Work("e"), Work("t"), Work("l"))
    assert [node.step_id for node in nodes] == ["e", "t", "l"]
    assert other.execute()["l"].output.text == "l(t(e()))"


def test_the_summary_says_where_everything_stands(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [Work("a"), Work("b")])
    before = dag.get_pipeline_summary()
    assert [step["outcome"] for step in before["steps"]] == ["pending", "pending"]
    result = dag.execute()
    after = dag.get_pipeline_summary()
    assert after["run_id"] == result.run_id
    assert after["outcome"] == "succeeded"
    assert [step["depends_on"] for step in after["steps"]] == [[], ["a"]]
    assert dag.get_step_status("b") is StepOutcome.executed


def test_what_is_no_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="instance of a BaseStep class"):
        pipeline(tmp_path).add_step(Work)  # type: ignore[arg-type]


def test_a_dag_has_settings_of_its_own_type() -> None:
    assert PipelineDAG().config.pipeline_id == "pipeline"
