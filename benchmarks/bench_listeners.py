"""What listeners cost a run: CPU of a thousand no-op steps with none, with each kind, and with all.

Their receivers are a server in another process, or files. What they import is loaded before the clock starts.
"""

from __future__ import annotations

from harness import FRESH, Case, Goal, Metric, Options, Result, Section, measure
from listener_cases import FLAGS
from servers import swallow

_NONE, _ALL = "none", "all of them"


def run(options: Options) -> list[Result]:
    """Measures runs with and without listeners."""
    steps = 50 if options.quick else 1_000
    kinds = {_NONE: [], **{name: [name] for name in FLAGS}, _ALL: list(FLAGS)}
    with swallow() as server:
        section = Section(
            title=f"listeners: fan of {steps:,} no-op steps",
            note="Events, journal and records are always on; what is added is who listens.",
            metrics=(
                Metric("cpu_ms_per_step", "CPU ms a step", 3, compared=True),
                Metric("wall_ms_per_step", "wall ms a step", 3),
            ),
            cases=[
                Case.call(name, "listener_cases:listeners", steps=steps, out=FRESH, kinds=of, url=server.url)
                for name, of in kinds.items()
            ],
            peer=_NONE,
            goals=[Goal(_ALL, "cpu_ms_per_step", 1.1, ratio=True)],
        )
        return [measure(section, options)]
