"""Runs copies of `tests.dag.edited` one after another, each planned before.

``python -m tests.dag.run_edited FOLDER thread|process NAME...`` prints one JSON object: for each copy and
step what was planned and done, each with its reason.
"""

from __future__ import annotations

import importlib
import json
import sys


def main() -> None:
    folder, executor, *names = sys.argv[1:]
    sys.path[:0] = [folder, f"{folder}/site-packages"]
    said = {}
    for name in names:
        dag = importlib.import_module(f"{name}.pipeline").build(executor)
        plan = dag.plan()
        result = dag.execute()
        result.raise_for_failure()
        said[name] = {
            step.step_id: {
                "planned": (plan[step.step_id].decision, plan[step.step_id].reason),
                "done": (step.outcome.value, step.reason),
            }
            for step in result.steps.values()
        }
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
