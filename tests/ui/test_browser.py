"""The pages in a real browser: they ask nobody else, complain of nothing, and go on while a run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.cli.conftest import SMALL
from tests.e2e.processes import gridloom, wait_until
from tests.report.conftest import chromium, tool
from tests.report.test_browser import PHONE, WIDE, overflow, requested, sizes
from tests.ui.conftest import Shown, at_work, base, newest, pages

__all__ = ["chromium", "tool"]

pytestmark = pytest.mark.browser


def opened(driver: Any, url: str, size: tuple[int, int] = WIDE, *, scripts: bool = True) -> None:
    """Opens an address in a window of a size, after forgetting what was logged before."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    driver.get(url)


def complaints(driver: Any) -> list[Any]:
    return [entry for entry in driver.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}]


def text(driver: Any, selector: str) -> str:
    """What an element says at this moment, also where a script replaces it at the next."""
    return str(driver.execute_script(f"return document.querySelector('{selector}').textContent"))


def paths(shown: Shown) -> list[str]:
    runs = shown[2]
    compare = f"compare?one={runs[2]}&other={runs[1]}"
    return ["", f"runs/{runs[0]}", f"runs/{runs[1]}", f"runs/{runs[1]}/report", compare]


def test_no_page_complains_or_asks_anybody_else(chromium: Any, shown: Shown) -> None:
    for path in paths(shown):
        opened(chromium, shown[0] + path)
        assert complaints(chromium) == []
        assert {urlsplit(url).netloc for url in requested(chromium)} == {urlsplit(shown[0]).netloc}
        assert len(chromium.find_elements(By.CSS_SELECTOR, "main section")) >= 1


@pytest.mark.parametrize("scripts", [True, False])
def test_picture_and_timeline_are_there(chromium: Any, shown: Shown, *, scripts: bool) -> None:
    opened(chromium, f"{shown[0]}runs/{shown[2][1]}", scripts=scripts)

    assert len(sizes(chromium, ".dag .card")) == 2
    assert all(width > 100 and height > 40 for width, height in sizes(chromium, ".dag .card"))
    assert len(sizes(chromium, "svg.lane rect")) == 2
    assert all(width >= 0.5 and height > 10 for width, height in sizes(chromium, "svg.lane rect"))


def test_a_new_run_appears_in_the_list_by_itself(chromium: Any, shown: Shown, tmp_path: Path) -> None:
    with pages(tmp_path) as url:
        opened(chromium, url)
        before = text(chromium, "main")
        assert gridloom(*SMALL, "--regions", "PACW", cwd=tmp_path).code == 0
        wait_until(lambda: newest(tmp_path) in text(chromium, "main"))
        wait_until(lambda: "succeeded 1" in text(chromium, "nav"))
        assert complaints(chromium) == []

    assert "No runs in this output folder yet." in before


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_scrolls_up_and_down_only(chromium: Any, shown: Shown, *, scripts: bool) -> None:
    for path in paths(shown):
        opened(chromium, shown[0] + path, PHONE, scripts=scripts)
        assert complaints(chromium) == []
        assert overflow(chromium) <= 0, path


def test_two_runs_are_chosen_and_compared_by_keyboard(chromium: Any, shown: Shown) -> None:
    opened(chromium, shown[0])
    chromium.switch_to.active_element.send_keys(Keys.TAB)
    assert chromium.switch_to.active_element.text == "Skip to the page"
    chromium.find_element(By.CSS_SELECTOR, "form button").send_keys(Keys.ENTER)

    wait_until(lambda: "/compare?one=" in chromium.current_url)
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Two runs compared"
    assert complaints(chromium) == []


def test_dark_is_dark_and_light_is_light(chromium: Any, tool: Any, shown: Shown) -> None:
    grounds = {}
    for scheme in ("dark", "light"):
        tool.colours(chromium, scheme)
        opened(chromium, shown[0])
        colour = chromium.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        grounds[scheme] = sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3])

    assert grounds["dark"] < 150
    assert grounds["light"] > 600


def test_a_run_at_work_goes_on_by_itself_and_without_scripts_when_loaded(
    chromium: Any, tmp_path: Path
) -> None:
    token = "a-token-of-the-test-0123"
    with pages(tmp_path, environ={"GRIDLOOM_UI_TOKEN": token}) as url, at_work(tmp_path) as (process, _):
        address = f"{base(url)}/runs/{newest(tmp_path)}"
        opened(chromium, f"{address}?token={token}", PHONE)
        wait_until(lambda: "running" in text(chromium, "#counts"))
        before = text(chromium, ".told")
        length = chromium.find_element(By.CSS_SELECTOR, "svg.lane").get_dom_attribute("viewBox")
        wait_until(lambda: text(chromium, ".told") != before)
        wait_until(
            lambda: chromium.find_element(By.CSS_SELECTOR, "svg.lane").get_dom_attribute("viewBox") != length
        )
        assert "of 960 rows" in text(chromium, ".told")
        assert "requests: " in text(chromium, "#asks")
        assert text(chromium, "#elapsed").startswith("for ")
        assert text(chromium, "#outcome") == "running"
        assert overflow(chromium) <= 0
        opened(chromium, address, scripts=False)
        # without scripts the driver may be asked a moment before it has anything to say
        wait_until(lambda: chromium.page_source)
        source = chromium.page_source
        assert "1 running" in source
        assert "of 960 rows" in source
        opened(chromium, address)
        assert process.process.wait(30) == 0
        wait_until(lambda: text(chromium, "#outcome") == "succeeded")
        assert text(chromium, "#counts") == "2 executed"
        assert text(chromium, "#asks") == ""
        assert text(chromium, "#elapsed").startswith("in ")
        assert [each.text for each in chromium.find_elements(By.CSS_SELECTOR, ".dag .word")] == [
            "executed"
        ] * 2
        assert complaints(chromium) == []
        assert token not in chromium.current_url
