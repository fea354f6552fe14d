"""Keeps the programs and pipeline files in the documents equal to the files in examples, which the tests run.

A document marks the place; `make format` fills it and `make check` compares::

    <!-- example: examples/peak_hours.py -->
    (a fenced block)
    <!-- end example -->
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_LANGUAGES = {".py": "python", ".yaml": "yaml"}
_PLACE = re.compile(r"(<!-- example: (?P<name>\S+) -->\n).*?(<!-- end example -->)", re.DOTALL)


def pasted(text: str, root: Path) -> str:
    """Returns a document's text with every marked place holding the file that it names.

    Raises:
        FileNotFoundError: If there is no such file below `root`.
    """

    def fill(place: re.Match[str]) -> str:
        program = (root / place["name"]).read_text(encoding="utf-8").strip()
        language = _LANGUAGES[Path(place["name"]).suffix]
        return f"{place[1]}```{language}\n{program}\n```\n{place[3]}"

    return _PLACE.sub(fill, text)


def stale(root: Path) -> dict[Path, str]:
    """Returns the documents of `root` that differ from their examples, each with the text it should have."""
    documents = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    texts = {path: path.read_text(encoding="utf-8") for path in documents}
    return {path: new for path, text in texts.items() if (new := pasted(text, root)) != text}


def main(arguments: list[str]) -> int:
    """Rewrites the documents, or with ``--check`` only says which would change; returns 1 then."""
    found = stale(ROOT)
    for path, text in found.items():
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name} does not show its examples as they are. Run: make format")
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: examples pasted.")
    return 1 if found and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
