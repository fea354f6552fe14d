"""``gridloom doctor``: what is installed here, and how fast MLX is."""

from __future__ import annotations

from typing import Any

import click

from gridloom.cli._options import Manner, answer_options
from gridloom.cli._render import echo_json, echo_table

__all__ = ["doctor"]


@click.command(epilog="Example:  gridloom doctor --json")
@answer_options
def doctor(manner: Manner) -> int:
    """Say what is installed, which BLAS MLX multiplies with, how fast, and what would make it faster.

    On Linux the stock MLX wheel multiplies with a slow BLAS. GridLoom gives it a fast one where there is
    one: that of the extra fast-blas, or the system's OpenBLAS. GRIDLOOM_BLAS=off leaves MLX as it is.
    """
    from gridloom.pipelines.doctor import examine

    found = examine()
    if manner.as_json:
        echo_json(found)
        return 0
    if not manner.quiet:
        _echo(found, verbose=manner.verbose)
    for line in found["advice"]:
        click.echo(line)
    return 0


def _echo(found: dict[str, Any], *, verbose: bool) -> None:
    click.echo(
        f"GridLoom {found['gridloom']}, Python {found['python']}, {found['platform']}, {found['cores']} cores"
    )
    click.echo(", ".join(f"{name} {version}" for name, version in found["packages"].items()) + "\n")
    rows = [
        (extra, "yes" if state["installed"] else f"pip install 'gridloom[{extra}]'")
        for extra, state in found["extras"].items()
    ]
    echo_table(["extra", "installed"], rows)
    mlx = found["mlx"]
    if mlx:
        blas = mlx["blas"]
        click.echo(
            f"\nMLX {mlx['version']} on {mlx['device']}: {mlx['gflops']:,g} GFLOP/s in a product of two "
            f"float32 matrices.\nOn the CPU it multiplies with {blas['name']}: {blas['why']}."
        )
        if verbose and blas["path"]:
            click.echo(blas["path"])
