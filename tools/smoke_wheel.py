"""Uses an installed GridLoom as a stranger would and stops at the first thing that is not right.

`.ci/run` runs it with the Python of an environment that holds the built wheel and nothing else of the
project: ``python -I smoke_wheel.py OUTPUT_FOLDER``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("gridloom")
LIMIT_S = 300


def gridloom(*arguments: str) -> str:
    """Returns what ``gridloom ARGUMENTS`` says on stdout; ends the process if the command fails."""
    print("$ gridloom", *arguments, flush=True)
    command = [str(COMMAND), *arguments]
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode != 0:
        sys.exit(f"ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(holds: object, sentence: str) -> None:
    """Ends the process with `sentence` unless `holds`."""
    if not holds:
        sys.exit(f"Not right: {sentence}")


def main(out: Path) -> None:
    """Proves version, packaged data, the region list, a small run, its cache and its check."""
    import gridloom as package  # noqa: PLC0415 - only to see where it came from

    home = Path(package.__file__).resolve()
    expect(home.is_relative_to(Path(sys.prefix).resolve()), f"gridloom came from {home}, not from the wheel.")
    expect(version("gridloom") in gridloom("--version"), "--version says another version than the wheel's.")

    packaged = [str(path) for path in files("gridloom") or ()]
    expect("gridloom/py.typed" in packaged, "the wheel has no py.typed.")
    expect("gridloom/grid/respondents.csv" in packaged, "the wheel has no respondents.csv.")
    sample = [path for path in packaged if path.startswith("gridloom/sample/") and ".py" not in path]
    expect(sample, "the wheel has no sample data.")

    expect("PACW" in json.dumps(json.loads(gridloom("regions", "--json"))), "regions does not know PACW.")
    first = run(out)
    expect(first["rows"] > 0 and first["outcome"] == "succeeded", f"the demo gave {first}")
    parquet = Path(first["parquet"])
    parquet = parquet if parquet.is_absolute() else Path.cwd() / parquet
    expect(parquet.is_file(), f"there is no file {parquet}, which the demo named.")
    expect((out / "runs" / first["run_id"] / "report.html").is_file(), "the demo left no report.")
    gridloom("check", str(parquet))
    before = parquet.read_bytes()
    second = run(out)
    expect(second["http_requests"] == 0, f"the same command again made {second['http_requests']} requests.")
    expect(parquet.read_bytes() == before, "the same command again changed the file.")
    print(f"{parquet.name}: {first['rows']:,} rows from {first['http_requests']} requests, then 0 requests.")


def run(out: Path) -> dict[str, Any]:
    """Returns the JSON object that the demo on the embedded data answers."""
    answer: dict[str, Any] = json.loads(
        gridloom("demo", "--region", "PACW", "--sample", "--out", str(out), "--json")
    )
    return answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
