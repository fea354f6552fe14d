"""What a step takes and gives, read from the annotations of its `_execute`."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridloom.dag.context import StepContext
from gridloom.dag.kinds import is_artifact, is_union, is_value_type, type_name
from gridloom.errors import AnnotationError

__all__ = ["Parameter", "Signature", "signature_of"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One input of a step.

    Attributes:
        name: The parameter's name.
        type: What it takes; of a list, what is in it.
        gathers: Whether it takes a list of all that fit.
        optional: Whether it may be absent.
        default: Whether the function has its own value for an absent one.
    """

    name: str
    type: Any
    gathers: bool = False
    optional: bool = False
    default: bool = False

    @property
    def wanted(self) -> str:
        """The type in words."""
        return f"list[{type_name(self.type)}]" if self.gathers else type_name(self.type)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a step takes and gives.

    Attributes:
        owner: Name of the step's class.
        parameters: Its inputs.
        outputs: Types of its outputs by field name; a single one is named ``output``.
        several: The ``NamedTuple`` class where there are several outputs.
        context: Name of the parameter that takes the `StepContext`, if there is one.
    """

    owner: str
    parameters: tuple[Parameter, ...]
    outputs: Mapping[str, Any]
    several: type[tuple[Any, ...]] | None
    context: str | None

    @property
    def produced(self) -> str:
        """The outputs' types in words."""
        return ", ".join(type_name(kind) for kind in self.outputs.values()) or "nothing"


@functools.lru_cache(maxsize=1024)
def signature_of(step_class: type) -> Signature:
    """Returns what a step class takes and gives.

    Raises:
        AnnotationError: If an annotation is missing, cannot be resolved, or is of no use.
    """
    owner = step_class.__name__
    function = step_class._execute  # type: ignore[attr-defined]  # noqa: SLF001 - what a step is read by
    hints = _hints(function, f"{owner}._execute")
    context: str | None = None
    parameters: list[Parameter] = []
    for item in list(inspect.signature(function).parameters.values())[1:]:
        place = f"parameter `{item.name}` of {owner}._execute"
        _check_declared(item, hints, place)
        if hints[item.name] is StepContext:
            context = item.name
        else:
            parameters.append(_parameter(item, hints[item.name], place))
    if "return" not in hints:
        raise AnnotationError(
            f"{owner}._execute has no return annotation. Annotate what it gives, such as `-> HourlyTable`, "
            "or `-> None` if it gives nothing."
        )
    several, outputs = _outputs(hints["return"], owner)
    return Signature(
        owner=owner, parameters=tuple(parameters), outputs=outputs, several=several, context=context
    )


def _hints(thing: Any, place: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(thing)
    except NameError as error:
        missing = error.name or str(error)
        users = [
            "the result" if name == "return" else f"`{name}`"
            for name, text in inspect.get_annotations(thing).items()
            if missing in str(text)
        ]
        raise AnnotationError(
            f"In {place}, the annotation `{missing}` of {' and '.join(users)} cannot be resolved. "
            "It is defined in a local scope, or imported only under TYPE_CHECKING. Define or import it at "
            f"the top of the module {thing.__module__}, at run time."
        ) from error
    except (TypeError, SyntaxError, AttributeError) as error:
        raise AnnotationError(f"The annotations of {place} cannot be resolved: {error}.") from error


def _check_declared(item: inspect.Parameter, hints: Mapping[str, Any], place: str) -> None:
    if item.kind in {item.VAR_POSITIONAL, item.VAR_KEYWORD, item.POSITIONAL_ONLY}:
        raise AnnotationError(f"The {place} is {item.kind.description}. Name each input on its own.")
    if item.name not in hints:
        raise AnnotationError(
            f"The {place} has no type annotation. Annotate it with the artifact type that it takes."
        )


def _parameter(item: inspect.Parameter, hint: Any, place: str) -> Parameter:
    has_default = item.default is not item.empty
    optional = has_default
    if is_union(hint):
        others = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        if len(others) != 1:
            raise AnnotationError(f"The {place} takes {type_name(hint)}. Take one type, or `T | None`.")
        hint, optional = others[0], True
    gathers = typing.get_origin(hint) is list
    if gathers:
        hint = typing.get_args(hint)[0]
    if not is_artifact(hint) and not is_value_type(hint):
        raise AnnotationError(
            f"The {place} takes {type_name(hint)}, which no step can give. "
            "Take an Artifact type or a small JSON-able value."
        )
    return Parameter(name=item.name, type=hint, gathers=gathers, optional=optional, default=has_default)


def _outputs(hint: Any, owner: str) -> tuple[type[tuple[Any, ...]] | None, dict[str, Any]]:
    if hint is type(None):
        return None, {}
    if isinstance(hint, type) and issubclass(hint, tuple) and hint is not tuple:
        fields = _hints(hint, hint.__name__)
        for name, kind in fields.items():
            _check_output(kind, f"field `{name}` of {hint.__name__}, the result of {owner}._execute,")
        return hint, fields
    _check_output(hint, f"result of {owner}._execute")
    return None, {"output": hint}


def _check_output(kind: Any, place: str) -> None:
    if is_artifact(kind) or is_value_type(kind):
        return
    if any(is_artifact(arg) for arg in typing.get_args(kind)):
        raise AnnotationError(
            f"The {place} is {type_name(kind)}. Give one artifact, or a NamedTuple of artifacts."
        )
    raise AnnotationError(
        f"The {place} is {type_name(kind)}, which is neither an Artifact nor a small JSON-able value. "
        "Write large data to ctx.path(...) and return an Artifact that describes the file."
    )
