"""Which output feeds which parameter: by type first, by name where several fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridloom.dag.kinds import fits, type_name
from gridloom.dag.signature import Parameter, Signature
from gridloom.errors import WiringError

__all__ = ["Binding", "Source", "bind"]


@dataclass(frozen=True, slots=True)
class Source:
    """One output of one step.

    Attributes:
        step_id: The step that gives it.
        field: Its name among that step's outputs.
        type: What it is.
    """

    step_id: str
    field: str
    type: Any

    @property
    def names(self) -> set[str]:
        """The parameter names that mean this output."""
        step = _as_name(self.step_id)
        return {step} if self.field == "output" else {step, self.field, f"{step}_{self.field}"}


@dataclass(frozen=True, slots=True)
class Binding:
    """What feeds one parameter.

    Attributes:
        parameter: The parameter.
        sources: The outputs; empty if it is absent.
        gathers: Whether they come as a list.
    """

    parameter: Parameter
    sources: tuple[Source, ...]
    gathers: bool = False


def bind(
    step_id: str,
    signature: Signature,
    producers: Mapping[str, Signature],
    others: Iterable[tuple[str, Signature]],
) -> tuple[Binding, ...]:
    """Returns what feeds each parameter of a step.

    Args:
        step_id: The step that takes.
        signature: What it takes.
        producers: Its dependencies in their order, and what they give.
        others: The other steps of the DAG and what they give, for advice.

    Raises:
        WiringError: Naming both sides, if something does not fit, is ambiguous, or feeds nothing.
    """
    sources = [
        Source(name, field, kind)
        for name, given in producers.items()
        for field, kind in given.outputs.items()
    ]
    bindings = tuple(_bind_one(step_id, item, sources, producers, others) for item in signature.parameters)
    _check_fed_once(step_id, bindings)
    _check_all_used(step_id, signature, producers, bindings)
    return bindings


def _bind_one(
    step_id: str,
    item: Parameter,
    sources: Sequence[Source],
    producers: Mapping[str, Signature],
    others: Iterable[tuple[str, Signature]],
) -> Binding:
    fitting = [source for source in sources if fits(source.type, item.type)]
    if item.gathers:
        whole = [source for source in sources if source.type == list[item.type]]  # type: ignore[name-defined]
        if not whole and fitting:
            return Binding(item, tuple(fitting), gathers=True)
        fitting = whole
    if len(fitting) > 1:
        fitting = _by_name(step_id, item, fitting)
    if not fitting and not item.optional:
        raise WiringError(_missing(step_id, item, producers, others))
    return Binding(item, tuple(fitting))


def _by_name(step_id: str, item: Parameter, fitting: Sequence[Source]) -> list[Source]:
    named = [source for source in fitting if item.name in source.names]
    if len(named) == 1:
        return named
    said = _listed(
        f"'{source.step_id}' ({type_name(source.type)}, `{_best_name(source)}`)" for source in fitting
    )
    raise WiringError(
        f"Parameter `{item.name}` of step '{step_id}' wants {item.wanted}, and several outputs fit: {said}. "
        "Name the parameter like the one that it takes ('-' reads as '_'), or take list[...] of all."
    )


def _missing(
    step_id: str, item: Parameter, producers: Mapping[str, Signature], others: Iterable[tuple[str, Signature]]
) -> str:
    wants = f"step '{step_id}' wants {item.wanted} (parameter `{item.name}`)"
    givers = [name for name, given in others if any(fits(kind, item.type) for kind in given.outputs.values())]
    given = _listed(f"'{name}' produces {made.produced}" for name, made in producers.items())
    if givers:
        advice = f"Add '{givers[0]}', which produces one, to its dependencies."
    else:
        advice = f"Add a dependency that produces {type_name(item.type)}."
    return f"{wants}, but {given or 'it has no dependencies'}. {advice}"


def _check_fed_once(step_id: str, bindings: Iterable[Binding]) -> None:
    taken: dict[Source, Parameter] = {}
    for binding in bindings:
        if binding.gathers:
            continue
        for source in binding.sources:
            other = taken.setdefault(source, binding.parameter)
            if other is not binding.parameter:
                raise WiringError(
                    f"Parameters `{other.name}` and `{binding.parameter.name}` of step '{step_id}' would "
                    f"both take the {type_name(source.type)} of '{source.step_id}'. Add the other "
                    "dependency, or drop one of the parameters."
                )


def _check_all_used(
    step_id: str, signature: Signature, producers: Mapping[str, Signature], bindings: Iterable[Binding]
) -> None:
    used = {source.step_id for binding in bindings for source in binding.sources}
    for name, given in producers.items():
        if name not in used:
            takes = _listed(f"`{item.name}`: {item.wanted}" for item in signature.parameters) or "no inputs"
            raise WiringError(
                f"step '{step_id}' depends on '{name}', which produces {given.produced}, but "
                f"{signature.owner}._execute takes {takes}. Take it with a parameter of that type, or "
                f"declare it order-only: after=['{name}']."
            )


def _best_name(source: Source) -> str:
    return _as_name(source.step_id) if source.field == "output" else source.field


def _as_name(step_id: str) -> str:
    return step_id.replace("-", "_").replace(".", "_")


def _listed(parts: Iterable[str]) -> str:
    *most, last = [*parts] or [""]
    return f"{', '.join(most)} and {last}" if most else last
