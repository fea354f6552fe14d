"""Steps of a user's own, for pipeline files of the tests."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import Field, SecretStr, field_validator, model_validator

from gridloom.dag import BaseStep, CacheableStep, StepConfig
from gridloom.errors import ConfigError

ConfigT = TypeVar("ConfigT", bound=StepConfig)


class CountConfig(StepConfig):
    start: int = Field(0, ge=0)
    words: tuple[str, ...] = ()
    token: SecretStr | None = None

    @field_validator("words")
    @classmethod
    def _no_blanks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("no word is empty")
        return value

    @model_validator(mode="after")
    def _not_thirteen(self) -> CountConfig:
        if self.start == 13:
            raise ConfigError("Thirteen is no start.")
        if self.start == 14:
            raise ValueError("fourteen is neither")
        return self


class Count(CacheableStep[CountConfig]):
    def _execute(self) -> int:
        return self.config.start


class Family(CacheableStep[ConfigT], Generic[ConfigT]):
    """Steps of one kind."""


class Child(Family[CountConfig]):
    def _execute(self, count: int) -> str:
        return str(count)


class Grandchild(Child):
    """Its settings are its parent's."""


class Bare(BaseStep):
    def _execute(self) -> None: ...


class Two(Count):
    """Is not made of its settings alone."""

    def __init__(self, config: CountConfig, other: int) -> None:
        super().__init__(config)


class NotAStep: ...
