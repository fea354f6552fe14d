"""Refusals of the API with the status and the texts that it uses."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Refusal", "bad_request", "invalid", "listed"]


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of this program
    """An answer that says no.

    Attributes:
        status: HTTP status.
        code: What the body says in ``code``; versions exist in which it contradicts the status.
        text: What the body says in ``error``.
    """

    def __init__(self, status: int, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = status if code is None else code
        self.text = text


def listed(names: Sequence[str]) -> str:
    """Returns names as the API lists them: quoted, with a comma before the "and" of two already.

    Example:
        >>> listed(["a"]), listed(["a", "b"])
        ("'a'", "'a', and 'b'")
    """
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


def bad_request(text: str) -> Refusal:
    """Returns the refusal of a request for its parameters."""
    return Refusal(400, text)


def invalid(what: str, plural: str, got: object, allowed: Sequence[str]) -> Refusal:
    """Returns the refusal of a parameter's value that is not one of the allowed ones.

    Args:
        what: The parameter in the API's words, such as ``facet``.
        plural: The same for several.
        got: What was sent.
        allowed: What would have been right.
    """
    return bad_request(f"Invalid {what} '{got}' provided. The only valid {plural} are {listed(allowed)}.")
