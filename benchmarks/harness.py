"""Runs cases as processes of their own, in turns, and sums up what they report.

In turns (A B A B) because a shared machine is never the same twice: a ratio is the median of the ratios
of neighbours, which holds where single times do not.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FRESH = "{fresh}"
"""In an argument: an empty folder that is made for every measurement and removed after it."""


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes:
        runs: Measurements of each case.
        quick: Small sizes, to see that everything works; the numbers mean nothing.
        work: A folder for data, removed at the end.
    """

    runs: int
    quick: bool
    work: Path


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: What the table calls it.
        argv: Its command.
        reports: Whether its last line on stdout is JSON with more facts.
    """

    name: str
    argv: tuple[str, ...]
    reports: bool = False

    @classmethod
    def call(cls, name: str, target: str, **arguments: Any) -> Case:
        """Returns the case of a function, ``module:function``, that returns facts."""
        child = str(HERE / "child.py")
        return cls(name, (sys.executable, child, *target.split(":"), json.dumps(arguments)), reports=True)


@dataclass(frozen=True)
class Metric:
    """A fact that is shown.

    Attributes:
        key: Its name among the facts.
        unit: Its unit, as the table's heading.
        digits: Decimals shown.
        compared: Whether the ratio to the peer is shown.
    """

    key: str
    unit: str
    digits: int = 0
    compared: bool = False


@dataclass(frozen=True)
class Goal:
    """What a median is to be at most; it is said whether it is, and nothing fails.

    Attributes:
        case: Name of the case.
        key: Key of the fact.
        most: The largest value that meets it.
        ratio: Whether it is about the ratio to the peer.
    """

    case: str
    key: str
    most: float
    ratio: bool = False


@dataclass(frozen=True)
class Section:
    """Cases that are compared with each other.

    Attributes:
        title: What is measured.
        metrics: What is shown of it.
        cases: What is measured, in turns.
        peer: The case that the others are compared with.
        note: What the reader has to know.
        goals: What some of it is to be.
    """

    title: str
    metrics: Sequence[Metric]
    cases: Sequence[Case]
    peer: str
    note: str = ""
    goals: Sequence[Goal] = ()


@dataclass
class Result:
    """What was measured: for each case one record of facts per run."""

    section: Section
    samples: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Returns it as data for ``--json``."""
        return {
            "title": self.section.title,
            "note": self.section.note,
            "peer": self.section.peer,
            "units": {metric.key: metric.unit for metric in self.section.metrics},
            "samples": self.samples,
            "ratios": {
                name: {m.key: self.ratio(name, m.key) for m in self.section.metrics if m.compared}
                for name in self.samples
            },
        }

    def ratio(self, name: str, key: str) -> float | None:
        """Returns the median of a case's ratios to the peer, neighbour by neighbour."""
        pairs = zip(self.samples[name], self.samples[self.section.peer], strict=True)
        ratios = [mine[key] / peer[key] for mine, peer in pairs if peer.get(key) and key in mine]
        return statistics.median(ratios) if ratios else None

    def text(self) -> str:
        """Returns it as a table: median (least-most), and the ratio to the peer as x."""
        metrics = self.section.metrics
        rows = [["", *(metric.unit for metric in metrics)]]
        rows += [[name, *(self._cell(name, metric) for metric in metrics)] for name in self.samples]
        widths = [max(len(row[place]) for row in rows) for place in range(len(metrics) + 1)]
        lines = [
            "  ".join(
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        ]
        head = [f"## {self.section.title}"] + ([self.section.note] if self.section.note else [])
        runs = len(self.samples[self.section.peer])
        foot = f"median (least-most) of {runs}; x = ratio to '{self.section.peer}', paired by round"
        return "\n".join([*head, *lines, foot, *map(self._met, self.section.goals)])

    def _met(self, goal: Goal) -> str:
        """Returns a goal and whether it is met, in words."""
        unit = next(metric.unit for metric in self.section.metrics if metric.key == goal.key)
        values = [facts[goal.key] for facts in self.samples[goal.case]]
        value = self.ratio(goal.case, goal.key) if goal.ratio else statistics.median(values)
        if value is None:
            return f"goal: '{goal.case}': not measured"
        what = f"{unit}, x" if goal.ratio else unit
        said = "met" if value <= goal.most else f"missed by {value / goal.most - 1:.0%}"
        return f"goal: '{goal.case}' at most {goal.most:g} ({what}): {value:.3f}, {said}"

    def _cell(self, name: str, metric: Metric) -> str:
        values = [facts[metric.key] for facts in self.samples[name] if metric.key in facts]
        if not values:
            return "-"
        middle, least, most = (
            f"{value:,.{metric.digits}f}" for value in (statistics.median(values), min(values), max(values))
        )
        text = middle if least == most else f"{middle} ({least}-{most})"
        ratio = self.ratio(name, metric.key) if metric.compared else None
        return text if ratio is None else f"{text}  x{ratio:.2f}"


def measure(section: Section, options: Options) -> Result:
    """Returns what the cases of a section took, each measured `options.runs` times, in turns."""
    result = Result(section, {case.name: [] for case in section.cases})
    for number in range(options.runs):
        # Every other round backwards, so that none is always the one after the heaviest.
        for case in section.cases if number % 2 == 0 else reversed(section.cases):
            result.samples[case.name].append(run_once(case, options.work))
    print(result.text(), end="\n\n", flush=True)
    return result


def run_once(case: Case, work: Path) -> dict[str, float]:
    """Returns the facts of one process: its wall and CPU seconds and peak memory, and what it reports."""
    fresh = Path(tempfile.mkdtemp(dir=work))
    argv = [argument.replace(FRESH, str(fresh)) for argument in case.argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started_s = time.perf_counter()
        process = subprocess.Popen(argv, stdout=out, stderr=err, cwd=work, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        facts = {
            "process_wall_s": time.perf_counter() - started_s,
            "process_cpu_s": usage.ru_utime + usage.ru_stime,
            "peak_rss_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        }
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, complained = out.read().decode(), err.read().decode()
    shutil.rmtree(fresh, ignore_errors=True)
    if process.returncode:
        raise SystemExit(f"'{case.name}' ended with {process.returncode}:\n{complained[-4000:]}")
    return facts | (json.loads(said.splitlines()[-1]) if case.reports else {})


def _environment() -> Mapping[str, str]:
    # A key in the environment would send the bench to the real API's settings.
    return {name: value for name, value in os.environ.items() if not name.startswith(("EIA_", "GRIDLOOM_"))}
