"""A plan as a Mermaid flowchart, for READMEs and notebooks (https://mermaid.js.org/syntax/flowchart.html)."""

from __future__ import annotations

from gridloom.dag.explain import Plan

__all__ = ["mermaid"]

_LONGEST = 80
_ENTITIES = {"&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;", "#": "&num;"}
_CLASSES = (
    "classDef run fill:#fde68a,stroke:#92400e,color:#111827",
    "classDef cached fill:#bbf7d0,stroke:#166534,color:#111827",
    "classDef blocked fill:#fecaca,stroke:#991b1b,color:#111827",
)


def mermaid(plan: Plan) -> str:
    """Returns a plan's steps, what they need, what would be done with them and why, as Mermaid text."""
    names = {step.step_id: f"s{number}" for number, step in enumerate(plan.steps)}
    lines = ["flowchart TD"]
    for step in plan.steps:
        label = f"{step.step_id}<br/>{step.decision}: {_plain(step.reason)}"
        lines.append(f'  {names[step.step_id]}["{label}"]:::{step.decision}')
    lines += [
        f"  {names[needed]} --> {names[step.step_id]}" for step in plan.steps for needed in step.depends_on
    ]
    return "\n".join([*lines, *(f"  {line}" for line in _CLASSES)]) + "\n"


def _plain(text: str) -> str:
    """Returns a text that does not end a label, shortened."""
    line = " ".join(text.split())
    short = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    return "".join(_ENTITIES.get(character, character) for character in short)
