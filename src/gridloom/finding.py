"""A check's result as a record: what was checked, why, and whether it held."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One check and its outcome.

    Attributes:
        name: Stable name in kebab case, such as ``rows-complete``.
        why: What the check protects against, in one sentence.
        required: Whether a failure keeps the output from being published.
        passed: Whether the check held.
        detail: What was seen, in words and numbers.
    """

    name: str
    why: str
    required: bool
    passed: bool
    detail: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this finding keeps an output from being published."""
        return self.required and not self.passed
