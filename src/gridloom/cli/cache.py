"""``gridloom cache``: what the cache holds, and how to make it forget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from gridloom.cli._options import Manner, answer_options, folder_option
from gridloom.cli._render import age, echo_json, echo_table, note, shown_path, typed_path
from gridloom.dag.inventory import (
    CacheEntry,
    forget,
    leftovers,
    list_entries,
    removable,
    runs_at_work,
    select_entries,
    size_together,
    sweep,
)
from gridloom.errors import UsageError
from gridloom.pipelines.landed import kept_artifact
from gridloom.words import several, size

__all__ = ["cache"]

_KEY = 12


@click.group(epilog="Example:  gridloom cache list --out data")
def cache() -> None:
    """List what steps made, show one record, prune what is of no use, or forget."""


def _short(entry: CacheEntry) -> str:
    return entry.key.removeprefix("sha256:")[:_KEY]


def _plain(entry: CacheEntry) -> dict[str, Any]:
    return {
        "step_id": entry.step_id,
        "key": entry.key,
        "run_id": entry.manifest.run_id if entry.manifest else None,
        "made_at": entry.made_at,
        "state": entry.state,
        "reason": entry.reason,
        "size_bytes": entry.size_bytes,
        "files": [file.path for file in entry.files],
    }


def _print(entries: Iterable[CacheEntry]) -> None:
    cells = [
        (
            entry.step_id,
            _short(entry),
            entry.state,
            size(entry.size_bytes),
            age(entry.made_at),
            entry.reason or ", ".join(file.path.name for file in entry.files) or "a small value",
        )
        for entry in entries
    ]
    echo_table(["step", "key", "state", "size", "age", "what"], cells, numbers=(3, 4))


@cache.command("list", epilog="Example:  gridloom cache list --verify")
@click.option("--verify", is_flag=True, help="Read every file and compare digests, not only sizes.")
@folder_option
@answer_options
def list_command(verify: bool, folder: Path, manner: Manner) -> int:
    """List every record, newest first: step, state, size and age.

    A record is `whole` (it can be a hit), `replaced` (its files are gone or others now) or `damaged`.
    """
    entries = list_entries(folder, verify=verify, artifact=kept_artifact)
    if manner.as_json:
        echo_json({"out": folder, "records": [_plain(entry) for entry in entries]})
    elif not entries and not manner.quiet:
        click.echo(
            f"Nothing is cached in {folder} yet. "
            f"Start with: gridloom year --sample --out {typed_path(folder)}"
        )
    elif not manner.quiet:
        _print(entries)
        whole = [entry for entry in entries if entry.state == "whole"]
        total = size(size_together(whole))
        click.echo(f"\n{several(len(entries), 'record')}, {len(whole):,} of them whole ({total}).")
    return 0


@cache.command("show", epilog="Example:  gridloom cache show transform")
@click.argument("name", metavar="STEP|KEY")
@folder_option
@answer_options
def show_command(name: str, folder: Path, manner: Manner) -> int:
    """Show the newest record of a step, or the one whose key begins so: what made what.

    With -v every part of the code that counts is listed.
    """
    entry = select_entries(list_entries(folder, verify=True, artifact=kept_artifact), [name])[0]
    record = msgspec.to_builtins(entry.manifest) if entry.manifest else None
    if manner.as_json:
        echo_json({**_plain(entry), "record": record})
    elif not manner.quiet:
        _show(entry, verbose=manner.verbose)
    return 0


def _show(entry: CacheEntry, *, verbose: bool) -> None:
    click.echo(f"{entry.step_id}  {_short(entry)}  {entry.state}  {entry.reason}".rstrip())
    if entry.manifest is None:
        return
    identity = entry.manifest.fingerprint.identity
    click.echo(f"made in run {entry.manifest.run_id}, {age(entry.made_at)} ago")
    click.echo(f"by {identity.step_type}, version {identity.version}, code {identity.code}")
    for name, value in identity.config.items():
        click.echo(f"  {name} = {msgspec.json.encode(value).decode()}")
    for name, digest in entry.manifest.fingerprint.inputs.items():
        click.echo(f"  input {name}: {digest}")
    for file in entry.files:
        click.echo(f"  made {shown_path(file.path)} ({size(file.size_bytes)}, {file.digest})")
    for finding in entry.manifest.findings if verbose else ():
        click.echo(f"  check {finding.name}: {finding.detail}")


@cache.command("prune", epilog="Example:  gridloom cache prune --older-than 30")
@click.option(
    "--older-than", type=click.IntRange(min=0), metavar="DAYS", help="Also forget whole records of that age."
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@folder_option
@answer_options
def prune_command(
    *,
    older_than: int | None,
    dry_run: bool,
    folder: Path,
    manner: Manner,
) -> int:
    """Remove what no run can use: records of replaced files, old checkpoints, staging of dead runs.

    Outputs stay; see `gridloom cache clear --outputs`.
    """
    limit = datetime.now(UTC) - timedelta(days=older_than) if older_than is not None else None
    chosen = [
        entry
        for entry in list_entries(folder)
        if entry.state != "whole" or (limit and entry.made_at and entry.made_at < limit)
    ]
    found = leftovers(folder)
    if not dry_run:
        forget(folder, chosen)
        sweep(folder, found)
    if manner.as_json:
        echo_json(
            {
                "dry_run": dry_run,
                "records": [_plain(entry) for entry in chosen],
                "leftovers": [
                    {"path": item.path, "what": item.what, "size_bytes": item.size_bytes} for item in found
                ],
            }
        )
    elif not manner.quiet:
        if chosen:
            _print(chosen)
        for item in found:
            click.echo(f"{item.what}: {shown_path(item.path)} ({size(item.size_bytes)})")
        for run_id in runs_at_work(folder):
            note(f"Note: the run {run_id} is at work, so checkpoints are kept.")
        verb = "would be removed" if dry_run else "removed"
        freed = size(sum(item.size_bytes for item in found))
        click.echo(
            f"{several(len(chosen), 'record')} and {several(len(found), 'leftover')} ({freed}) {verb}."
        )
    return 0


def _ask(files: int) -> None:
    """Asks whether to remove so many files.

    Raises:
        UsageError: If there is nobody to ask.
        Abort: If the answer is no.
    """
    try:
        yes = click.confirm(f"Remove {several(files, 'file')}?", err=True)
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):
            raise
        raise UsageError(
            "There is nobody here to ask. Add --yes to remove the files without a question."
        ) from error
    if not yes:
        raise click.Abort


@cache.command("clear", epilog="Example:  gridloom cache clear transform")
@click.argument("names", nargs=-1, metavar="[STEP|KEY]...")
@click.option("--all", "every", is_flag=True, help="Forget every record.")
@click.option("--outputs", is_flag=True, help="Remove the files too, not only the records. Asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder_option
@answer_options
def clear_command(
    *,
    names: tuple[str, ...],
    every: bool,
    outputs: bool,
    yes: bool,
    folder: Path,
    manner: Manner,
) -> int:
    """Forget records of steps, so that they run again. Landed pages are kept: nothing is asked again."""
    if bool(names) == every:
        raise UsageError("Name the steps or keys to forget, or give --all. `gridloom cache list` shows them.")
    entries = list_entries(folder)
    chosen = entries if every else select_entries(entries, names)
    files = removable(folder, chosen) if outputs else []
    if files and not yes:
        for path in files:
            note(shown_path(path))
        _ask(len(files))
    forget(folder, chosen, outputs=outputs)
    if manner.as_json:
        echo_json({"records": [_plain(entry) for entry in chosen], "removed": files})
    elif not manner.quiet:
        click.echo(
            f"{several(len(chosen), 'record')} forgotten"
            + (f", {several(len(files), 'file')} removed." if outputs else ".")
        )
    return 0
