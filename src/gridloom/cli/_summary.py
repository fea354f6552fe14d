"""The last screen of a run, and the plan, for people."""

from __future__ import annotations

from typing import Any, Final

import click

from gridloom.cli._render import echo_table, note, python_path, shown_path, typed_path
from gridloom.cli._training import echo_training
from gridloom.words import several

__all__ = [
    "asked",
    "echo_comparison",
    "echo_decisions",
    "echo_ends",
    "echo_error",
    "echo_plan",
    "echo_report",
    "echo_run_record",
    "echo_summary",
]


_UNFINISHED: Final = frozenset({"running", "pending", "interrupted"})


def echo_error(summary: dict[str, Any], *, verbose: bool) -> None:
    """Prints why a run failed, if it did; if `verbose`, also where in somebody's code it was."""
    error = summary.get("error")
    if not error:
        return
    trace = error.get("traceback", "")
    if trace and verbose:
        note(trace.rstrip())
    note(f"gridloom: error: {error['message']}{' (-v shows where.)' if trace and not verbose else ''}")
    # a full disk may have had no room for one, or for either
    left = [path for name in ("results.json", "events.jsonl") if (path := summary["run_dir"] / name).exists()]
    note(f"What is finished is kept.{f' Details: {shown_path(left[0])}' if left else ''}")


def echo_report(summary: dict[str, Any], *, quiet: bool) -> None:
    """Says on stderr where the run's report is, or why there is none, even if `quiet`."""
    if summary["report"] is None:
        note(f"Note: {summary['report_problem']}")
    elif not quiet:
        note(f"Report: {shown_path(summary['report'])}")
    if problem := summary.get("listener_problem"):
        note(f"Note: {problem}")


def echo_summary(summary: dict[str, Any]) -> None:
    """Prints what a run came to: the file, its rows and gaps, the steps, and how to read it."""
    done = summary["parquet"] is not None and "error" not in summary
    if done:
        _table_made(summary)
    _steps(summary)
    for finding in summary["findings"]:
        click.echo(f"Note: {finding['detail']}")
    if done:
        _how_to_read(summary)
    if done and summary["dataset"]:
        echo_training(summary["dataset"], summary["ring"])


def asked(summary: dict[str, Any]) -> str:
    """Returns how many requests a run sent, and how many of them were repeated."""
    retries = several(summary["retries"], "retry", "retries")
    return f"{several(summary['http_requests'], 'request')} ({retries})"


def _table_made(summary: dict[str, Any]) -> None:
    rows, missing = summary["rows"], summary["hours_missing"]
    click.echo(f"\n{shown_path(summary['parquet'])}")
    asked, has = ((summary[f"{of}first"], summary[f"{of}last"]) for of in ("", "rows_"))
    click.echo(
        f"{rows:,} rows, every hour from {has[0]} to {has[1]} UTC "
        + (f"(asked for {asked[0]} to {asked[1]}) " if asked != has else "")
        + f"of {len(summary['series'])} series; {missing:,} hours missing at the source.\n"
    )
    cells = [
        (item["respondent"], item["series"], item["rows"], item["hours_missing"], item["hours_null"])
        for item in summary["respondents"]
    ]
    echo_table(["respondent", "series", "rows", "missing", "null"], cells, numbers=(1, 2, 3, 4))
    click.echo("")


def echo_ends(summary: dict[str, Any]) -> None:
    """Prints how each step of a run ended."""
    cells = [
        (
            step["step_id"],
            step["outcome"],
            step["rows"],
            step["requests"],
            f"{step['duration_s']:.2f}",
            step["reason"],
        )
        for step in summary["steps"]
    ]
    echo_table(["step", "outcome", "rows", "requests", "seconds", "why"], cells, numbers=(2, 3, 4))


def _steps(summary: dict[str, Any]) -> None:
    echo_ends(summary)
    seconds = summary["duration_s"]
    click.echo(
        f"\n{asked(summary)} to {summary['source']}, "
        f"{several(summary['rows_received'], 'row')} received, {seconds:.2f} s."
    )
    if summary["proof"]:
        click.echo(f"The table is of {summary['proof']}")


def _how_to_read(summary: dict[str, Any]) -> None:
    path, series = summary["parquet"], summary["series"]
    shown = "D" if "D" in series or not series else series[0]
    click.echo(
        "\nRead it:\n"
        "    import polars as pl\n"
        f"    hourly = pl.read_parquet({python_path(path)})\n"
        f'    print(hourly.filter(pl.col("series") == "{shown}")'
        '.group_by("respondent").agg(pl.mean("value")))\n'
        f"\nProve it:  gridloom check {typed_path(path)}"
    )


