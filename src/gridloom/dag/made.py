"""What an attempt made, as the record of it."""

from __future__ import annotations

from datetime import UTC, datetime

from gridloom.dag.context import StepContext
from gridloom.dag.ends import rows_made
from gridloom.dag.events import LogWritten
from gridloom.dag.explain import Decision
from gridloom.dag.graph import StepNode
from gridloom.dag.manifest import Manifest, ManifestRow, outputs_recorded
from gridloom.dag.services import RunServices
from gridloom.dag.staging import Commit

__all__ = ["manifest_of"]


def manifest_of(
    run: RunServices, node: StepNode, decision: Decision, commit: Commit, ctx: StepContext
) -> ManifestRow | None:
    """Returns the record of what an attempt made; None where it is not to be remembered.

    Args:
        run: What the steps of the run share.
        node: The step.
        decision: Why it ran.
        commit: What it made, at its place.
        ctx: The attempt as the step saw it.
    """
    if decision.fingerprint is None:
        return None
    manifest = Manifest(
        step_id=node.step_id,
        fingerprint=decision.fingerprint,
        outputs=outputs_recorded(commit.outputs, node.signature.outputs, run.out),
        extras=[extra.to_json(run.out) for extra in commit.extras],
        findings=list(ctx.findings),
        rows=rows_made(ctx, commit.outputs.values()),
        run_id=ctx.run_id,
        made_at=datetime.now(UTC),
    )
    made = run.store.encoded(manifest, run.identities[node.step_id].code.parts)
    if made is None:
        message = "The output holds a secret, so it is not remembered and the step will run again."
        run.bus.emit(LogWritten, step_id=node.step_id, level="warning", message=message)
    return made
