"""``gridloom regions``: respondent codes."""

from __future__ import annotations

from typing import Any

import click

from gridloom.cli._options import Manner, answer_options
from gridloom.cli._render import echo_json, echo_table
from gridloom.grid.respondents import ALIASES, STANDARD_EIGHT, Kind, Respondent, all_respondents

__all__ = ["regions"]


@click.command(epilog="Example:  gridloom regions --kind region")
@click.option(
    "--kind",
    # Of an enum click would offer the names of the members.
    type=click.Choice([kind.value for kind in Kind]),
    help="Only balancing authorities, or only EIA's regions.",
)
@answer_options
def regions(kind: str | None, manner: Manner) -> int:
    """List respondent codes: balancing authorities and EIA's own regions.

    Never add balancing authorities and regions together: regions are sums of authorities.
    """
    chosen = [item for item in all_respondents().values() if kind in (None, item.kind)]
    if manner.as_json:
        echo_json({"regions": [_record(item) for item in chosen], "aliases": dict(ALIASES)})
    elif not manner.quiet:
        headers = ["code", "kind", "region", "time zone", "name"] + (["note"] if manner.verbose else [])
        echo_table(headers, (_cells(item, verbose=manner.verbose) for item in chosen))
        corrected = ", ".join(f"{wrong} is {right}" for wrong, right in ALIASES.items())
        click.echo(f"\n* default of `gridloom year`. Corrected: {corrected}.")
    return 0


def _record(item: Respondent) -> dict[str, Any]:
    return {
        "code": item.code,
        "kind": item.kind.value,
        "name": item.name,
        "region": item.region,
        "time_zone": item.time_zone,
        "generation_only": item.generation_only,
        "first_data": item.first_data.date().isoformat() if item.first_data else None,
        "retired": item.retired.date().isoformat() if item.retired else None,
        "standard": item.code in STANDARD_EIGHT,
        "note": item.note,
    }


def _cells(item: Respondent, *, verbose: bool) -> list[str]:
    kind = item.kind.value.replace("_", " ")
    facts = [
        f"generation {'only' if item.generation_only == 'yes' else 'mainly'}" if item.generation_only else "",
        f"retired {item.retired.date()}" if item.retired else "",
        f"from {item.first_data.date()}" if item.first_data else "",
    ]
    told = ", ".join(fact for fact in facts if fact)
    name = f"{item.name} ({told})" if told else item.name
    star = "*" if item.code in STANDARD_EIGHT else ""
    return [item.code + star, kind, item.region, item.time_zone, name] + ([item.note] if verbose else [])
