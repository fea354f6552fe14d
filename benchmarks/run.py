"""Measures every stage on this machine and prints the numbers beside a bound measured in the same run.

    python benchmarks/run.py                       everything, about half an hour
    python benchmarks/run.py --only dag --runs 5   one stage
    python benchmarks/run.py --quick               small sizes, to see that everything works

Nothing here fails because it was slow: a number is for people, who look at the ratios.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from importlib import import_module
from pathlib import Path

import machine
from harness import Options

BENCHES = ("dag", "listeners", "extract", "clients", "memory", "transform", "load", "replay", "cli")


def main() -> None:
    """Runs the benches that were asked for."""
    chosen = _arguments()
    described = machine.describe()
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    print(f"load before: {machine.load()}\n", flush=True)
    records = []
    with tempfile.TemporaryDirectory(prefix="gridloom-bench-", dir=chosen.dir) as work:
        options = Options(runs=chosen.runs, quick=chosen.quick, work=Path(work))
        for name in chosen.only or BENCHES:
            results = import_module(f"bench_{name}").run(options)
            records += [{"bench": name, **result.record()} for result in results]
    print(f"load after: {machine.load()}")
    if chosen.json:
        record = {"machine": described, "runs": chosen.runs, "quick": chosen.quick, "sections": records}
        chosen.json.write_text(json.dumps(record, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=BENCHES, help="one bench; may be repeated")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="measurements of each case [3]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to a file as well")
    parser.add_argument("--quick", action="store_true", help="small sizes; the numbers mean nothing")
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="disk to work on [the system's temporary one]"
    )
    chosen = parser.parse_args()
    if chosen.runs < 1:
        parser.error("--runs must be 1 or more")
    return chosen


if __name__ == "__main__":
    main()
