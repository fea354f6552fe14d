"""What annotations are needed, and what is said where they are of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, CacheableStep, StepConfig, StepContext
from gridloom.dag.kinds import fits, type_name
from gridloom.dag.signature import signature_of
from gridloom.errors import AnnotationError

if TYPE_CHECKING:
    from decimal import Decimal as OnlyChecked


class Table(Artifact):
    pass


class Good(BaseStep[StepConfig]):
    def _execute(
        self, table: Table, others: list[Table], maybe: int | None, ctx: StepContext, n: int = 2
    ) -> Table:
        return table


class Unannotated(BaseStep[StepConfig]):
    def _execute(self, table, ctx: StepContext) -> Table:
        return table


class NoResult(BaseStep[StepConfig]):
    def _execute(self, table: Table):
        return table


class Hidden(BaseStep[StepConfig]):
    def _execute(self, table: OnlyChecked) -> Table: ...


class Frame:
    """Stands for a dataframe."""


class GivesFrame(BaseStep[StepConfig]):
    def _execute(self) -> Frame: ...


class TakesFrame(BaseStep[StepConfig]):
    def _execute(self, frame: Frame) -> Table: ...


class TakesAny(BaseStep[StepConfig]):
    def _execute(self, thing: Any) -> Table: ...


class TakesEither(BaseStep[StepConfig]):
    def _execute(self, thing: Table | int) -> Table: ...


class TakesRest(BaseStep[StepConfig]):
    def _execute(self, *tables: Table) -> Table: ...


class GivesList(BaseStep[StepConfig]):
    def _execute(self) -> list[Table]: ...


class GivesMaybe(BaseStep[StepConfig]):
    def _execute(self) -> Table | None: ...


class Pair(NamedTuple):
    table: Table
    frame: Frame


class GivesPair(BaseStep[StepConfig]):
    def _execute(self) -> Pair: ...


class Forgets(CacheableStep[StepConfig]):
    def _execute(self) -> None: ...


def test_a_signature_says_what_a_step_takes_and_gives() -> None:
    signature = signature_of(Good)
    assert [(item.name, item.wanted, item.optional) for item in signature.parameters] == [
        ("table", "Table", False),
        ("others", "list[Table]", False),
        ("maybe", "int", True),
        ("n", "int", True),
    ]
    assert signature.context == "ctx"
    assert signature.outputs == {"output": Table}


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Unannotated, "parameter `table` of Unannotated._execute has no type annotation"),
        (NoResult, "NoResult._execute has no return annotation"),
        (
            Hidden,
            "In Hidden._execute, the annotation `OnlyChecked` of `table` cannot be resolved. It is defined",
        ),
        (GivesFrame, "result of GivesFrame._execute is Frame, which is neither an Artifact nor a small"),
        (TakesFrame, "parameter `frame` of TakesFrame._execute takes Frame, which no step can give"),
        (TakesAny, "parameter `thing` of TakesAny._execute takes Any, which no step can give"),
        (TakesEither, "takes Table | int. Take one type, or `T | None`"),
        (TakesRest, "`tables` of TakesRest._execute is variadic positional. Name each input"),
        (GivesList, "is list[Table]. Give one artifact, or a NamedTuple of artifacts."),
        (GivesMaybe, "is Table | None. Give one artifact"),
        (GivesPair, "field `frame` of Pair, the result of GivesPair._execute, is Frame"),
    ],
)
def test_a_useless_annotation_is_explained(step: type[BaseStep[Any]], text: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        signature_of(step)
    assert text in str(caught.value)


def test_a_type_of_a_local_scope_is_explained() -> None:
    class Local(Artifact):
        pass

    class UsesLocal(BaseStep[StepConfig]):
        def _execute(self, ctx: StepContext) -> Local: ...

    with pytest.raises(AnnotationError, match=r"`Local` of the result cannot be resolved.*local scope"):
        signature_of(UsesLocal)


def test_a_named_tuple_of_local_types_is_explained() -> None:
    class Local(Artifact):
        pass

    class LocalPair(NamedTuple):
        first: Local

    class UsesPair(BaseStep[StepConfig]):
        def _execute(self) -> Table: ...

    UsesPair._execute.__annotations__["return"] = LocalPair
    with pytest.raises(AnnotationError, match="In LocalPair, the annotation `Local` of `first`"):
        signature_of(UsesPair)


def test_a_cacheable_step_gives_something(tmp_path) -> None:
    from tests.dag.toys import pipeline

    with pytest.raises(AnnotationError, match="Forgets is a CacheableStep that gives nothing"):
        pipeline(tmp_path).add_step(Forgets(StepConfig()))


def test_types_read_as_in_source_code() -> None:
    assert type_name(dict[str, list[Table]]) == "dict[str, list[Table]]"
    assert type_name(Table | None) == "Table | None"


def test_which_types_fit() -> None:
    class Wide(Table):
        pass

    assert fits(Wide, Table)
    assert not fits(Table, Wide)
    assert not fits(bool, int)
    assert fits(dict[str, int], dict)
    assert not fits(dict[str, int], dict[str, float])
