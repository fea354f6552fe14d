"""What a step gave, held against what its annotations and its own checks promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gridloom.dag.kinds import is_artifact, type_name
from gridloom.dag.signature import Signature
from gridloom.dag.values import settle_value
from gridloom.errors import CheckFailedError, StepFailedError
from gridloom.finding import Finding

__all__ = ["check_findings", "checked_outputs"]


def checked_outputs(step_id: str, signature: Signature, result: Any) -> dict[str, Any]:
    """Returns a step's outputs by field name; small values as they will be read back.

    Args:
        step_id: The step.
        signature: What it promises.
        result: What its `_execute` returned.

    Raises:
        StepFailedError: If that is something else.
    """
    if signature.several is None:
        given: Mapping[str, Any] = {"output": result} if signature.outputs else {}
    elif isinstance(result, signature.several):
        given = result._asdict()  # type: ignore[attr-defined]
    else:
        raise StepFailedError(_unexpected(step_id, type_name(signature.several), result, "it"))
    if not signature.outputs and result is not None:
        raise StepFailedError(
            f"{_unexpected(step_id, 'nothing', result, 'it')} "
            f"Annotate the result of {signature.owner}._execute."
        )
    return {name: _checked(step_id, name, kind, given[name]) for name, kind in signature.outputs.items()}


def check_findings(step_id: str, findings: Iterable[Finding]) -> None:
    """Raises if a required check did not pass.

    Raises:
        CheckFailedError: With all that failed.
    """
    failed = [finding for finding in findings if finding.blocks]
    if failed:
        said = "; ".join(f"{finding.name}: {finding.detail or finding.why}" for finding in failed)
        raise CheckFailedError(f"Step '{step_id}' published nothing, because required checks failed: {said}")


def _checked(step_id: str, name: str, kind: Any, value: Any) -> Any:
    what = "it" if name == "output" else f"`{name}`"
    if not is_artifact(kind):
        place = "The output" if name == "output" else f"The output `{name}`"
        return settle_value(value, kind, f"{place} of step '{step_id}'")
    if not isinstance(value, kind):
        raise StepFailedError(_unexpected(step_id, type_name(kind), value, what))
    if not value.path.exists():
        raise StepFailedError(
            f"Step '{step_id}' should give {type_name(kind)}, but there is no file at {value.path}. "
            "Write it to ctx.path(...) before returning its artifact."
        )
    return value


def _unexpected(step_id: str, expected: str, value: Any, what: str) -> str:
    given = "None" if value is None else f"an object of type {type_name(type(value))}"
    hint = " Return the artifact of what it wrote." if value is None else ""
    named = "" if what == "it" else f" as {what}"
    return f"Step '{step_id}' should give {expected}{named}, but it gave {given}.{hint}"
