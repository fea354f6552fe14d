"""Pipeline files: what they say, checked as far as that needs no step class.

::

    pipeline: peaks                  # its name; by default that of the file
    out: data                        # these four as the flags of `gridloom run`, which win
    max_parallel: 4
    executor: thread
    continue_on_failure: false
    shared:                          # settings for every step that has them
      respondents: [PACW, ERCO]
    steps:
      peaks:                         # the step's id
        uses: steps:PeakHours        # a name of `registry.STEPS`, or a class by its import path
        needs: [transform]           # steps whose outputs it takes
        after: []                    # steps that only have to come before it
        settings: {top: 10}
"""

from __future__ import annotations

import graphlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gridloom.errors import ConfigError, CycleError, UnknownStepError, did_you_mean
from gridloom.pipelines.lines import Node, Problem, raise_problems, read_lines
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.wording import as_flag, as_setting

__all__ = ["RUN_FIELDS", "PipelineFile", "StepEntry", "read_pipeline"]

RUN_FIELDS: Final = ("out", "max_parallel", "executor", "continue_on_failure")
"""Settings of a run that a file may hold; each is a flag of `gridloom run` too."""

_KEYS: Final = ("pipeline", *RUN_FIELDS, "shared", "steps")
_STEP_KEYS: Final = ("uses", "needs", "after", "settings")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """One step of a file.

    Attributes:
        step_id: Its name in the pipeline.
        uses: What kind of step it is.
        needs: Steps whose outputs it takes.
        after: Steps that only have to come before it.
        settings: What is set, the shared settings not included.
        line: Where it begins.
    """

    step_id: str
    uses: Node
    needs: tuple[str, ...]
    after: tuple[str, ...]
    settings: Mapping[str, Node]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFile:
    """What a file says.

    Attributes:
        path: The file.
        name: Name of the pipeline.
        run: Settings of the run that the file gives, among `RUN_FIELDS`.
        shared: Settings for every step that has them.
        steps: The steps, each after those that it depends on, else in the order of the file.
    """

    path: Path
    name: str
    run: Mapping[str, Any]
    shared: Mapping[str, Node]
    steps: tuple[StepEntry, ...]

    def settings(
        self, flags: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ
    ) -> HourlySettings:
        """Returns the settings of a run: those of flags, then ``GRIDLOOM_OUT``, then the file.

        Args:
            flags: Values given explicitly; None counts as not given.
            environ: The environment.

        Raises:
            ConfigError: If a flag is out of range.
        """
        out = environ.get("GRIDLOOM_OUT", "").strip()
        given = {field: value for field, value in flags.items() if value is not None}
        places = {**({"out": "GRIDLOOM_OUT"} if out else {}), **{field: as_flag(field) for field in given}}
        return HourlySettings.of(
            {**self.run, **({"out": out} if out else {}), **given},
            named=lambda field: places.get(field, as_setting(field)),
        )


def read_pipeline(path: Path) -> PipelineFile:
    """Returns what a pipeline file says.

    Raises:
        UsageError: With the line of everything that is wrong in it.
        StorageError: If it cannot be read.
    """
    return _Reader(path).read(read_lines(path))


