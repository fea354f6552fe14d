"""What a step is: a class with frozen settings whose `_execute` names what it takes and gives."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from gridloom.dag.config import StepConfig, check_step_id, kebab
from gridloom.dag.context import StepContext
from gridloom.dag.signature import signature_of
from gridloom.errors import ConfigError

__all__ = ["BaseStep", "CacheableStep"]

ConfigT = TypeVar("ConfigT", bound=StepConfig)


class BaseStep(ABC, Generic[ConfigT]):
    """A unit of work that runs every time.

    Derive from it, annotate `_execute`, and return artifacts or raise. Its parameters are fed with the
    outputs of its dependencies by type; a parameter annotated `StepContext` gets the run's context.

    Attributes:
        config: The step's settings.
        default_id: Step id where the settings name none; empty takes the class's name.
        in_parent: Whether it runs on a thread of the parent also with the process executor, because it
            shares something with other steps (a limiter, a connection) or mostly waits.
    """

    default_id: ClassVar[str] = ""
    in_parent: ClassVar[bool] = False
    config: ConfigT

    def __init__(self, config: ConfigT) -> None:
        if not isinstance(config, StepConfig):
            raise ConfigError(
                f"{type(self).__name__} takes a StepConfig, got {type(config).__name__}. "
                "Derive its settings from gridloom.dag.StepConfig."
            )
        self.config = config
        check_step_id(self.step_id)

    @property
    def step_id(self) -> str:
        """Name of the step in its DAG."""
        cls = type(self)
        return self.config.step_id or cls.default_id or kebab(cls.__name__.removesuffix("Step")) or "step"

    @property
    def step_name(self) -> str:
        """What a person reads."""
        return self.config.step_name or self.step_id

    def output_folder(self) -> str:
        """Returns where its outputs go, relative to the pipeline's output folder."""
        return f"steps/{self.step_id}"

    def plan_detail(self, out: Path) -> dict[str, Any]:  # noqa: ARG002 - for those who override it
        """Returns JSON-able facts for the plan, found without network and without writing.

        Args:
            out: The pipeline's output folder.
        """
        return {}

    def validate_input(self, inputs: Mapping[str, Any]) -> None:
        """Checks the real inputs, by parameter name, before `_execute` is called.

        Raises:
            UsageError: If the step cannot work with them.
        """

    @abstractmethod
    def _execute(self, *args: Any, **kwargs: Any) -> Any:
        """Does the work; a subclass names and annotates what it takes and gives.

        It may be ``async``: then it is cancelled when the run is asked to stop.
        """

    def run(self, inputs: Mapping[str, Any], ctx: StepContext) -> Any:
        """Returns what `_execute` gives for inputs that `validate_input` accepts.

        Args:
            inputs: Values by parameter name.
            ctx: The run's context.

        Raises:
            UsageError: If the inputs are not accepted.
        """
        self.validate_input(inputs)
        context = signature_of(type(self)).context
        result = self._execute(**inputs, **({context: ctx} if context else {}))
        return _awaited(result, ctx) if inspect.isawaitable(result) else result


class CacheableStep(BaseStep[ConfigT]):
    """A unit of work that gives the same for the same settings and inputs, so it need not run again.

    Attributes:
        version: Raise it when the step is to give something else for the same settings, code and inputs.
        code_apart: Modules whose code decides nothing of what the step makes, with those below them; a
            change there does not make it run again.
    """

    version: ClassVar[str] = "1"
    code_apart: ClassVar[tuple[str, ...]] = ()

    def should_use_cache(self, cached: Mapping[str, Any]) -> Literal[True] | str:  # noqa: ARG002
        """Returns True, or the reason to run although outputs of an earlier run are whole.

        Args:
            cached: The verified outputs by field name.
        """
        return True


def _awaited(result: Awaitable[Any], ctx: StepContext) -> Any:
    """Returns what a coroutine gives; it is cancelled when the step is asked to stop."""
    # loaded by those who run, not by all who import
    import asyncio  # noqa: PLC0415

    async def wait() -> Any:
        loop, work = asyncio.get_running_loop(), asyncio.ensure_future(result)

        def stop() -> None:
            with suppress(RuntimeError):  # a loop that has ended has nothing left to stop
                loop.call_soon_threadsafe(work.cancel)

        ctx.on_cancel(stop)
        try:
            return await work
        except asyncio.CancelledError:
            ctx.raise_if_cancelled()
            raise

    return asyncio.run(wait())
