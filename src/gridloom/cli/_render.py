"""Text and JSON on the terminal."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gridloom.monitor.watched import is_watched

__all__ = ["age", "echo_json", "echo_table", "note", "python_path", "shown_path", "typed_path"]

_PIPE_WIDTH = 1_000


def echo_json(value: Any) -> None:
    """Prints one JSON object on stdout."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2)
    click.echo(text.decode())


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, datetime):
        return value.isoformat()
    raise NotImplementedError(f"{type(value)} has no JSON form.")


def echo_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()
) -> None:
    """Prints a plain table on stdout; whole numbers get thousands separators.

    Args:
        headers: Names of the columns.
        rows: Cells.
        numbers: Indexes of the columns that are right-aligned.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for index, header in enumerate(headers):
        last = index == len(headers) - 1
        table.add_column(
            header,
            justify="right" if index in numbers else "left",
            overflow="fold" if last else "ellipsis",
            no_wrap=not last,
        )
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    # In a pipe there is no width to keep to, and a wrapped line is hard to read by a program.
    console = Console(
        highlight=False,
        markup=False,
        width=None if sys.stdout.isatty() else _PIPE_WIDTH,
        color_system="auto" if is_watched(sys.stdout) else None,
    )
    with console.capture() as capture:
        console.print(table)
    # Trailing blanks trouble diffs and terminals alike.
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def age(at: datetime | None) -> str:
    """Returns how long ago a time was, as a person says it; a question mark where nobody knows."""
    if at is None:
        return "?"
    seconds = max((datetime.now(UTC) - at).total_seconds(), 0.0)
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def note(message: str) -> None:
    """Prints one line on stderr."""
    click.echo(message, err=True)


def typed_path(path: Path) -> str:
    """Returns a path as it should be typed into a shell."""
    return shlex.quote(shown_path(path))


def python_path(path: Path) -> str:
    """Returns a path as a text of Python."""
    return json.dumps(shown_path(path), ensure_ascii=False)


def shown_path(path: Path) -> str:
    """Returns a path for people: relative to the working folder where it lies below it."""
    full, here = path.absolute(), Path.cwd()
    return (full.relative_to(here) if full.is_relative_to(here) else full).as_posix()
