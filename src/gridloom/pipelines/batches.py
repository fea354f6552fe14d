"""Which batch size? The extract with several of them, each against a stand-in server with EIA's limits.

Each runs as a process of its own, as a user would start it: none inherits the limiter, the connections
or the memory of the one before. Only the server is shared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from gridloom.errors import ConfigError, GridLoomError, NoDataError
from gridloom.extract.limiter import DEFAULT_PER_S, PER_HOUR
from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.replay.faults import Faults
from gridloom.grid.raw import RECEIPT_NAME
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST
from gridloom.pipelines.hourly import Prepared, prepare
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.wording import as_flag
from gridloom.sample import SAMPLE_HOURS, sample_path
from gridloom.words import several

__all__ = ["BatchRun", "least_requests", "measure", "prepare_all", "recommend"]

_TIE: Final = 1.03  # shorter differences are the machine's
_OURS: Final = ("GRIDLOOM_", "EIA_")


@dataclass(frozen=True, slots=True)
class BatchRun:
    """What the extract took with one batch size.

    Attributes:
        batch_days: Days per window, or ``auto``.
        windows: Windows landed.
        requests: Requests sent, those for metadata and repeated ones included.
        retries: Repeated requests.
        rows: Rows received.
        seconds: Seconds from the run's beginning to its end.
        refused: Requests that the server refused; none where the limits were kept.
    """

    batch_days: str
    windows: int
    requests: int
    retries: int
    rows: int
    seconds: float
    refused: int

    @property
    def rows_per_s(self) -> float:
        """Rows received a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    def record(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return {**asdict(self), "rows_per_s": round(self.rows_per_s)}


def prepare_all(batch_days: str, settings: dict[str, Any]) -> tuple[Prepared, ...]:
    """Returns one prepared run of the embedded sample for each batch size, checked before any work.

    Args:
        batch_days: Sizes separated by commas, such as ``45,90,auto``; duplicates are dropped.
        settings: Other fields of `HourlySettings`; those that are None are left out.

    Raises:
        UsageError: If a size or a setting cannot be used.
    """
    sizes = list(dict.fromkeys(part.strip() for part in batch_days.split(",") if part.strip()))
    if not sizes:
        raise ConfigError("No batch size was named. Use --batch-days with sizes such as 45,90,auto.")
    given = {name: value for name, value in settings.items() if value is not None}
    fixed = {"sample": True, "through": "extract"}
    every = [HourlySettings.of({**given, **fixed, "batch_days": size}, named=as_flag) for size in sizes]
    try:
        return tuple(prepare(settings) for settings in every)
    except NoDataError as error:
        raise NoDataError(
            f"The runs are measured with the embedded sample, which has {SAMPLE_HOURS}; you asked for "
            f"{every[0].hours()}. Leave --year, --start and --end out, or give hours of the sample."
        ) from error


def measure(
    runs: Sequence[Prepared],
    *,
    latency_ms: float,
    done: Callable[[BatchRun], None] = lambda _run: None,
) -> tuple[BatchRun, ...]:
    """Returns what each run took, in their order.

    The server keeps EIA's limits as the runs do: it suspends a key that asks faster. Where the runs
    have no limit, it has none.

    Args:
        runs: What to run, see `prepare_all`.
        latency_ms: Time that each answer takes longer, in milliseconds.
        done: Called with each run as it ends.

    Raises:
        GridLoomError: If a run fails.
    """
    data = ReplayData.load([sample_path()])
    return tuple(_each(runs, data, latency_ms, done))


def _each(
    runs: Sequence[Prepared], data: ReplayData, latency_ms: float, done: Callable[[BatchRun], None]
) -> Iterator[BatchRun]:
    for prepared in runs:
        options = ReplayOptions(latency_ms=latency_ms, faults=_limits(prepared.settings.rate_limit))
        with TemporaryDirectory(prefix="gridloom-bench-") as folder, ReplayServer(data, options) as server:
            summary = _run(prepared, server.url, Path(folder))
            refused = sum(request.status >= 400 for request in server.requests)  # noqa: PLR2004
            windows = sum(1 for _ in Path(folder).rglob(RECEIPT_NAME))
        run = BatchRun(
            batch_days=str(prepared.batch_days),
            windows=windows,
            requests=summary["http_requests"],
            retries=summary["retries"],
            rows=summary["rows_received"],
            seconds=summary["duration_s"],
            refused=refused,
        )
        done(run)
        yield run


def _limits(rate_limit: float | str | None) -> Faults:
    if rate_limit == "off":
        return Faults()
    return Faults(rate=float(rate_limit or DEFAULT_PER_S), per_hour=PER_HOUR)


def _run(prepared: Prepared, url: str, folder: Path) -> dict[str, Any]:
    """Returns the summary of one run in a process of its own, which writes to `folder` only."""
    settings = prepared.settings
    options = {
        "start": prepared.hours.first_label,
        "end": prepared.hours.last_label,
        "regions": ",".join(prepared.respondents),
        "series": ",".join(prepared.series),
        "batch-days": prepared.batch_days,
        "rate-limit": settings.rate_limit or DEFAULT_PER_S,
        "concurrency": settings.concurrency,
        "through": "extract",
        "base-url": url,
        "out": folder / "out",
    }
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(  # noqa: S603 - this program, with checked settings
        [sys.executable, "-m", "gridloom", "year", *flags, "--json", "--quiet"],
        cwd=folder,
        env={**environ, "EIA_API_KEY": "bench", "GRIDLOOM_STATE": str(folder / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = _said(done.stdout, done.stderr)
        raise GridLoomError(f"The run with --batch-days {prepared.batch_days} failed: {why}")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def _said(out: str, err: str) -> str:
    """Returns why a run failed: the error in its JSON object, else the last line that it wrote."""
    try:
        return str(json.loads(out)["error"]["message"])
    except (ValueError, TypeError, LookupError):
        return (err.strip().splitlines() or ["it said nothing"])[-1]


def least_requests(rows: int) -> int:
    """Returns how many full pages `rows` fill: fewer requests are not possible.

    Example:
        >>> least_requests(10_001)
        3
    """
    return -(-rows // MAX_ROWS_PER_REQUEST)


def recommend(runs: Iterable[BatchRun]) -> tuple[BatchRun, str]:
    """Returns the run whose setting to use, and why.

    The fastest wins. Among those that are as fast, the one with the fewest requests does, because it
    leaves most of the hour's budget; then the one with more windows, because a lost one costs less.

    Args:
        runs: At least one.
    """
    measured = tuple(runs)
    fastest = min(run.seconds for run in measured)
    near = [run for run in measured if run.seconds <= fastest * _TIE]
    best = min(near, key=lambda run: (run.requests, -run.windows))
    why = (
        f"{several(best.requests, 'request')} in {best.seconds:.1f} s, where {several(best.rows, 'row')} "
        f"fill {several(least_requests(best.rows), 'page')} at least."
    )
    others = [run for run in measured if run is not best]
    if others:
        worst = max(others, key=lambda run: run.seconds)
        why += (
            f" --batch-days {worst.batch_days} sends {several(worst.requests, 'request')} and takes "
            f"{worst.seconds:.1f} s."
        )
    return best, why