def echo_plan(summary: dict[str, Any]) -> None:
    """Prints what a run would do and ask."""
    regions = ", ".join(summary["regions"])
    click.echo(
        f"{summary['first']} to {summary['last']} UTC of {regions}: {', '.join(summary['asked_series'])}"
    )
    click.echo(
        f"from {summary['source']}" + (f" to {shown_path(summary['parquet'])}" if summary["parquet"] else "")
    )
    click.echo("")
    echo_decisions(summary)
    for text in summary["notes"]:
        click.echo(f"Note: {text}")
    click.echo(
        f"\n{_windows(summary)}, {_requests(summary['requests'])} requests, {_limit(summary)}. "
        "Nothing was asked or written."
    )


def echo_decisions(summary: dict[str, Any]) -> None:
    """Prints what a run would do with each step, and why."""
    echo_table(
        ["step", "decision", "windows", "requests", "why"],
        [
            (
                step["step_id"],
                step["decision"],
                step.get("windows", ""),
                _requests(step.get("requests")),
                step["reason"],
            )
            for step in summary["steps"]
        ],
        numbers=(2, 3),
    )
    for step in summary["steps"]:
        if step.get("replaces"):
            click.echo(f"Note: {step['step_id']} {step['replaces']}.")
        for text in step["notes"]:
            click.echo(f"Note: {step['step_id']}: {text}")


def _windows(summary: dict[str, Any]) -> str:
    """Returns how many windows are to be asked for."""
    windows, landed = summary["windows"], summary["windows_landed"]
    return f"{windows - landed:,} of {windows:,} windows left" if landed else f"{windows:,} windows"


def _limit(summary: dict[str, Any]) -> str:
    """Returns how long the rate limit makes the requests last."""
    least, most = (f"{summary[name]:,g}" for name in ("limiter_least_s", "limiter_s"))
    if summary["rate_limit"] is None:
        return "no rate limit"
    if not summary["limiter_s"]:
        return "no wait for the rate limit"
    return f"{least} s by the rate limit" if least == most else f"{least} to {most} s by the rate limit"


def _requests(asked: dict[str, int] | None) -> str:
    if asked is None:
        return ""
    least, most = asked["least"], asked["most"]
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def echo_run_record(record: dict[str, Any], *, verbose: bool = False) -> None:
    """Prints one run's record: outcome, steps, findings (all of them if `verbose`) and outputs."""
    seconds = "" if record["duration_s"] is None else f"  {record['duration_s']:.2f} s"
    click.echo(f"{record['run_id']}  {record['pipeline']['name']}  {record['outcome']}{seconds}")
    click.echo(f"started {record['started_at']}\n")
    echo_table(
        ["step", "outcome", "rows", "requests", "seconds", "why"],
        [
            (
                step["step_id"],
                step["outcome"],
                *(
                    ("", "", "")  # nobody knows yet, or will
                    if step["outcome"] in _UNFINISHED
                    else (
                        step["metrics"]["rows"],
                        step["metrics"]["requests"],
                        f"{step['duration_s']:.2f}",
                    )
                ),
                step["reason"],
            )
            for step in record["steps"]
        ],
        numbers=(2, 3, 4),
    )
    click.echo("")
    for step in record["steps"]:
        for output in step["outputs"]:
            click.echo(f"{step['step_id']} made {output.get('path', output.get('value'))}")
        for finding in step["findings"]:
            if verbose or not finding["passed"]:
                word = "ok" if finding["passed"] else "failed" if finding["required"] else "note"
                click.echo(f"{step['step_id']} {word}: {finding['detail'] or finding['name']}")
    if record.get("error"):
        click.echo(f"Error: {record['error']['message']}")


def echo_comparison(compared: dict[str, Any]) -> None:
    """Prints how two runs differ."""
    for run in compared["runs"]:
        seconds = "" if run["duration_s"] is None else f"  {run['duration_s']:.2f} s"
        click.echo(f"{run['run_id']}  {run['outcome']}{seconds}")
    click.echo("")
    settings = compared["settings"]
    for change in settings or ():
        before, after = (_setting(change[name]) for name in ("before", "after"))
        click.echo(f"{change['step_id']}: {change['setting']} {before} → {after}")
    for step in compared["steps"]:
        if None in step["outcome"]:
            click.echo(
                f"{step['step_id']}: only in the {'second' if step['outcome'][0] is None else 'first'} run"
            )
    if not settings:
        unknown = "One of the runs left no record of its settings."
        click.echo(unknown if settings is None else "The settings are the same.")
    click.echo("")
    echo_table(
        ["step", "outcome", "seconds", "rows", "outputs", "why"],
        [
            (
                step["step_id"],
                _pair(step["outcome"]),
                _pair([None if value is None else f"{value:.2f}" for value in step["duration_s"]]),
                _pair([None if value is None else f"{value:,}" for value in step["rows"]]),
                {True: "same", False: "differ", None: ""}[step["same_outputs"]],
                step["reason"][1] or "",
            )
            for step in compared["steps"]
        ],
    )


def _setting(value: Any) -> str:
    """Returns the value of a setting as it is given."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def _pair(values: list[Any]) -> str:
    before, after = ("-" if value is None else str(value) for value in values)
    return before if before == after else f"{before} → {after}"
