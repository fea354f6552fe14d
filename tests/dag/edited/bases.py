"""What the steps and their settings are derived from."""

from __future__ import annotations

from gridloom.dag import CacheableStep, StepConfig


class FirstConfig(StepConfig):
    factor: int = 2

    def weight(self) -> int:
        return self.factor * 10


class Base(CacheableStep[FirstConfig]):
    def shifted(self, value: int) -> int:
        return value + 100
