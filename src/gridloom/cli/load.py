"""``gridloom load``: one hourly Parquet to tensors."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gridloom.cli._job import Job, carry_out
from gridloom.cli._listeners import listener_options
from gridloom.cli._options import PATH, Manner, answer_options, folder_option
from gridloom.cli._render import echo_table, python_path, shown_path
from gridloom.errors import ConfigError
from gridloom.pipelines.listener_options import ListenerOptions

if TYPE_CHECKING:
    from gridloom.pipelines.training import PreparedLoad

__all__ = ["load", "load_job"]


@click.command(epilog="Example:  gridloom load data/hourly/eia930_2019.parquet --context 336 --horizon 24")
@click.argument("file", type=PATH, metavar="FILE.parquet")
@click.option("--name", metavar="NAME", help="Name of the dataset.  [default: that of the file]")
@click.option(
    "--context",
    type=int,
    metavar="N",
    default=168,
    show_default=True,
    help="Hours that a model sees.",
)
@click.option(
    "--horizon", type=int, metavar="N", default=24, show_default=True, help="Hours to predict after them."
)
@click.option(
    "--stride",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="Hours from one window to the next.",
)
@click.option("--series", metavar="A,B", help="Series to take, such as D,DF,NG.all.  [default: all]")
@click.option("--respondents", metavar="A,B", help="Respondents to take.  [default: all]")
@click.option(
    "--splits",
    metavar="TRAIN_END,VALID_END",
    help="Last hours of training and of validation, YYYY-MM-DDTHH in UTC, inclusive; the rest is for the "
    "test.  [default: 70 % and 15 % of the hours]",
)
@click.option(
    "--scaling",
    type=click.Choice(["standard", "robust", "none"]),
    default="standard",
    show_default=True,
    help="How windows are scaled, by statistics of the training span only.",
)
@listener_options
@folder_option
@answer_options
def load(
    *,
    file: Path,
    manner: Manner,
    folder: Path,
    listeners: ListenerOptions,
    **flags: Any,
) -> int:
    """Make tensors of an hourly Parquet: one matrix of hours by features, its mask and its statistics.

    They are written to tensors/NAME in the output folder, and any library that knows safetensors reads
    them. Hours without a value are masked. Beside the series of a respondent stand its hour, weekday, day
    of the year and holidays in local time.
    """
    from gridloom.load.steps import MLXDatasetConfig
    from gridloom.pipelines.training import prepare_load
    from gridloom.pipelines.wording import from_flags

    given = {
        **flags,
        "name": file.stem if flags["name"] is None else flags["name"],
        "series": _names(flags["series"]),
        "respondents": _names(flags["respondents"]),
        "splits": _ends(flags["splits"]),
    }
    job = load_job(prepare_load(file, from_flags(MLXDatasetConfig, given), folder))
    return carry_out(job, manner, listeners=listeners)


def load_job(prepared: PreparedLoad) -> Job:
    """Returns the job of a prepared load."""
    from gridloom.pipelines.training import loaded

    return Job(warnings=prepared.warnings, run=partial(loaded, prepared), echo=_echo)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(text.split(","))


def _ends(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    ends = [end.strip() for end in text.split(",")]
    if len(ends) != 2:  # noqa: PLR2004 - train_end and valid_end
        raise ConfigError(
            f"--splits takes two hours, the last of training and the last of validation, got '{text}'. "
            "Write for example --splits 2019-09-30T23,2019-11-15T23."
        )
    return ends[0], ends[1]


def _echo(summary: dict[str, Any]) -> None:
    """Prints what was made, and how to use it."""
    if "error" in summary:
        return
    click.echo(f"\n{shown_path(summary['dataset'])}")
    click.echo(
        f"{summary['hours']:,} hours x {len(summary['features']):,} features from {summary['first']} to "
        f"{summary['last']} UTC, {summary['size_bytes'] / 1e6:,.1f} MB, "
        f"of the column '{summary['values']}'.\n"
    )
    echo_table(
        ["split", "first", "last", "hours", "windows"],
        [
            (item["split"], item["first"] or "", item["last"] or "", item["hours"], item["windows"])
            for item in summary["splits"]
        ],
        numbers=(3, 4),
    )
    for finding in summary["findings"]:
        click.echo(f"Note: {finding['detail']}")
    click.echo(
        f"\nA window is {summary['context']:,} hours of context and {summary['horizon']:,} to predict, every "
        f"{summary['stride']:,} h. {summary['duration_s']:.2f} s, "
        + ", ".join(f"{step['step_id']} {step['outcome']}" for step in summary["steps"])
        + ".\n\nUse it:\n"
        "    from gridloom import GridDataset\n"
        f"    windows = GridDataset.open({python_path(summary['dataset'])})"
        '.windows("train", batch_size=32, shuffle=True)'
        f"{'' if find_spec('mlx') else '.to_numpy()'}\n"
        "    for batch in windows: print(batch.context.shape, batch.target.shape, batch.known.shape)"
    )
