"""Libraries that come with an extra: there, or a sentence that says what to install."""

from __future__ import annotations

from importlib.util import find_spec

from gridloom.errors import MissingExtraError

__all__ = ["has", "need"]

_LIBRARIES = {
    "tensors": ("numpy", "holidays"),
    "mlx": ("numpy", "holidays", "mlx"),
    "metrics": ("prometheus_client",),
    "telemetry": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
}


def need(extra: str, what: str) -> None:
    """Raises unless the libraries of an extra are installed; imports none of them.

    Args:
        extra: Name of the extra, such as ``tensors``.
        what: What needs it, as the subject of the message.

    Raises:
        MissingExtraError: With the command that installs the extra.
    """
    absent = _absent(extra)
    if absent:
        raise MissingExtraError(
            f"{what} needs {' and '.join(absent)}, which {'is' if len(absent) == 1 else 'are'} not "
            f"installed. Run: pip install 'gridloom[{extra}]'"
        )


def has(extra: str) -> bool:
    """Returns whether the libraries of an extra are installed; imports none of them."""
    return not _absent(extra)


def _absent(extra: str) -> list[str]:
    return [name for name in _LIBRARIES[extra] if not _there(name)]


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package that it would be a part of
        return False
