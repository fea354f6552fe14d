"""``gridloom lineage``: where a file comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from gridloom.cli._options import PATH, Manner, answer_options, setting_options
from gridloom.cli._render import echo_json
from gridloom.dag.lineage import deeply, find_out
from gridloom.pipelines.landed import trace_file
from gridloom.pipelines.places import load_settings

__all__ = ["lineage"]


@click.command(epilog="Example:  gridloom lineage data/hourly/eia930_2019.parquet")
@click.argument("file", type=PATH, metavar="FILE")
@setting_options("out")
@answer_options
def lineage(file: Path, out: str | None, manner: Manner) -> int:
    """Show which step, inputs, settings and code made a file, and the same of each of its inputs.

    The output folder is found from FILE; -v lists every part of the code that counted.
    """
    folder = find_out(file) if out is None else load_settings({"out": out}, folder=Path.cwd()).out
    found = trace_file(folder, file)
    if manner.as_json:
        with deeply():
            echo_json(found)
    elif not manner.quiet:
        lines = _window_lines(found) if "window" in found else _lines(found, verbose=manner.verbose)
        click.echo("\n".join(lines))
    return 0


def _window_lines(found: dict[str, Any]) -> Iterator[str]:
    window = found["window"]
    yield f"{found['path']}  ({found['state']})"
    yield f"  of a window of {window['route']} of {window['source']}, fetched at {window['fetched_at']}"
    yield f"  {window['first']} to {window['last']} of {', '.join(window['respondents'])}"
    yield f"  {', '.join(window['types']) or 'all'}, {window['rows']:,} rows"
    for held in found["held_by"]:
        made = held["made_by"]
        yield f"  in the set {held['path']}, made by {made['step_id']} in run {made['run_id']}"


def _lines(first: dict[str, Any], *, verbose: bool) -> Iterator[str]:
    """Yields the lines of a tree that may be deeper than Python calls functions."""
    waiting: list[tuple[str, dict[str, Any], str]] = [("", first, "")]
    while waiting:
        title, node, indent = waiting.pop()
        if title:
            yield title
        state = f"  ({node['state']})" if "state" in node else ""
        yield f"{indent}{node.get('path', 'a value or a file from outside, ' + node['digest'])}{state}"
        made, indent = node.get("made_by"), indent + "  "
        if made is None:
            continue
        if made.get("told_above"):
            yield f"{indent}made by {made['step_id']} in run {made['run_id']}, as told above"
            continue
        yield from _maker(made, indent, verbose=verbose)
        waiting += [
            (f"{indent}from {it['parameter']}:", it, indent + "  ") for it in reversed(made["inputs"])
        ]


def _maker(made: dict[str, Any], indent: str, *, verbose: bool) -> Iterator[str]:
    yield f"{indent}made by {made['step_id']} ({made['type']}, version {made['version']})"
    yield f"{indent}in run {made['run_id']} at {made['made_at']}"
    for name, value in made["settings"].items():
        yield f"{indent}  {name} = {msgspec.json.encode(value).decode()}"
    parts = made["code"]["parts"]
    yield f"{indent}code {made['code']['digest'][:19]}, {len(parts):,} parts"
    for name, digest in parts.items() if verbose else ():
        yield f"{indent}  {name} {digest}"
