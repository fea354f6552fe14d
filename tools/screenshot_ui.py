"""Makes docs/images/ui.png: the page of a run on the embedded sample, while it works.

Needs Debian's packages chromium and chromium-driver: `.venv/bin/python tools/screenshot_ui.py`.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from screenshot_report import ROOT, browser, colours

IMAGE: Final = ROOT / "docs" / "images" / "ui.png"
MOST_BYTES: Final = 100_000
PATIENCE_S: Final = 60.0
HALF_DONE: Final = (
    "const bars = [...document.querySelectorAll('progress:not([hidden])')];"
    "return document.querySelectorAll('.now .t-done.chip').length > 0 && bars.some((bar) => bar.value > 45);"
)
"""Whether one step has ended and another one is about half done."""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs GridLoom in a folder, and stops it afterwards."""
    command = [sys.executable, "-m", "gridloom", *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def main() -> int:
    """Writes the picture; returns 1 if it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=IMAGE, help="the picture")
    parser.add_argument("--width", type=int, default=1080)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        browser(chosen.width, chosen.height) as driver,
        started(Path(name), "ui", "--port", "0", "-q") as pages,
        started(Path(name), "year", "--sample", "--through", "ring", "--rate-limit", "12", "-q"),
    ):
        assert pages.stdout is not None  # noqa: S101 - it is a pipe
        url = pages.stdout.readline().strip()
        colours(driver, "dark" if chosen.dark else "light")
        until_s = time.monotonic() + PATIENCE_S
        while not driver.execute_script(HALF_DONE) and time.monotonic() < until_s:
            if "/runs/2" not in driver.current_url:
                driver.get(f"{url}runs/latest")
            time.sleep(0.1)
        driver.save_screenshot(str(chosen.to))
    size = chosen.to.stat().st_size
    print(f"{chosen.to.name}: {size:,} bytes")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
