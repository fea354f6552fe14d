"""Running a pipeline and leaving what people read of it: the hours of its table, and the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gridloom.dag import PipelineDAG, RunInterruptedError, RunResult
from gridloom.dag.events import Event
from gridloom.errors import GridLoomError, StorageError
from gridloom.files import write_atomic
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.pipelines.listener_options import NOBODY, ListenerOptions
from gridloom.pipelines.listeners import files_kept, listening

if TYPE_CHECKING:
    from gridloom.report.coverage import Coverage

__all__ = ["hourly_table", "kept_coverage", "run_reported", "table_coverage"]

_MOST_STRETCHES: Final = 60
_STRETCHES_H: Final = (1, 3, 6, 12, 24, 48, 168, 336, 672, 1344, 2688)
"""Lengths in hours of the stretches in which hours are counted; the shortest that fits is taken."""


def run_reported(
    dag: PipelineDAG, sink: Callable[[Event], None], listeners: ListenerOptions = NOBODY
) -> tuple[RunResult, dict[str, Any]]:
    """Runs a DAG and leaves its report; returns how it went, and what a summary says of the report.

    A report that cannot be written changes nothing about the run.

    Args:
        dag: What to run.
        sink: Hears every event of the run.
        listeners: Who else does.

    Returns:
        The result, and ``report``: path of the page or None, ``report_problem``: why there is none, if so,
        ``listener_problem``: why a listener could not keep the run's files, if so.

    Raises:
        GridLoomError: If the run could not start, or a listener cannot be had.
    """
    with listening(listeners, dag) as others:
        dag.subscribe(sink)
        try:
            result = dag.execute()
        except RunInterruptedError as error:
            result = error.result
    left: dict[str, Any]
    try:
        left = {"report": _leave(dag.config.output_dir, result)}
    except Exception as error:  # noqa: BLE001 - the run has ended as it has, whatever its view runs into; it is said
        words = str(error) if isinstance(error, GridLoomError) else f"{type(error).__name__}: {error}"
        left = {"report": None, "report_problem": f"There is no report of the run. {words}"}
    return result, {**left, **files_kept(others, dag, result, left["report"])}


def _leave(out: Path, result: RunResult) -> Path:
    from gridloom.report.page import write_report
    from gridloom.report.source import COVERAGE_NAME

    table = hourly_table(result)
    if table is not None:
        write_atomic(result.run_dir / COVERAGE_NAME, msgspec.json.encode(kept_coverage(table, out)))
    return write_report(out, result.run_id)


def hourly_table(result: RunResult) -> HourlyTable | None:
    """Returns the first hourly table that a run gave, or None."""
    outputs = (value for step in result.steps.values() for value in step.artifacts.values())
    return next((value for value in outputs if isinstance(value, HourlyTable)), None)


def kept_coverage(table: HourlyTable, out: Path) -> Coverage:
    """Returns the coverage of a table, counted once and kept by the digest of the table.

    Args:
        table: The table.
        out: The output folder.
    """
    from gridloom.report.coverage import Coverage

    path = out / ".gridloom" / "coverage" / f"{table.digest.removeprefix('sha256:')[:32]}.json"
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Coverage)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError):
        kept = None
    if kept is None or not kept.begins:
        kept = table_coverage(table, out)
        with suppress(StorageError):  # then it is counted again
            write_atomic(path, msgspec.json.encode(kept))
    return msgspec.structs.replace(kept, table=_name_in(table, out))


def table_coverage(table: HourlyTable, out: Path) -> Coverage:
    """Returns the hours of a table by series and stretch of time, counted by what is known of them.

    Args:
        table: The table.
        out: The output folder, which its path is told from.
    """
    import polars as pl

    from gridloom.report.coverage import Coverage, CoverageRow

    hours = HourRange.of_labels(table.first, table.last)
    stretch_h = next(
        (each for each in _STRETCHES_H if len(hours) <= each * _MOST_STRETCHES), _STRETCHES_H[-1]
    )
    stretches = -(-len(hours) // stretch_h)
    place = (pl.col("period") - pl.lit(hours.start)).dt.total_hours() // stretch_h
    bounds = {"first": pl.col("period").min(), "last": pl.col("period").max()}
    counts = (
        table.scan()
        .group_by(
            pl.col("respondent").cast(pl.String),
            pl.col("series").cast(pl.String),
            pl.col("status").cast(pl.String),
            place.cast(pl.Int32).alias("place"),
        )
        .agg(pl.len(), *(bound.dt.epoch("s").alias(name) for name, bound in bounds.items()))
        .sort("respondent", "series")
        .collect()
    )
    rows: dict[tuple[str, str], CoverageRow] = {}
    for respondent, series, status, at, number, *_ in counts.iter_rows():
        key = (respondent, series)
        if key not in rows:
            rows[key] = CoverageRow(*key, *([0] * stretches for _ in range(3)))
        getattr(rows[key], status)[at] = number
    edges = [label(hours.start + step * stretch_h * HOUR) for step in range(stretches)]
    begins, ends = (
        label(datetime.fromtimestamp(end_s, UTC))
        for end_s in (min(counts["first"].to_list()), max(counts["last"].to_list()))
    )
    return Coverage(
        table=_name_in(table, out),
        edges=edges,
        last=table.last,
        rows=list(rows.values()),
        begins=begins,
        ends=ends,
    )


def _name_in(table: HourlyTable, out: Path) -> str:
    inside = table.path.is_relative_to(out)
    return table.path.relative_to(out).as_posix() if inside else table.path.name
