"""From a pipeline file to a DAG: every step's class found, every setting checked, all before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig
from gridloom.dag.config import setting_problems
from gridloom.errors import ConfigError, UsageError, did_you_mean
from gridloom.extract.steps import EIAExtractConfig
from gridloom.grid.respondents import resolve
from gridloom.grid.series import new_fuels
from gridloom.pipelines.file import PipelineFile, StepEntry
from gridloom.pipelines.hourly import check_hours, check_key
from gridloom.pipelines.lines import Node, Problem, raise_problems
from gridloom.pipelines.lookups import look_up, look_up_fuels
from gridloom.pipelines.registry import STEPS, config_class, find_step
from gridloom.pipelines.settings import HourlySettings

__all__ = ["FILE", "Assembled", "assemble"]

FILE = "file"
"""What the recipes of runs call a pipeline of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A pipeline that can run.

    Attributes:
        file: What the file says.
        settings: Settings of the run: flags over environment over file.
        dag: The steps.
        warnings: Lines that the user should see, such as corrected codes.
    """

    file: PipelineFile
    settings: HourlySettings
    dag: PipelineDAG
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What kind of step an entry is."""

    step: type[BaseStep[Any]]
    config: type[StepConfig]


def assemble(file: PipelineFile, settings: HourlySettings, *, resumes: str | None = None) -> Assembled:
    """Returns the DAG of a pipeline file.

    The source is asked for its list of respondents only where a code is in no table of ours.

    Args:
        file: What the file says.
        settings: Settings of the run: its folder, how many steps at once, where, and what stops it.
        resumes: The run that this one carries on, if it does.

    Raises:
        UsageError: With the line of everything that is wrong in the file.
        SourceError: If an unknown code had to be looked up and the source did not answer.
    """
    return _Assembler(file, settings).assemble(resumes)


class _Assembler:
    """Makes the steps of one file and gathers what is wrong with them."""

    def __init__(self, file: PipelineFile, settings: HourlySettings) -> None:
        self._file = file
        self._settings = settings
        self._problems: list[Problem] = []
        self._warnings: dict[str, None] = {}

    def assemble(self, resumes: str | None) -> Assembled:
        """Returns the DAG, if nothing is wrong with the file."""
        kinds = {entry.step_id: self._kind(entry) for entry in self._file.steps}
        self._raise()
        self._check_shared([kind.config for kind in kinds.values() if kind])
        configs = {entry.step_id: self._config(entry, kinds[entry.step_id]) for entry in self._file.steps}
        self._raise()
        dag = PipelineDAG(
            PipelineDAGConfig(
                pipeline_name=self._file.name,
                output_dir=self._settings.out,
                max_parallel_steps=self._settings.max_parallel,
                stop_on_failure=not self._settings.continue_on_failure,
                executor=self._settings.executor,
                force=self._settings.force,
                recipe=self._recipe(),
                resumes=resumes,
            )
        )
        for entry in self._file.steps:
            kind, config = kinds[entry.step_id], configs[entry.step_id]
            if kind is not None and config is not None:
                self._add(dag, entry, kind, config)
        self._raise()
        return Assembled(file=self._file, settings=self._settings, dag=dag, warnings=tuple(self._warnings))

    def _recipe(self) -> dict[str, Any]:
        """Returns how to assemble this again; the output folder is where the recipe is found."""
        settings = self._settings.model_dump(mode="json", exclude_unset=True, exclude={"out"})
        return {"pipeline": FILE, "file": str(self._file.path.resolve()), "settings": settings}

    def _raise(self) -> None:
        raise_problems(self._file.path, self._problems)

    def _problem(self, line: int, entry: StepEntry, text: str, kind: type[UsageError] = ConfigError) -> None:
        self._problems.append(Problem(line, f"step '{entry.step_id}': {text}", kind))

    def _kind(self, entry: StepEntry) -> _Kind | None:
        try:
            step = find_step(str(entry.uses.value), self._file.path.parent)
        except UsageError as error:
            self._problem(entry.uses.line, entry, str(error), type(error))
            return None
        return _Kind(step, config_class(step))

    def _check_shared(self, configs: list[type[StepConfig]]) -> None:
        known = {field for config in configs for field in config.model_fields}
        for name, node in self._file.shared.items():
            if name not in known:
                hint = did_you_mean(name, known)
                self._problems.append(Problem(node.line, f"no step has the shared setting `{name}`.{hint}"))

    def _config(self, entry: StepEntry, kind: _Kind | None) -> StepConfig | None:
        """Returns an entry's settings; None if something is wrong with them."""
        if kind is None:
            return None
        fields = kind.config.model_fields
        shared = {name: node for name, node in self._file.shared.items() if name in fields}
        nodes = {**shared, **entry.settings}
        before = len(self._problems)
        for name, node in nodes.items():
            if name in fields and "Secret" in repr(fields[name].annotation):
                text = (
                    f"`{name}` is a secret, and a file is no place for one. Have the step read it elsewhere."
                )
                self._problem(node.line, entry, text)
        values = {name: node.plain() for name, node in nodes.items()} | {"step_id": entry.step_id}
        if entry.uses.value in STEPS:
            self._understand(values)
        try:
            for place, text in setting_problems(kind.config, values):
                self._problem(Node(nodes, entry.line).line_at(place), entry, text)
            if len(self._problems) > before:
                return None
            return _ready(kind.config(**values))
        except UsageError as error:
            self._problem(entry.line, entry, str(error), type(error))
            return None

    def _understand(self, values: dict[str, Any]) -> None:
        """Takes texts for lists as the flags of `year` do, and codes that mean another one for that one."""
        for name in ("respondents", "series"):
            if isinstance(values.get(name), str):
                values[name] = values[name].split(",")
        codes = values.get("respondents")
        if isinstance(codes, list) and all(isinstance(code, str) for code in codes):
            values["respondents"], _, corrected = resolve(codes)
            self._warnings.update(dict.fromkeys(corrected))

    def _add(self, dag: PipelineDAG, entry: StepEntry, kind: _Kind, config: StepConfig) -> None:
        try:
            step = kind.step(config)
        except TypeError as error:
            self._problem(entry.line, entry, f"it is not made of its settings alone: {error}")
            return
        except UsageError as error:
            self._problem(entry.line, entry, str(error), type(error))
            return
        if not self._problems:
            try:
                dag.add_step(step, entry.needs, after=entry.after)
            except UsageError as error:
                self._problems.append(Problem(entry.line, str(error), type(error)))


def _ready(config: StepConfig) -> StepConfig:
    """Returns settings with the key where a source is asked, and raises if it cannot be asked."""
    if not isinstance(config, EIAExtractConfig):
        return config
    source = config.origin
    check_hours(source, config.hours)
    key = check_key(source, config.api_key)
    _, unknown, _ = resolve(list(config.respondents))
    if unknown:
        look_up(unknown, source, key)
    if fuels := new_fuels(config.series):
        look_up_fuels(fuels, source, key)
    return config.model_copy(update={"api_key": key})
