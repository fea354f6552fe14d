"""The settings of a run's steps, what steps of one class have in common said once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gridloom.report.headline import Fact
from gridloom.report.source import RunRecord, StepRecord
from gridloom.report.words import named, parted
from gridloom.words import short

__all__ = ["SettingsGroup", "settings"]

_MOST: Final = 300
"""Steps of one class whose own settings are shown; what is left out is said."""

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class SettingsGroup:
    """Settings of the steps of one class.

    Attributes:
        kind: The class.
        steps: The steps, in words.
        common: What is the same in all of them.
        own: Of each step, what is not.
        unset: Names of settings that none of them sets.
        left_out: Steps whose own settings are not shown.
    """

    kind: str
    steps: str
    common: list[Fact]
    own: list[tuple[str, list[Fact]]]
    unset: str
    left_out: int


def settings(record: RunRecord) -> list[SettingsGroup]:
    """Returns the settings of all steps, what steps of one class have in common said once."""
    kinds: dict[str, list[StepRecord]] = {}
    for step in record.steps:
        if record.settings.get(step.step_id):
            kinds.setdefault(step.type or step.step_id, []).append(step)
    return [_settings_group(kind, steps, record.settings) for kind, steps in kinds.items()]


def _settings_group(kind: str, steps: list[StepRecord], known: dict[str, dict[str, Any]]) -> SettingsGroup:
    names = list(dict.fromkeys(name for step in steps for name in known[step.step_id]))
    values = {name: [known[step.step_id].get(name) for step in steps] for name in names}
    common = [name for name in names if all(value == values[name][0] for value in values[name])]
    unset = [name for name in common if values[name][0] in (None, "", [], {})]
    differing = [name for name in names if name not in common]
    return SettingsGroup(
        kind=kind.rpartition(".")[2],
        steps=named([step.step_id for step in steps]),
        common=[_fact(name, values[name][0]) for name in common if name not in unset],
        own=[
            (step.step_id, [_fact(name, known[step.step_id].get(name)) for name in differing])
            for step in steps[:_MOST]
            if differing
        ],
        unset=", ".join(unset),
        left_out=len(steps[_MOST:]) if differing else 0,
    )


def _fact(name: str, value: Any) -> Fact:
    return Fact(name, short(parted(value), _LONGEST))
