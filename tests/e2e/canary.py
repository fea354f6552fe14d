"""A key that is nowhere by chance, and the search for it in everything that a run leaves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

from tests.e2e.processes import Done

CANARY = "canary/Key+of=the~tests-0123456789abcdef"
"""A key that URLs and JSON write in other ways."""

WRONG = "canary/Wrong+key=of~tests-fedcba9876543210"
"""Another one, which no server accepts."""


def _forms(key: str) -> set[bytes]:
    written = {key, quote(key, safe=""), quote(key), quote_plus(key), key.replace("/", "\\/")}
    written |= {json.dumps(form)[1:-1] for form in written}
    return {form.encode().lower() for form in written}


_FORMS = _forms(CANARY) | _forms(WRONG)


def held(data: bytes) -> bool:
    """Returns whether one of the keys is in `data`, however it is written."""
    lower = data.lower()
    return any(form in lower for form in _FORMS)


def files_with_a_key(folder: Path) -> list[Path]:
    """Returns the files below `folder` that hold a key: in their names, bytes or unpacked bytes."""
    found = []
    for path in folder.rglob("*"):
        texts = [str(path.relative_to(folder)).encode()]
        if path.is_file():
            texts.append(path.read_bytes())
            if path.suffix == ".gz":
                texts.append(gzip.decompress(texts[1]))
        found += [path] if any(held(text) for text in texts) else []
    return found


def said_a_key(done: Iterable[Done]) -> list[Done]:
    """Returns the runs whose output holds a key."""
    return [item for item in done if held((item.out + item.err).encode())]
