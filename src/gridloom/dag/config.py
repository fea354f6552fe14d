"""Settings of steps and pipelines: frozen, validated, explained when wrong, masked when shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pydantic
from pydantic import ConfigDict, Field
from pydantic_core import ErrorDetails

from gridloom.errors import ConfigError, did_you_mean
from gridloom.files import given_path

__all__ = [
    "PipelineDAGConfig",
    "StepConfig",
    "check_step_id",
    "kebab",
    "masked_settings",
    "operational",
    "secrets_in",
    "semantic_settings",
    "setting_errors",
    "setting_problems",
]

_SHOWN_CHARACTERS = 60
_STEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")


def operational(default: Any = ..., **details: Any) -> Any:
    """Returns a pydantic field that says how to work, not what to make, so it is not fingerprinted.

    Args:
        default: The default value; without one the field is required.
        **details: Whatever `pydantic.Field` takes, such as ``ge=1`` or ``description="..."``.
    """
    extra = {**(details.pop("json_schema_extra", None) or {}), "operational": True}
    return Field(default, json_schema_extra=extra, **details)


class _Settings(pydantic.BaseModel):
    """Frozen settings whose mistakes are one `ConfigError` in words that hold no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if not TYPE_CHECKING:  # type checkers keep the constructor that they derive from the fields

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except pydantic.ValidationError as error:
                raise ConfigError(_explain(type(self), error)) from None


class StepConfig(_Settings):
    """Settings of one step; derive from it and add fields, each with its unit in the name.

    Attributes:
        step_id: Name of the step in its DAG; empty takes the step class's own.
        step_name: What a person reads; empty shows the id.
        dry_run: Whether to stop before doing the work: the step is reported as skipped.
        retries: Attempts after the first one.
        retry_backoff_s: Wait before the second attempt in seconds; doubles with each further one.
        time_limit_s: Longest time of one attempt in seconds. A step in a process of its own is ended
            then; on a thread it can only be asked to stop, and fails when it returns.
    """

    step_id: str = ""
    step_name: str = operational("", description="What a person reads; empty shows the id.")
    dry_run: bool = operational(default=False, description="Stop before doing the work.")
    retries: int = operational(0, ge=0, le=100, description="Attempts after the first one.")
    retry_backoff_s: float = operational(
        1.0, ge=0, le=3600, description="Wait before the second attempt; doubles with each further one."
    )
    time_limit_s: float | None = operational(
        None, gt=0, le=31_536_000, description="Longest time of one attempt in seconds."
    )


