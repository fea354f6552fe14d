"""Outputs flow to parameters by type; what does not fit names both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pydantic
import pytest
from tests.dag.toys import pipeline

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, PipelineDAG, StepConfig, StepContext
from gridloom.errors import WiringError


class Raw(Artifact):
    pass


class Table(Artifact):
    pass


class WideTable(Table):
    pass


class Both(NamedTuple):
    train: Table
    test: Table
    count: int


class Model(pydantic.BaseModel):
    alpha: float


class Facts(msgspec.Struct, frozen=True):
    hours: int


class Step(BaseStep[StepConfig]):
    """Every step here makes one file named after its type, unless it says otherwise."""

    def __init__(self, step_id: str) -> None:
        super().__init__(StepConfig(step_id=step_id))

    def make(self, kind: type[Artifact], ctx: StepContext, name: str = "file") -> Any:
        path = ctx.path(name)
        path.write_text(self.step_id)
        return kind.of(path)


class GivesRaw(Step):
    def _execute(self, ctx: StepContext) -> Raw:
        return self.make(Raw, ctx)


class GivesTable(Step):
    def _execute(self, ctx: StepContext) -> Table:
        return self.make(Table, ctx)


class GivesWide(Step):
    def _execute(self, ctx: StepContext) -> WideTable:
        return self.make(WideTable, ctx)


class GivesBoth(Step):
    def _execute(self, ctx: StepContext) -> Both:
        return Both(self.make(Table, ctx, "train"), self.make(Table, ctx, "test"), 2)


class TakesTable(Step):
    def _execute(self, table: Table) -> str:
        return table.path.read_text()


class TakesTwo(Step):
    def _execute(self, load_a: Table, load_b: Table) -> str:
        return f"{load_a.path.read_text()} then {load_b.path.read_text()}"


class TakesList(Step):
    def _execute(self, tables: list[Table]) -> str:
        return ",".join(table.path.read_text() for table in tables)


class TakesMaybe(Step):
    def _execute(self, raw: Raw, table: Table | None) -> str:
        return table.path.read_text() if table else "nothing"


class TakesSplit(Step):
    def _execute(self, test: Table, train: Table, count: int) -> str:
        return f"{train.path.name} {test.path.name} {count}"


class GivesNothing(Step):
    def _execute(self) -> None:
        return None


def output(dag: PipelineDAG, step_id: str) -> Any:
    result = dag.execute()
    result.raise_for_failure()
    return result[step_id].output


def test_an_output_finds_its_parameter_by_type(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesTable("load"))
    dag.add_step(TakesTable("use"), ["load"])
    assert output(dag, "use") == "load"


def test_a_subclass_fits(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesWide("wide"))
    dag.add_step(TakesTable("use"), ["wide"])
    assert output(dag, "use") == "wide"


def test_a_base_class_does_not_fit_where_more_is_wanted(tmp_path: Path) -> None:
    class TakesWide(Step):
        def _execute(self, table: WideTable) -> int:
            return 1

    dag = pipeline(tmp_path)
    dag.add_step(GivesTable("load"))
    with pytest.raises(WiringError, match=r"step 'use' wants WideTable .*but 'load' produces Table"):
        dag.add_step(TakesWide("use"), ["load"])


def test_a_mismatch_names_both_sides_and_the_way_out(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesRaw("extract"))
    dag.add_step(GivesTable("transform"))
    with pytest.raises(WiringError) as caught:
        dag.add_step(TakesTable("tensors"), ["extract"])
    assert str(caught.value) == (
        "step 'tensors' wants Table (parameter `table`), but 'extract' produces Raw. "
        "Add 'transform', which produces one, to its dependencies."
    )


def test_a_step_without_its_dependency_says_so(tmp_path: Path) -> None:
    with pytest.raises(WiringError, match=r"it has no dependencies\. Add a dependency that produces Table"):
        pipeline(tmp_path).add_step(TakesTable("use"))


def test_two_outputs_of_one_type_are_told_apart_by_name(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesTable("load-b"))
    dag.add_step(GivesTable("load-a"))
    dag.add_step(TakesTwo("use"), ["load-b", "load-a"])
    assert output(dag, "use") == "load-a then load-b"


@pytest.mark.parametrize("kind", [GivesTable, GivesWide])
def test_two_outputs_that_fit_and_no_name_are_an_error(tmp_path: Path, kind: type[Step]) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesTable("one-file"))
    dag.add_step(kind("other"))
    with pytest.raises(
        WiringError, match=r"several outputs fit: 'one-file' \(Table, `one_file`\) and 'other'"
    ):
        dag.add_step(TakesTable("use"), ["one-file", "other"])


def test_one_output_does_not_feed_two_parameters(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesTable("load-a"))
    with pytest.raises(WiringError, match="`load_a` and `load_b` of step 'use' would both take the Table"):
        dag.add_step(TakesTwo("use"), ["load-a"])


def test_a_list_gathers_all_that_fit_in_the_order_of_dependencies(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    for number in range(3):
        dag.add_step((GivesWide if number == 1 else GivesTable)(f"t{number}"))
    dag.add_step(TakesList("use"), ["t2", "t0", "t1"])
    assert output(dag, "use") == "t2,t0,t1"


def test_an_empty_list_is_an_error(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesRaw("raw"))
    with pytest.raises(WiringError, match=r"wants list\[Table\] .*but 'raw' produces Raw"):
        dag.add_step(TakesList("use"), ["raw"])


def test_an_optional_parameter_may_be_absent(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesRaw("raw"))
    dag.add_step(GivesTable("load"))
    dag.add_step(TakesMaybe("without"), ["raw"])
    dag.add_step(TakesMaybe("with"), ["raw", "load"])
    result = dag.execute()
    assert result["without"].output == "nothing"
    assert result["with"].output == "load"


def test_a_named_tuple_gives_several_outputs_by_field(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    split = dag.add_step(GivesBoth("split"))
    dag.add_step(TakesSplit("use"), [split])
    result = dag.execute()
    assert result["use"].output == "train test 2"
    assert set(result["split"].artifacts) == {"train", "test", "count"}
    with pytest.raises(Exception, match=r"several outputs.*train, test, count"):
        _ = result["split"].output


def test_fields_of_two_steps_are_told_apart_by_step_and_field(tmp_path: Path) -> None:
    class TakesOne(Step):
        def _execute(self, second_train: Table) -> str:
            return second_train.path.parent.name

    dag = pipeline(tmp_path)
    dag.add_step(GivesBoth("first"))
    dag.add_step(GivesBoth("second"))
    with pytest.raises(WiringError, match="depends on 'first'"):
        dag.add_step(TakesOne("use"), ["first", "second"])
    dag.add_step(TakesOne("use"), ["second"], after=["first"])
    assert output(dag, "use") == "second"


def test_a_dependency_that_feeds_nothing_is_an_error(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesRaw("raw"))
    dag.add_step(GivesTable("load"))
    dag.add_step(GivesNothing("clean"))
    with pytest.raises(WiringError, match=r"depends on 'raw', which produces Raw.*after=\['raw'\]"):
        dag.add_step(TakesTable("use"), ["load", "raw"])
    with pytest.raises(WiringError, match="depends on 'clean', which produces nothing"):
        dag.add_step(TakesTable("use"), ["load", "clean"])
    dag.add_step(TakesTable("use"), ["load"], after=["raw", "clean"])
    assert output(dag, "use") == "load"


class GivesInt(Step):
    def _execute(self) -> int:
        return 3


class GivesFlag(Step):
    def _execute(self) -> bool:
        return True


class GivesModel(Step):
    def _execute(self) -> Model:
        return Model(alpha=0.5)


class GivesFacts(Step):
    def _execute(self) -> Facts:
        return Facts(hours=8760)


class GivesList(Step):
    def _execute(self) -> list[int]:
        return [1, 2]


class TakesValues(Step):
    def _execute(self, count: int, model: Model, facts: Facts, flag: bool = False) -> dict[str, float]:
        return {"sum": count + model.alpha + facts.hours + flag}


class TakesInts(Step):
    def _execute(self, numbers: list[int]) -> int:
        return sum(numbers)


def test_small_values_flow_like_artifacts(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    steps = [dag.add_step(step) for step in (GivesInt("i"), GivesModel("m"), GivesFacts("f"), GivesFlag("b"))]
    dag.add_step(TakesValues("without"), steps[:3])
    dag.add_step(TakesValues("with"), steps)
    result = dag.execute()
    assert result["without"].output == {"sum": 8763.5}
    assert result["with"].output == {"sum": 8764.5}


def test_a_flag_is_no_number(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesFlag("b"))
    with pytest.raises(WiringError, match="produces bool"):
        dag.add_step(TakesInts("sum"), ["b"])


def test_a_list_parameter_takes_one_list_or_gathers_its_items(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(GivesList("l"))
    dag.add_step(GivesInt("i"))
    dag.add_step(GivesInt("j"))
    dag.add_step(TakesInts("one"), ["l"])
    dag.add_step(TakesInts("items"), ["i", "j"])
    result = dag.execute()
    assert (result["one"].output, result["items"].output) == (3, 6)
