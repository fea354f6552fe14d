from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done, start, wait_until
from tests.e2e.servers import sample_part, serve

PROBE = """
import sys
from gridloom.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(sorted({"jinja2", "gridloom.report.page"} & set(sys.modules)))
"""


def page_of(tmp_path: Path) -> Path:
    return next((tmp_path / "data" / "runs").glob("*/report.html"))


def test_a_run_says_where_its_report_is(made: Done, tmp_path: Path) -> None:
    page = page_of(tmp_path)

    assert f"Report: data/runs/{page.parent.name}/report.html\n" in made.err


def test_json_names_it_and_quiet_does_not(made: Done, call: Call, tmp_path: Path) -> None:
    assert Path(call(*SMALL, "--json").json["report"]).is_file()
    assert "Report" not in call(*SMALL, "-q").err


def test_it_is_written_again_for_a_run_of_the_past(made: Done, call: Call, tmp_path: Path) -> None:
    page = page_of(tmp_path)
    before = page.read_bytes()
    page.unlink()
    done = call("report", page.parent.name[:-2])

    assert (done.code, done.out) == (0, f"data/runs/{page.parent.name}/report.html\n")
    assert page.read_bytes() == before
    found = call("report", "latest", "--json").json
    assert found == {
        "run_id": page.parent.name,
        "report": f"data/runs/{page.parent.name}/report.html",
        "size_bytes": len(before),
    }


def test_a_run_that_left_only_its_journal_has_one(made: Done, call: Call, tmp_path: Path) -> None:
    page = page_of(tmp_path)
    page.unlink()
    (page.parent / "results.json").unlink()

    assert call("report", "latest").code == 0
    assert "extract-region-data" in page.read_text(encoding="utf-8")


def test_a_run_that_was_killed_has_one_that_says_so(tmp_path: Path, call: Call) -> None:
    with serve(sample_part(["PACW"], ["D"]), latency_ms=300) as server:
        asked = ("--regions", "PACW", "--series", "D", "--start", "2019-01-01T00", "--end", "2019-02-28T23")
        settings = ("--batch-days", "1", "--rate-limit", "off", "--base-url", server.url)
        process = start("year", *asked, *settings, cwd=tmp_path, key="any")
        wait_until(lambda: server.request_count > 3)
        process.send(signal.SIGKILL)
        process.done()
    done = call("report", "latest")
    page = page_of(tmp_path).read_text(encoding="utf-8")

    assert done.code == 0
    for words in ("It was cut off before its end", "What to do next.", "2019-02-28T23", "had not begun"):
        assert words in page
    assert page.count(">interrupted<") >= 2
    assert "2 steps and 1 dependencies" in page


def test_an_unknown_run_is_bad_input(made: Done, call: Call) -> None:
    done = call("report", "1999")

    assert done.code == 2
    assert "There is no run '1999'" in done.error


def test_where_it_cannot_be_written_the_disk_is_named(made: Done, call: Call, tmp_path: Path) -> None:
    page = page_of(tmp_path)
    page.unlink()
    page.mkdir()
    done = call("report", "latest")

    assert done.code == 1
    assert "Could not write" in done.error


def test_open_hands_it_to_the_desktop(made: Done, tmp_path: Path) -> None:
    opener = tmp_path / "bin" / ("open" if sys.platform == "darwin" else "xdg-open")
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/part"\nmv "{tmp_path}/part" "{tmp_path}/opened"\n')
    opener.chmod(0o755)
    path = f"{opener.parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "gridloom", "report", "latest", "--open"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, timeout=60)

    opened = tmp_path / "opened"
    until_s = time.monotonic() + 30
    while not opened.is_file():  # the desktop is not waited for
        assert time.monotonic() < until_s
        time.sleep(0.02)
    assert opened.read_text().strip() == str(page_of(tmp_path))


@pytest.mark.parametrize("arguments", [("runs", "list"), ("year", "--sample", "--dry-run"), ("regions",)])
def test_who_makes_no_report_does_not_pay_for_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", PROBE, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.splitlines()[-1] == "[]"