class PipelineDAGConfig(_Settings):
    """Settings of a pipeline.

    Attributes:
        pipeline_name: What a person reads.
        pipeline_id: Stable name in files; empty is made from `pipeline_name`.
        output_dir: Folder under which everything is written.
        max_parallel_steps: Most steps that run at once.
        stop_on_failure: Whether nothing new starts after a failure; otherwise only the descendants of
            the failed step are skipped.
        executor: Where steps run: on threads of this process, or each in a process of its own that can be
            ended, which costs its start.
        force: Whether every step runs, whatever is cached.
        recipe: How to build this pipeline again, JSON-able, for whoever resumes a run of it; None if only
            the program knows that made it.
        resumes: The run that this one carries on, if it does; what that one did is not forced again.
    """

    pipeline_name: str = "pipeline"
    pipeline_id: str = ""
    output_dir: Path = Path("data")
    max_parallel_steps: int = Field(default=4, ge=1, le=1024)
    stop_on_failure: bool = True
    executor: Literal["thread", "process"] = "thread"
    force: bool = False
    recipe: dict[str, Any] | None = None
    resumes: str | None = None

    @pydantic.field_validator("output_dir")
    @classmethod
    def _given_folder(cls, value: Path) -> Path:
        return given_path(value)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _default_id(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and not values.get("pipeline_id"):
            name = str(values.get("pipeline_name", "pipeline"))
            return {**values, "pipeline_id": kebab(name) or "pipeline"}
        return values


def setting_errors(model: type[pydantic.BaseModel], values: Mapping[str, Any]) -> list[ErrorDetails]:
    """Returns what pydantic finds wrong with values for a settings class.

    Raises:
        ConfigError: Where a rule of the class's own says it in words for all of them.
    """
    try:
        # the constructor below ours, which would make one error of all problems
        pydantic.BaseModel.__init__(model.__new__(model), **values)
    except pydantic.ValidationError as error:
        return error.errors(include_url=False)
    return []


def setting_problems(
    model: type[pydantic.BaseModel], values: Mapping[str, Any]
) -> list[tuple[tuple[int | str, ...], str]]:
    """Returns what is wrong with values for a settings class: where, as a path, and a sentence.

    Raises:
        ConfigError: Where a rule of the class's own says it in words for all of them.
    """
    return [(problem["loc"], _sentence(model, problem)) for problem in setting_errors(model, values)]


def kebab(words: str) -> str:
    """Returns words or a class name in lower case with dashes.

    Example:
        >>> kebab("EIAExtract"), kebab("Peak hours, 2024")
        ('eia-extract', 'peak-hours-2024')
    """
    return "-".join(_WORDS.findall(words)).lower()


def check_step_id(step_id: str) -> None:
    """Raises if an id could not be the name of a folder.

    Raises:
        ConfigError: With the characters that are allowed.
    """
    if not _STEP_ID.fullmatch(step_id):
        raise ConfigError(
            f"step_id {step_id!r} cannot be used. Take letters, digits, '-', '_' and '.', "
            "starting with a letter or digit, at most 100 characters."
        )


def semantic_settings(model: pydantic.BaseModel) -> dict[str, Any]:
    """Returns the settings that decide what is made: neither `step_id` nor an operational field."""
    chosen: dict[str, Any] = {}
    for name in _semantic_names(type(model)):
        value = getattr(model, name)
        chosen[name] = semantic_settings(value) if isinstance(value, pydantic.BaseModel) else value
    return chosen


@lru_cache
def _semantic_names(model: type[pydantic.BaseModel]) -> tuple[str, ...]:
    """Returns the names of the settings that decide what is made, looked for once for a thousand steps."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        for extra in [field.json_schema_extra]
        if name != "step_id" and not (isinstance(extra, dict) and extra.get("operational") is True)
    )


def masked_settings(model: pydantic.BaseModel) -> dict[str, Any]:
    """Returns all settings as JSON-able values; a secret reads as asterisks."""
    return model.model_dump(mode="json", fallback=str)


def secrets_in(value: Any) -> Iterator[str]:
    """Yields the text of every pydantic secret inside a settings value."""
    if type(value) in _PLAIN:
        return
    if isinstance(value, pydantic.SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, pydantic.SecretBytes):
        yield value.get_secret_value().decode("utf-8", "replace")
    elif isinstance(value, pydantic.BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from secrets_in(item)


def _explain(model: type[pydantic.BaseModel], error: pydantic.ValidationError) -> str:
    sentences = [_sentence(model, problem) for problem in error.errors(include_url=False)]
    return f"{model.__name__}: " + " ".join(sentences)


def _sentence(model: type[pydantic.BaseModel], problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        names = list(model.model_fields)
        hint = did_you_mean(place, names) or f" There are {', '.join(names)}."
        return f"there is no setting `{place}`.{hint}"
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    if not place:
        return f"{message}."
    return f"`{place}`: {message}{_shown(model, problem)}."


def _shown(model: type[pydantic.BaseModel], problem: Any) -> str:
    """Returns what was given where it is short and cannot be a secret."""
    field = model.model_fields.get(str(problem["loc"][0]))
    given = problem["input"]
    plain = (
        given is None
        or isinstance(given, (bool, int, float))
        or (isinstance(given, str) and len(given) <= _SHOWN_CHARACTERS)
    )
    if problem["type"] == "missing" or field is None or not plain or "Secret" in repr(field.annotation):
        return ""
    return f" (got {given!r})"
