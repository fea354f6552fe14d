"""The gate in front of the API: it looks at the key before the application sees the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gridloom.extract.replay.options import ReplayOptions

__all__ = ["KEY_INVALID", "KEY_MISSING", "GateRefusal", "admit"]

KEY_MISSING: Final = (
    '{"error":{"code":"API_KEY_MISSING","message":"No api_key was supplied.  '
    'Please register for one at https://www.eia.gov/opendata/register.php"}}'
)
KEY_INVALID: Final = (
    '{\n  "error": {\n    "code": "API_KEY_INVALID",\n    "message": "An invalid api_key was supplied. '
    'Get one at https://api.eia.gov:443"\n  }\n}'
)


class GateRefusal(Exception):  # noqa: N818 - it is an answer, not a fault of this program
    """A request that the gate does not let through.

    Attributes:
        body: The body of the answer, whose status is 403.
    """

    def __init__(self, body: str) -> None:
        super().__init__("refused at the gate")
        self.body = body


def admit(query: Mapping[str, Any], headers: Mapping[str, str], options: ReplayOptions) -> str:
    """Returns where the key was: ``query`` or ``header``.

    Args:
        query: Parameters of the query string.
        headers: Headers of the request, names in lower case.
        options: Settings of the server: which key, and whether the header is looked at.

    Raises:
        GateRefusal: If there is no key, or another than the accepted one.
    """
    found = {"query": query.get("api_key")}
    if options.key_in_header:
        found["header"] = headers.get("x-api-key")
    place, key = next(((place, key) for place, key in found.items() if key), ("", ""))
    if not place:
        raise GateRefusal(KEY_MISSING)
    if options.key is not None and key != options.key:
        raise GateRefusal(KEY_INVALID)
    return place
