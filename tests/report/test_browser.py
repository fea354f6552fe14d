"""The report in a real browser: it asks for nothing, complains of nothing, and fits where it is read."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.report.runs import HOSTILE, run

from gridloom.report.page import write_report

pytestmark = pytest.mark.browser

WIDE, PHONE = (1160, 900), (375, 812)


def opened(driver: Any, page: Path, size: tuple[int, int] = WIDE, *, scripts: bool = True) -> None:
    """Opens a page in a window of a size, after forgetting what was logged before."""
    for log in ("browser", "performance"):
        driver.get_log(log)
    shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    driver.get(page.as_uri())


def requested(driver: Any) -> list[str]:
    """Addresses that were asked for since the page was opened, but those of the browser's own pages."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if not url.startswith(("data:", "chrome"))]


def sizes(driver: Any, selector: str) -> list[tuple[float, float]]:
    found = driver.find_elements(By.CSS_SELECTOR, selector)
    return [(each.size["width"], each.size["height"]) for each in found]


def overflow(driver: Any) -> float:
    """Pixels by which the page is wider than the window."""
    metrics = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
    return float(metrics["cssContentSize"]["width"] - metrics["cssLayoutViewport"]["clientWidth"])


def test_it_opens_without_a_complaint_and_asks_for_nothing_else(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report)

    assert [entry for entry in chromium.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    assert requested(chromium) == [sample_report.as_uri()]


def test_picture_timeline_charts_and_coverage_are_there(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report)

    assert len(sizes(chromium, ".dag .card")) == 3
    assert all(width > 100 and height > 40 for width, height in sizes(chromium, ".dag .card"))
    bars = sizes(chromium, ".lanes tbody rect")
    assert len(bars) == 3
    assert all(width >= 1 and height > 10 for width, height in bars)
    assert len(sizes(chromium, ".uplot canvas")) == 3
    assert all(width > 500 for width, _ in sizes(chromium, ".uplot canvas"))
    assert all(width > 300 for width, _ in sizes(chromium, ".heat tbody svg"))


def test_the_charts_tell_values_where_the_pointer_is(chromium: Any, sample_report: Path) -> None:
    from selenium.webdriver import ActionChains

    opened(chromium, sample_report)
    chart = chromium.find_element(By.CSS_SELECTOR, "#chart-requests .u-over")
    ActionChains(chromium).scroll_to_element(chart).move_to_element(chart).perform()

    values = [each.text for each in chromium.find_elements(By.CSS_SELECTOR, "#chart-requests .u-value")]
    assert values[0].endswith("s")
    assert all(any(sign.isdigit() for sign in value) for value in values)


def test_nothing_moves_when_the_charts_come_alive(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report, scripts=False)
    still = sizes(chromium, "section")
    opened(chromium, sample_report)

    assert sizes(chromium, "section") == still


def test_without_scripts_the_still_part_is_whole(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report, scripts=False)

    assert sizes(chromium, ".uplot") == []
    stills = chromium.find_elements(By.CSS_SELECTOR, ".still .line")
    assert len(stills) == 3
    assert all(each.is_displayed() for each in stills)
    assert len(sizes(chromium, ".dag .card")) == 3


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_scrolls_up_and_down_only(chromium: Any, sample_report: Path, *, scripts: bool) -> None:
    opened(chromium, sample_report, PHONE, scripts=scripts)

    assert overflow(chromium) <= 0


def test_the_proof_that_nothing_is_too_wide_can_fail(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report, PHONE)
    wide = (
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<pre>' + 'x'.repeat(90) + '</pre>')"
    )
    chromium.execute_script(wide)

    assert overflow(chromium) > 100


def test_a_long_word_does_not_widen_a_phone(chromium: Any, tmp_path: Path) -> None:
    run(tmp_path, ValueError("x" * 400), name="y" * 300)
    opened(chromium, write_report(tmp_path, "latest"), PHONE)

    assert overflow(chromium) <= 0


def test_the_keyboard_reaches_links_boxes_and_details(chromium: Any, sample_report: Path) -> None:
    opened(chromium, sample_report)
    reached = []
    for _ in range(60):
        chromium.switch_to.active_element.send_keys(Keys.TAB)
        active = chromium.switch_to.active_element
        reached.append((active.tag_name, active.text if active.tag_name == "a" else ""))

    assert reached[0] == ("a", "Skip to the outcome")
    assert {"a", "div", "summary"} <= {tag for tag, _ in reached}
    chromium.find_element(By.CSS_SELECTOR, "#settings ~ details summary").send_keys(Keys.ENTER)
    assert chromium.find_element(By.CSS_SELECTOR, "#settings ~ details").get_attribute("open")


def test_dark_is_dark_and_light_is_light(chromium: Any, tool: ModuleType, sample_report: Path) -> None:
    grounds = {}
    for scheme in ("dark", "light"):
        tool.colours(chromium, scheme)
        opened(chromium, sample_report)
        colour = chromium.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        grounds[scheme] = sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3])

    assert grounds["dark"] < 150
    assert grounds["light"] > 600


def test_what_is_hostile_does_not_run(chromium: Any, tmp_path: Path) -> None:
    run(tmp_path, ValueError(HOSTILE), name=HOSTILE)
    opened(chromium, write_report(tmp_path, "latest"))

    assert HOSTILE in chromium.find_element(By.TAG_NAME, "h1").text
    assert chromium.find_elements(By.CSS_SELECTOR, "img") == []
    assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []
