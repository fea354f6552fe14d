"""YAML whose values know their lines, so that a mistake is shown where it stands.

Only what a file of settings needs is read: mappings, lists and plain values. Words stay words (``off``,
``NO`` and ``2024-01-01`` are texts), and a key stands once. Anchors, tags and ``${NAME}`` are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gridloom.errors import ConfigError, UsageError
from gridloom.files import storage_errors

__all__ = ["Node", "Problem", "raise_problems", "read_lines"]

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file.

    Attributes:
        value: A text, number, truth value or None; a list of nodes; or nodes by key.
        line: Line of its key, or its own; from 1.
    """

    value: Any
    line: int

    def plain(self) -> Any:
        """Returns the value without lines."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Yields every node below it with its key; that of an item of a list is empty."""
        entries: Iterable[tuple[str, Node]] = ()
        if isinstance(self.value, dict):
            entries = self.value.items()
        elif isinstance(self.value, list):
            entries = (("", item) for item in self.value)
        for key, node in entries:
            yield key, node
            yield from node.walk()

    def line_at(self, path: Iterable[Any]) -> int:
        """Returns the line of what lies at a path of keys and positions, as far as the path leads."""
        node = self
        for part in path:
            if not isinstance(node.value, (dict, list)):
                break
            try:
                node = node.value[part]
            except (LookupError, TypeError):
                break
        return node.line


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line of a file.

    Attributes:
        line: The line.
        text: A sentence.
        kind: The error that it is.
    """

    line: int
    text: str
    kind: type[UsageError] = ConfigError


def raise_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Raises one error that shows all problems of a file, each with its place; does nothing without any.

    Raises:
        UsageError: Of the problem's kind where there is one only, else a `ConfigError`.
    """
    found = sorted(set(problems), key=lambda problem: (problem.line, problem.text))
    if found:
        kind = found[0].kind if len(found) == 1 else ConfigError
        raise kind("\n".join(f"{path}:{problem.line}: {problem.text}" for problem in found))


def read_lines(path: Path) -> Node:
    """Returns the content of a YAML file.

    Raises:
        ConfigError: If there is no such file, or it is not YAML of the kind that is read here.
        StorageError: If it cannot be read.
    """
    if not path.is_file():
        what = f"'{path}' is a folder." if path.is_dir() else f"There is no file '{path}'."
        raise ConfigError(f"{what} Give the path of a pipeline file, such as year.yaml.")
    try:
        with storage_errors("read", path):
            text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text in UTF-8: {error.reason}.") from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{path}{_syntax(error)}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} cannot be read as YAML: {' '.join(str(error).split())}.") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply to be a pipeline file.") from None
    if root is None:
        raise ConfigError(f"{path} is empty. A pipeline file has `steps`.")
    problems: list[Problem] = []
    node = _node(root, root.start_mark.line + 1, problems)
    raise_problems(path, problems)
    return node


def _syntax(error: yaml.MarkedYAMLError) -> str:
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if mark and began and began.line != mark.line:
        said += f" (it began in line {began.line + 1})"
    return f"{place}: this cannot be read as YAML: {said}."


class _Loader(yaml.SafeLoader):
    """Composes nodes, without anchors and tags."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refused = "anchors are not read here; settings that several steps have go below `shared`"
            raise yaml.composer.ComposerError(None, None, refused, event.start_mark)
        if getattr(event, "tag", None) not in {None, "!"}:
            raise yaml.composer.ComposerError(None, None, "tags are not read here", event.start_mark)
        return super().compose_node(parent, index)


def _node(node: yaml.Node, line: int, problems: list[Problem]) -> Node:
    if isinstance(node, yaml.MappingNode):
        return Node(_entries(node, problems), line)
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(item, item.start_mark.line + 1, problems) for item in node.value], line)
    quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
    value = node.value if quoted else _plain(node.value)
    if isinstance(value, str) and _VARIABLE.search(value):
        problems.append(
            Problem(line, "`${…}` is not replaced in a pipeline file. Write the value, or give it as a flag.")
        )
    return Node(value, line)


def _entries(node: yaml.MappingNode, problems: list[Problem]) -> dict[str, Node]:
    entries: dict[str, Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(line, "a list or mapping stands where a name is needed."))
        elif key.value in entries:
            first = entries[key.value].line
            problems.append(
                Problem(line, f"`{key.value}` stands here for the second time, after line {first}.")
            )
        else:
            entries[key.value] = _node(value, line, problems)
    return entries


def _plain(text: str) -> Any:
    """Returns what an unquoted text means."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
