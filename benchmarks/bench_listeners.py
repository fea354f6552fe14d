"""What listeners cost a run: CPU of a thousand no-op steps with none, with each kind, and with all.

Their receivers are a server in another process, or files. What they load is loaded before the clock starts.
"""

from __future__ import annotations

from harness import FRESH, Case, Goal, Metric, Options, Result, Section, measure
from listener_cases import FLAGS
from servers import swallow

_NONE, _ALL = "none", "all of them"


def run(options: Options) -> list[Result]:
    """Measures runs with and without listeners, of steps that give a number and of such that write a file."""
    steps = 50 if options.quick else 1_000
    everybody = {_NONE: [], **{name: [name] for name in FLAGS}, _ALL: list(FLAGS)}
    both = {_NONE: [], _ALL: list(FLAGS)}
    with swallow() as server:
        return [
            measure(
                _section(f"fan of {steps:,} no-op steps", "values", steps, everybody, server.url), options
            ),
            measure(_section(f"{steps:,} that write a file", "files", steps, both, server.url), options),
        ]


def _section(title: str, of: str, steps: int, kinds: dict[str, list[str]], url: str) -> Section:
    return Section(
        title=f"listeners: {title}",
        note="Events, journal and records are always on; what is added is who listens.",
        metrics=(
            Metric("cpu_ms_per_step", "CPU ms a step", 3, compared=True),
            Metric("wall_ms_per_step", "wall ms a step", 3),
        ),
        cases=[
            Case.call(name, "listener_cases:listeners", steps=steps, out=FRESH, kinds=who, url=url, of=of)
            for name, who in kinds.items()
        ],
        peer=_NONE,
        goals=[Goal(_ALL, "cpu_ms_per_step", 1.1, ratio=True)],
    )
