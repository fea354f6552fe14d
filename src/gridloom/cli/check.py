"""``gridloom check``: is this file what the contract promises?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gridloom.cli._options import PATH, Manner, answer_options
from gridloom.cli._render import echo_json

__all__ = ["check"]


@click.command(epilog="Example:  gridloom check data/hourly/eia930_2019.parquet")
@click.argument("file", type=PATH, metavar="FILE.parquet")
@answer_options
def check(file: Path, manner: Manner) -> int:
    """Prove that a Parquet file is an hourly table: columns, order, every hour once, rows unchanged.

    Exit code 1 when a required check fails, 2 when the file is not an hourly table at all.
    """
    from gridloom.transform.findings import check_file

    findings = check_file(file)
    blocked = any(finding.blocks for finding in findings)
    if manner.as_json:
        outcome = "failed" if blocked else "succeeded"
        echo_json({"outcome": outcome, "file": file, "findings": [asdict(item) for item in findings]})
    elif not manner.quiet or blocked:
        for item in findings:
            word = "ok  " if item.passed else ("FAIL" if item.required else "note")
            click.echo(f"{word}  {item.name}: {item.detail}")
            if manner.verbose or item.blocks:
                click.echo(f"      {item.why}")
        click.echo(f"{file} is {'NOT ' if blocked else ''}a complete hourly table.")
    return 1 if blocked else 0