class _Reader:
    """Reads one file and gathers what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[Problem] = []

    def read(self, root: Node) -> PipelineFile:
        """Returns what the file says, if nothing is wrong with it."""
        self._refuse_keys(root)
        entries = self._mapping(root, "a pipeline file", _KEYS)
        name = self._text(entries.get("pipeline"), "pipeline") or self._path.stem
        run = self._run_settings(entries)
        shared = self._mapping(entries.get("shared"), "`shared`", None)
        steps = [
            self._step(step_id, node)
            for step_id, node in self._mapping(entries.get("steps"), "`steps`", None).items()
        ]
        if not steps and not self._problems:
            self._problem(root.line, "there are no steps. Name at least one below `steps`.")
        self._check_dependencies(steps)
        raise_problems(self._path, self._problems)
        ordered = self._ordered(steps)
        raise_problems(self._path, self._problems)
        return PipelineFile(path=self._path, name=name, run=run, shared=shared, steps=tuple(ordered))

    def _problem(self, line: int, text: str, kind: type[ConfigError] = ConfigError) -> None:
        self._problems.append(Problem(line, text, kind))

    def _refuse_keys(self, root: Node) -> None:
        for key, node in root.walk():
            if key == "api_key":
                self._problem(
                    node.line,
                    "an `api_key` does not belong in a file. Set EIA_API_KEY in the environment instead.",
                )

    def _mapping(self, node: Node | None, what: str, keys: tuple[str, ...] | None) -> dict[str, Node]:
        """Returns the entries of a node, of which only `keys` are allowed where they are given."""
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            self._problem(node.line, f"{what} is a mapping of names to values; got {_kind(node)}.")
            return {}
        for key, entry in node.value.items():
            if keys is not None and key not in keys and key != "api_key":
                hint = did_you_mean(key, keys) or f" It has {', '.join(keys)}."
                self._problem(entry.line, f"{what} has no `{key}`.{hint}")
        return dict(node.value)

    def _text(self, node: Node | None, what: str) -> str:
        if node is None:
            return ""
        if not isinstance(node.value, str) or not node.value.strip():
            self._problem(node.line, f"`{what}` is a text; got {_kind(node)}.")
            return ""
        return node.value

    def _run_settings(self, entries: Mapping[str, Node]) -> dict[str, Any]:
        given = {field: entries[field] for field in RUN_FIELDS if field in entries}
        for field, node in given.items():
            try:
                HourlySettings.of({field: node.plain()})
            except ConfigError as error:
                self._problem(node.line, str(error))
        return {field: node.plain() for field, node in given.items()}

    def _step(self, step_id: str, node: Node) -> StepEntry:
        what = f"step '{step_id}'"
        entries = self._mapping(node, what, _STEP_KEYS)
        if "uses" not in entries:
            self._problem(node.line, f"{what} has no `uses`, which says what kind of step it is.")
        self._text(entries.get("uses"), "uses")
        settings = self._mapping(entries.get("settings"), f"{what}: `settings`", None)
        if "step_id" in settings:
            self._problem(settings["step_id"].line, f"{what}: `step_id` is the name below `steps`.")
        return StepEntry(
            step_id=step_id,
            uses=entries.get("uses", node),
            needs=self._names(entries.get("needs"), f"{what}: `needs`"),
            after=self._names(entries.get("after"), f"{what}: `after`"),
            settings=settings,
            line=node.line,
        )

    def _names(self, node: Node | None, what: str) -> tuple[str, ...]:
        value = [] if node is None or node.value is None else node.plain()
        names = [value] if isinstance(value, str) else value
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
        self._problem(node.line if node else 0, f"{what} is a list of step ids, such as [extract].")
        return ()

    def _check_dependencies(self, steps: list[StepEntry]) -> None:
        known = [step.step_id for step in steps]
        for step in steps:
            for name in (*step.needs, *step.after):
                if name not in known:
                    hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
                    text = f"step '{step.step_id}' depends on '{name}', which is no step of the file.{hint}"
                    self._problems.append(Problem(step.line, text, UnknownStepError))

    def _ordered(self, steps: list[StepEntry]) -> list[StepEntry]:
        """Returns the steps so that each comes after what it depends on, else in the order of the file."""
        by_id = {step.step_id: step for step in steps}
        sorter = graphlib.TopologicalSorter({step.step_id: (*step.needs, *step.after) for step in steps})
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            text = (
                f"the steps depend on each other in a circle: {' -> '.join(circle)} "
                "(each needs the next one). Remove one of these dependencies."
            )
            self._problems.append(Problem(by_id[circle[0]].line, text, CycleError))
            return []
        waiting, placed = dict(by_id), dict[str, StepEntry]()
        while waiting:
            step = next(each for each in waiting.values() if placed.keys() >= {*each.needs, *each.after})
            placed[step.step_id] = waiting.pop(step.step_id)
        return list(placed.values())


def _kind(node: Node) -> str:
    if node.value is None:
        return "nothing"
    if isinstance(node.value, dict):
        return "a mapping"
    return "a list" if isinstance(node.value, list) else repr(node.value)
