"""The command line: arguments in, text and exit codes out.

Commands are imported when they are called, so that ``gridloom --help`` is quick.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

import click

from gridloom import __version__
from gridloom.errors import GridLoomError

__all__ = ["cli", "main"]

_COMMANDS: Final = {
    "year": "One year, or a span, to one complete Parquet file.",
    "demo": "One region, on the embedded real data unless a key is set.",
    "run": "The pipeline of a YAML file.",
    "plan": "What `year` or `run` would do and ask, without doing it.",
    "check": "Prove that a Parquet file is complete and unchanged.",
    "load": "Tensors of a Parquet file, ready for training.",
    "ring": "Shards of a long sequence, one for each rank of ring attention: prep.",
    "regions": "Respondent codes: balancing authorities and EIA's regions.",
    "resume": "Carry on with a run that was interrupted or failed.",
    "runs": "Runs of an output folder: list, show, compare.",
    "report": "A run as one web page that needs nothing else.",
    "ui": "Runs as web pages on this machine, also while they are at work.",
    "cache": "What steps made: list, show, prune, clear.",
    "lineage": "Where a file comes from: step, inputs, settings and code.",
    "replay": "A stand-in EIA server on this machine, for tests and trials.",
    "bench": "Measure settings on this machine: batches.",
    "doctor": "What is installed here, and how fast MLX is.",
}
"""Commands in the order of the help, with the line that the overview shows."""

_INTERRUPTED: Final = 130
_UNSAID: Final = (
    "The answer could not be written: {reason}. Send it to another place, and run the same command again: "
    "what is finished is kept."
)
_GARBAGE_AFTER: Final = 200_000
"""New objects after which Python looks for garbage."""


class _LazyGroup(click.Group):
    """A group whose commands live in modules of their own names."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gridloom.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start here:  gridloom year --sample",
)
@click.version_option(__version__, "--version", prog_name="gridloom", message="%(prog)s %(version)s")
def cli() -> None:
    """Weave hourly US grid data (Form EIA-930) into one complete, checked Parquet file."""


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code.

    Args:
        argv: Arguments without the program's name; by default those of the process.
    """
    # Most of what a start makes lives to its end: looking for garbage among it takes a tenth of a second.
    gc.set_threshold(_GARBAGE_AFTER, 20, 100)
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        # Nobody reads any more (`gridloom regions | head`), or there is no room for what was said. The code
        # is the one with which click ends a command for the same reason.
        code = 1
        if not isinstance(error, BrokenPipeError):
            with suppress(OSError):
                click.echo(f"gridloom: error: {_UNSAID.format(reason=error.strerror or error)}", err=True)
        # keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(argv: list[str]) -> int:
    as_json = "--json" in argv
    try:
        code = cli.main(args=argv, prog_name="gridloom", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        hint = _help_hint(error)
        return _fail("UsageError", error.format_message() + hint, error.exit_code, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        return _fail("InterruptedRunError", "Interrupted.", _INTERRUPTED, as_json=as_json)
    except GridLoomError as error:
        return _fail(type(error).__name__, str(error), error.exit_code, as_json=as_json)
    return code if isinstance(code, int) else 0


def _help_hint(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f" See `{ctx.command_path} --help`." if ctx else ""


def _fail(kind: str, message: str, code: int, *, as_json: bool) -> int:
    if as_json:
        from gridloom.cli._render import echo_json

        echo_json({"outcome": "failed", "error": {"type": kind, "message": message}})
    click.echo(f"gridloom: error: {message}", err=True)
    return code
