"""Checks that the documents agree with the project: links, commands, options, make targets.

`make check` runs it. Every link between markdown files leads somewhere, every command of the command
line is documented, and no document shows a command, an option or a make target that does not exist.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import click

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("docs", "examples")

_FENCE = re.compile(
    r"^ {0,3}(?P<mark>```+|~~~+)[^\n]*\n(?P<body>.*?)^ {0,3}(?P=mark)[ \t]*$", re.DOTALL | re.MULTILINE
)
_CODE = re.compile(r"(`+)(?P<body>.+?)\1", re.DOTALL)
_LINK = re.compile(
    r"!?\[[^\]]*\]\(\s*<?(?P<inline>[^)\s>]+)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s*<?(?P<named>[^\s>]+)",
    re.MULTILINE,
)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", re.MULTILINE)
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_ENDS = {"|", ">", ">>", "<", "&&", "||", ";", "&", "2>"}

Commands = Mapping[str, frozenset[str]]
"""Every command's path ("runs list"; a group too) and the options that it takes."""


def documents(root: Path) -> list[Path]:
    """Returns the markdown files of a checkout, sorted: those at its root, in docs and in examples."""
    inside = (path for folder in FOLDERS for path in (root / folder).rglob("*.md"))
    return sorted([*root.glob("*.md"), *inside])


def prose(text: str) -> str:
    """Returns markdown without its code, in which nothing is a link."""
    return _CODE.sub("", _FENCE.sub("", text))


def snippets(text: str) -> Iterator[str]:
    """Yields each line of fenced code and each inline code of a markdown text.

    Lines that end in a backslash are joined with the next; a leading prompt ``$`` is dropped.
    """
    for block in _FENCE.finditer(text):
        for line in block["body"].replace("\\\n", " ").splitlines():
            yield line.strip().removeprefix("$ ")
    for code in _CODE.finditer(_FENCE.sub("", text)):
        yield " ".join(code["body"].split())


def anchors(text: str) -> set[str]:
    r"""Returns the fragments that the headings of a markdown text answer to, as code hosts make them.

    Example:
        >>> sorted(anchors("# The house\n## `make demo`, twice\n## The house"))
        ['make-demo-twice', 'the-house', 'the-house-1']
    """
    found: set[str] = set()
    for title in _HEADING.findall(_FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names = (slug, *(f"{slug}-{count}" for count in range(1, 100)))
        found.add(next(name for name in names if name not in found))
    return found


def broken_links(root: Path) -> list[str]:
    """Returns a sentence for every link from a document of `root` that leads nowhere.

    Remote addresses are not asked.
    """
    problems = []
    for document in documents(root):
        where = document.relative_to(root)
        for match in _LINK.finditer(prose(document.read_text(encoding="utf-8"))):
            link = match["inline"] or match["named"]
            if not _REMOTE.match(link):
                problem = _broken(document, link)
                problems += [f"{where}: the link {link} {problem}."] if problem else []
    return problems


def _broken(document: Path, link: str) -> str | None:
    name, _, fragment = unquote(link).partition("#")
    target = document.parent / name if name else document
    if name.startswith("/"):
        return "starts at the root of a file system; write it relative to the document"
    if not target.exists():
        return "leads to no file"
    if fragment and target.suffix == ".md" and fragment not in anchors(target.read_text(encoding="utf-8")):
        return f"leads to no heading of {target.name}"
    return None


def commands_of(program: click.Command) -> Commands:
    """Returns the commands and options of a command line, hidden ones left out."""
    found: dict[str, frozenset[str]] = {}

    def walk(command: click.Command, path: str) -> None:
        context = click.Context(command, info_name=path)
        options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
        found[path] = frozenset(name for each in options for name in (*each.opts, *each.secondary_opts))
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                if child is not None and not child.hidden:
                    walk(child, f"{path} {name}".strip())

    walk(program, "")
    return found


def undocumented(commands: Commands, root: Path) -> list[str]:
    """Returns a sentence for every command that no code in README.md or docs shows."""
    shown = [code for path in documents(root) for code in snippets(path.read_text(encoding="utf-8"))]
    return [
        f"'gridloom {path}' is documented nowhere: show it in README.md or docs."
        for path in sorted(commands)
        if path and not any(re.search(rf"\bgridloom {re.escape(path)}\b", code) for code in shown)
    ]


def dead_usages(commands: Commands, root: Path) -> list[str]:
    """Returns a sentence for every command or option that a document shows and the CLI does not have."""
    return [
        f"{path.relative_to(root)}: `{code}` shows {problem}."
        for path, code in _usages(root, "gridloom")
        if (problem := _dead(code, commands))
    ]


def _usages(root: Path, program: str) -> Iterator[tuple[Path, str]]:
    """Yields every call of `program` that a document shows; the changelog may speak of the past."""
    for path in documents(root):
        if path.name != "CHANGELOG.md":
            for code in snippets(path.read_text(encoding="utf-8")):
                if code.removeprefix(".venv/bin/").startswith(f"{program} "):
                    yield path, code


def _dead(code: str, commands: Commands) -> str | None:
    words = _words(code)[1:]
    path = ""
    for word in words:
        longer = f"{path} {word}".strip()
        if longer not in commands:
            break
        path = longer
    is_group = any(name.startswith(f"{path} ".lstrip()) and name != path for name in commands)
    rest = words[len(path.split()) :]
    if is_group and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        return f"the command '{rest[0]}', which does not exist"
    for word in rest:
        option = word.split("=")[0]
        if re.fullmatch(r"--?[A-Za-z][\w-]*", option) and option not in commands[path] | {"--help", "-h"}:
            return f"the option {option}, which '{f'gridloom {path}'.strip()}' does not take"
    return None


def _words(code: str) -> list[str]:
    try:
        words = shlex.split(code, comments=True)
    except ValueError:
        words = code.split()
    ends = (index for index, word in enumerate(words) if word in _ENDS)
    return words[: next(ends, len(words))]


def dead_targets(root: Path) -> list[str]:
    """Returns a sentence for every ``make`` target that a document shows and the Makefile does not have."""
    targets = set(_TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))
    return [
        f"{path.relative_to(root)}: `{code}` names the target '{word}', which the Makefile does not have."
        for path, code in _usages(root, "make")
        for word in _words(code)[1:]
        if re.fullmatch(r"[a-z][a-z-]*", word) and word not in targets
    ]


def problems(root: Path, commands: Commands) -> list[str]:
    """Returns every sentence of every check on the checkout at `root`."""
    return [
        *broken_links(root),
        *dead_targets(root),
        *undocumented(commands, root),
        *dead_usages(commands, root),
    ]


def main() -> int:
    """Prints what is wrong; returns 1 if anything is."""
    from gridloom.cli import cli  # noqa: PLC0415 - the functions above serve any command line

    found = problems(ROOT, commands_of(cli))
    print("\n".join(found) if found else f"{len(documents(ROOT))} documents agree with the project.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
