"""Parameters of a request: all spellings of query string, ``X-Params`` and body, as one tree.

The API reads a query as PHP does: ``facets[respondent][]=PACW`` and ``facets[respondent][0]=PACW`` are
the same, and the tree is what it repeats in ``request.params``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from gridloom.extract.replay.refusals import bad_request

__all__ = ["parse_json", "parse_pairs", "parse_query"]

_BRACKETS = re.compile(r"\[([^\]]*)\]")


def parse_query(query: str) -> dict[str, Any]:
    """Returns the parameter tree of a query string or form body.

    Example:
        >>> parse_query("data[]=value&facets[respondent][0]=PACW&length=10")
        {'data': ['value'], 'facets': {'respondent': ['PACW']}, 'length': '10'}
    """
    return parse_pairs(parse_qsl(query, keep_blank_values=True))


def parse_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Returns the parameter tree of decoded names and values, in their order."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head = name.split("[", 1)[0]
        path = [head, *_BRACKETS.findall(name[len(head) :])]
        node = tree
        for step in path[:-1]:
            slot = _slot(node, step)
            if not isinstance(node.get(slot), dict):
                node[slot] = {}
            node = node[slot]
        node[_slot(node, path[-1])] = value
    return {name: _with_lists(node) for name, node in tree.items()}


def _slot(node: dict[str, Any], key: str) -> str:
    """Returns `key`, or the next free number for the empty key of ``[]``."""
    if key:
        return key
    return str(1 + max((int(taken) for taken in node if taken.isdecimal()), default=-1))


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    values = [_with_lists(value) for value in node.values()]
    if list(node) == [str(index) for index in range(len(node))]:
        return values
    return dict(zip(node, values, strict=True))


def parse_json(text: str | bytes, where: str) -> dict[str, Any]:
    """Returns the parameters of an ``X-Params`` header or a JSON body.

    Args:
        text: A JSON object.
        where: What the text is, in words.

    Raises:
        Refusal: If it is not a JSON object.
    """
    try:
        tree = json.loads(text)
    except ValueError as error:
        raise bad_request(f"Invalid JSON in {where}: {error}") from error
    if not isinstance(tree, dict):
        raise bad_request(f"Invalid JSON in {where}: it must be an object.")
    return tree
