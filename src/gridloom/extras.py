"""Libraries that come with an extra: there, or a sentence that says what to install."""

from __future__ import annotations

from importlib.util import find_spec

from gridloom.errors import MissingExtraError

__all__ = ["need"]

_LIBRARIES = {
    "tensors": ("numpy", "holidays"),
    "mlx": ("numpy", "holidays", "mlx"),
    "metrics": ("prometheus_client",),
}


def need(extra: str, what: str) -> None:
    """Raises unless the libraries of an extra are installed; imports none of them.

    Args:
        extra: Name of the extra, such as ``tensors``.
        what: What needs it, as the subject of the message.

    Raises:
        MissingExtraError: With the command that installs the extra.
    """
    absent = [name for name in _LIBRARIES[extra] if find_spec(name) is None]
    if absent:
        raise MissingExtraError(
            f"{what} needs {' and '.join(absent)}, which {'is' if len(absent) == 1 else 'are'} not "
            f"installed. Run: pip install 'gridloom[{extra}]'"
        )
