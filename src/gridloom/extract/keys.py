"""Where the API key comes from: given, the environment, a ``.env`` file, or the system's keyring."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from pydantic import SecretStr

__all__ = ["KEY_VARIABLE", "KEY_WAYS", "REGISTER_URL", "read_env_file", "read_keyring", "resolve_key"]

KEY_VARIABLE: Final = "EIA_API_KEY"
"""Environment variable of the key, and its name in a ``.env`` file and in the keyring."""

REGISTER_URL: Final = "https://www.eia.gov/opendata/register.php"

KEY_WAYS: Final = (
    f"Set the environment variable {KEY_VARIABLE}, or write {KEY_VARIABLE}=<your key> into a file named "
    f".env in this folder, or store it with `keyring set gridloom {KEY_VARIABLE}` (after "
    f"pip install gridloom[keyring]). A key is free at {REGISTER_URL}."
)
"""What to say where a key is missing."""

_ENV_FILE: Final = Path(".env")
_LONGEST_FILE: Final = 65_536
_SERVICE: Final = "gridloom"

_log = logging.getLogger(__name__)


def resolve_key(
    given: SecretStr | None,
    environ: Mapping[str, str] = os.environ,
    env_file: Path | None = None,
    keyring: Callable[[], str] | None = None,
) -> SecretStr | None:
    """Returns the first key there is; blanks count as none.

    The order is: the one given, the environment, the ``.env`` file of the working folder, the keyring.

    Args:
        given: A key that was handed over, or None.
        environ: The environment.
        env_file: The file to look into; by default ``.env`` in the working folder.
        keyring: Asks the system's keyring; by default `read_keyring`.
    """
    ways: tuple[Callable[[], str], ...] = (
        lambda: given.get_secret_value() if given is not None else "",
        lambda: environ.get(KEY_VARIABLE, ""),
        lambda: read_env_file(env_file or _ENV_FILE),
        keyring or read_keyring,
    )
    for way in ways:
        if text := way().strip():
            return SecretStr(text)
    return None


def read_env_file(path: Path) -> str:
    """Returns the key in a ``.env`` file, or nothing; of several lines the last one counts.

    Only lines ``EIA_API_KEY=…`` are read, with or without ``export``, blanks, quotes around the value
    or a comment after it. Nothing is expanded.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_LONGEST_FILE).decode("utf-8-sig", "replace")
    except OSError:
        return ""  # most folders have none, and what cannot be read is none
    found = ""
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() == KEY_VARIABLE:
            found = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    """Returns a value without its quotes and the comment after it."""
    for quote in ('"', "'"):
        if value.startswith(quote) and (end := value.find(quote, 1)) > 0:
            return value[1:end]
    return "" if value.startswith("#") else value.partition(" #")[0].partition("\t#")[0].rstrip()


def read_keyring() -> str:
    """Returns the key in the system's keyring, or nothing where there is none or it does not open."""
    try:
        # The library is an extra, and loading its backends takes time.
        return import_module("keyring").get_password(_SERVICE, KEY_VARIABLE) or ""
    except ImportError:
        return ""
    except Exception as error:  # noqa: BLE001 - a backend may raise anything, and a key can come from elsewhere
        _log.debug("The keyring gives no key (%s).", type(error).__name__)
        return ""
