"""Sources: which server is asked, and the identity under which its answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from gridloom.errors import ConfigError
from gridloom.extract.limits import DEFAULT_PER_S
from gridloom.grid.routes import FUEL_TYPE_DATA, REGION_DATA
from gridloom.sample import sample_source

__all__ = ["DEFAULT_BASE_URL", "EIA_HOST", "RateLimit", "Source", "known_fuels", "known_respondents"]

EIA_HOST: Final = "api.eia.gov"
DEFAULT_BASE_URL: Final = f"https://{EIA_HOST}/v2"
"""EIA's own API, version included."""

RateLimit = float | Literal["off"] | None
"""Requests per second; ``off`` for none, None for the source's default."""

_EXAMPLE = f"Write it with its version, such as {DEFAULT_BASE_URL} or http://127.0.0.1:8930/v2."


@dataclass(frozen=True, slots=True)
class Source:
    """Where answers come from.

    Attributes:
        identity: ``eia``, ``sample:<digest>`` or ``custom:<host>``; never a port, so that a stand-in
            server on another port is the same source.
        base_url: URL without a slash at its end; empty for the sample, whose server starts on demand.
    """

    identity: str
    base_url: str

    @classmethod
    def of_url(cls, base_url: str | None = None) -> Self:
        """Returns the source at a base URL, by default EIA itself.

        Raises:
            ConfigError: If it is no URL of a server, holds more than that, or would send the key to
                EIA unencrypted.
        """
        url = (base_url or DEFAULT_BASE_URL).strip().rstrip("/")
        host = _check_url(url)
        return cls("eia" if host == EIA_HOST else f"custom:{host}", url)

    @classmethod
    def sample(cls) -> Self:
        """Returns the embedded sample.

        Raises:
            StorageError: If the installation lacks it.
        """
        return cls(sample_source(), "")

    @property
    def is_sample(self) -> bool:
        """Whether it is the embedded sample."""
        return self.identity.startswith("sample:")

    @property
    def needs_key(self) -> bool:
        """Whether requests carry a key."""
        return not self.is_sample

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        if self.is_sample or host == "localhost":
            return True
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return False

    def check_rate_limit(self, rate_limit: RateLimit) -> None:
        """Raises unless a rate limit can be used with this source.

        Raises:
            ConfigError: If it is no positive number, above what EIA allows, or off for a far server.
        """
        if rate_limit is None:
            return
        if rate_limit == "off":
            if not self.is_loopback:
                raise ConfigError(
                    "The rate limit can be 'off' only for a server on this machine (a loopback URL), "
                    f"not for {self.base_url}. Use a number, such as 5."
                )
            return
        if not 0 < rate_limit < float("inf"):
            raise ConfigError(
                f"{rate_limit:g} requests a second is no rate. Use a number above 0, such as 5."
            )
        if self.identity == "eia" and rate_limit > DEFAULT_PER_S:
            raise ConfigError(
                f"{rate_limit:g} requests a second are more than EIA allows, which suspends keys that ask "
                f"faster than {DEFAULT_PER_S:g} a second. Use at most {DEFAULT_PER_S:g}."
            )

    def per_s(self, rate_limit: RateLimit) -> float | None:
        """Returns the requests per second that a checked rate limit means; None for no limit."""
        if rate_limit == "off" or (rate_limit is None and self.is_sample):
            return None
        return DEFAULT_PER_S if rate_limit is None else float(rate_limit)


def _check_url(url: str) -> str:
    """Returns the host of a base URL."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"The base URL is not a URL ({error}). {_EXAMPLE}") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: what is too much in it may be a secret.
        raise ConfigError(f"The base URL holds a user, a password, a query or a fragment. {_EXAMPLE}")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"'{url}' is not the URL of an http or https server. {_EXAMPLE}")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ConfigError(f"The base URL {url!r} holds blanks or control characters. {_EXAMPLE}")
    if host == EIA_HOST and parts.scheme == "http":
        raise ConfigError(
            f"EIA answers on https only, and {url} would send your key in the clear. Use {DEFAULT_BASE_URL}."
        )
    return host


def known_respondents(source: Source, api_key: SecretStr | None) -> list[str]:
    """Returns the respondent codes in the source's own list, sorted; asks it once.

    Args:
        source: Whom to ask.
        api_key: The key, where the source needs one.

    Raises:
        KeyMissingError: If the source needs a key and there is none.
        SourceError: If it does not answer, refuses the key, or answers with something else.
    """
    # Imported here: whoever only names a source need not load the HTTP client.
    from gridloom.extract.facets import ask_codes  # noqa: PLC0415

    return ask_codes(source, api_key, REGION_DATA, REGION_DATA.respondent_facet)


def known_fuels(source: Source, api_key: SecretStr | None) -> list[str]:
    """Returns the fuel codes in the source's own list, as `known_respondents` does."""
    from gridloom.extract.facets import ask_codes  # noqa: PLC0415 - see above

    return ask_codes(source, api_key, FUEL_TYPE_DATA, FUEL_TYPE_DATA.type_facet)
