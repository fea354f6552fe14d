"""Makes docs/images/report.png: the top of the report of a run on the embedded sample.

Needs Debian's packages chromium and chromium-driver: `.venv/bin/python tools/screenshot_report.py`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGE: Final = ROOT / "docs" / "images" / "report.png"
MOST_BYTES: Final = 150_000
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


@contextmanager
def browser(width: int, height: int) -> Iterator[Chrome]:
    """Gives a headless Chromium with a profile of its own, and a log of its network."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = Chrome(options, ChromeService(shutil.which("chromedriver") or "chromedriver"))
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            yield driver
        finally:
            driver.quit()


def colours(driver: Chrome, scheme: str) -> None:
    """Makes the browser prefer ``light`` or ``dark`` colours."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def sample_report(folder: Path) -> Path:
    """Returns the report of a new run on the sample, made in `folder`."""
    command = [
        sys.executable,
        "-m",
        "gridloom",
        "year",
        "--sample",
        "--through",
        "ring",
        "--out",
        str(folder),
        "-q",
    ]
    subprocess.run(command, check=True)  # noqa: S603 - ours
    return next((folder / "runs").glob("*/report.html"))


def main() -> int:
    """Writes the picture; returns 1 if it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", nargs="?", type=Path, help="a report; by default one of a new run")
    parser.add_argument("--to", type=Path, default=IMAGE, help="the picture")
    parser.add_argument("--width", type=int, default=1160)
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--dark", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser(chosen.width, chosen.height) as driver:
        colours(driver, "dark" if chosen.dark else "light")
        driver.get((chosen.report or sample_report(Path(folder))).absolute().as_uri())
        chosen.to.parent.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(chosen.to))
    size = chosen.to.stat().st_size
    print(f"{chosen.to.name}: {size:,} bytes")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
