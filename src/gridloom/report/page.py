"""From what is known of a run to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gridloom.files import write_atomic
from gridloom.report.charts import HEIGHT, charts
from gridloom.report.coverage import SHADES, strips
from gridloom.report.drawing import draw
from gridloom.report.flows import flows
from gridloom.report.headline import headline
from gridloom.report.lanes import WIDTH, lanes
from gridloom.report.settings import settings
from gridloom.report.source import RunSource, StepRecord, read_source
from gridloom.report.states import LEGEND, tone
from gridloom.report.tables import checks, decisions, messages, outputs
from gridloom.report.timeline import timeline
from gridloom.report.traffic import traffic
from gridloom.words import count, short

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["REPORT_NAME", "page", "stylesheet", "templates", "view", "write_report"]

REPORT_NAME: Final = "report.html"
"""Name of the page in the run's folder."""

_ASSETS: Final = Path(__file__).parent / "assets"


def write_report(out: Path, run_id: str) -> Path:
    """Writes the page of a run into its folder, whole or not at all, and returns its path.

    Args:
        out: The output folder.
        run_id: Its id, the beginning of it, or ``latest``.

    Raises:
        UsageError: If there is no such run, or several begin so.
        RawDataError: If nothing but its folder is left.
        StorageError: If the disk refuses.
    """
    source = read_source(out, run_id)
    path = out / "runs" / source.record.run_id / REPORT_NAME
    write_atomic(path, page(source).encode())
    return path


def page(source: RunSource) -> str:
    """Returns the HTML of a run's page; the same for the same record."""
    shown = view(source)
    plots = [_asset("uPlot.iife.min.js"), _asset("script.js")] if shown["charts"] else []
    styles = [stylesheet(), *([_asset("uPlot.min.css")] if plots else [])]
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in plots) or "'none'"
    return (
        templates()
        .get_template("page.html")
        .render(
            **shown,
            styles="\n".join(styles),
            scripts=plots,
            policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}",
        )
    )


def view(source: RunSource) -> dict[str, Any]:
    """Returns what the template shows: plain values and small records, all of it decided."""
    record, events = source.record, source.events
    found = timeline(events)
    made = charts(traffic(events))
    unmet, held, unshown = checks(record)
    files, unshown_files = outputs(record)
    steps = {step.step_id: step for step in record.steps}
    heat = strips(source.coverage) if source.coverage else []
    used = {patch.shade for strip in heat for patch in strip.patches}
    return {
        "head": headline(record, found.length_s),
        "drawing": draw(_dependencies(record.steps)),
        "steps": {
            name: (step.outcome, tone(step.outcome), short(step.reason, 80)) for name, step in steps.items()
        },
        "legend": LEGEND,
        "lanes": lanes(record, found),
        "flows": flows(record),
        "charts": made,
        "data": _data([chart.data for chart in made]),
        "decisions": decisions(record, events),
        "unmet": unmet,
        "held": held,
        "unshown": unshown,
        "coverage": source.coverage,
        "strips": heat,
        "shades": {shade: words for shade, words in SHADES.items() if shade in used},
        "outputs": files,
        "unshown_outputs": unshown_files,
        "settings": settings(record),
        "environment": record.environment,
        "messages": messages(events),
        "width": WIDTH,
        "height": HEIGHT,
    }


def stylesheet() -> str:
    """Returns the style sheet that all pages about runs share."""
    return _asset("style.css")


@cache
def templates(*folders: Path) -> Environment:
    """Returns what renders the templates of `folders`, which may use the macros of the report."""
    # Imported here: only who makes a page pays for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader([*folders, _ASSETS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = count
    environment.filters["short"] = short
    return environment


def _dependencies(steps: list[StepRecord]) -> dict[str, list[str]]:
    """Returns what each step comes after, of the steps before it, so that no record can hold a cycle."""
    found: dict[str, list[str]] = {}
    for step in steps:
        found[step.step_id] = [above for above in step.depends_on if above in found]
    return found


def _data(value: list[dict[str, Any]]) -> str:
    """Returns JSON that can stand in a script element: nothing in it ends the element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").strip()
