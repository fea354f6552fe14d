"""``gridloom lineage``: where a file comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from gridloom.cli._options import json_option, out_option, verbosity_options
from gridloom.cli._render import echo_json
from gridloom.dag.lineage import deeply, find_out
from gridloom.pipelines.landed import trace_file

__all__ = ["lineage"]


@click.command(epilog="Example:  gridloom lineage data/hourly/eia930_2019.parquet")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@out_option
@json_option
@verbosity_options
def lineage(file: Path, out: str | None, as_json: bool, verbose: bool, quiet: bool) -> int:
    """Show which step, inputs, settings and code made a file, and the same of each of its inputs.

    The output folder is found from FILE; -v lists every part of the code that counted.
    """
    found = trace_file(Path(out) if out else find_out(file), file)
    if as_json:
        with deeply():
            echo_json(found)
    elif not quiet:
        click.echo("\n".join(_window_lines(found) if "window" in found else _lines(found, verbose=verbose)))
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
