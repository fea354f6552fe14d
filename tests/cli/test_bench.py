"""``gridloom bench batches``: real processes against a real server, a table, a chart, one JSON object."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from tests.e2e.processes import gridloom

from gridloom.cli._chart import Bar, bar_chart

SMALL = (
    *("bench", "batches", "--batch-days", "5,auto", "--latency-ms", "1"),
    *("--regions", "PACW", "--series", "D,NG.WND"),
    *("--start", "2019-01-01T00", "--end", "2019-01-20T23"),
)
SVG = {"svg": "http://www.w3.org/2000/svg"}


def texts(svg: str) -> list[str]:
    return [item.text or "" for item in ET.fromstring(svg).iterfind(".//svg:text", SVG)]


def test_sizes_are_measured_and_one_is_recommended(tmp_path: Path) -> None:
    done = gridloom(*SMALL, "--rate-limit", "off", "--out", "out", "--json", cwd=tmp_path)

    assert done.code == 0, done.err
    said = done.json
    days, auto = said["runs"]
    assert (days["batch_days"], auto["batch_days"]) == ("5", "auto")
    # 20 days in windows of 5, two routes and their metadata; one window for each route with auto.
    assert (days["windows"], days["requests"]) == (8, 10)
    assert (auto["windows"], auto["requests"]) == (2, 4)
    assert days["rows"] == auto["rows"] == 2 * 20 * 24
    assert (days["retries"], days["refused"]) == (0, 0)
    assert said["recommended"]["batch_days"] in {"5", "auto"}
    assert said["chart"] == "out/bench/batches.svg"
    shown = texts((tmp_path / "out" / "bench" / "batches.svg").read_text())
    assert {"5", "auto"} <= set(shown)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["batches.svg"]


def test_the_table_names_the_setting_to_use(tmp_path: Path) -> None:
    done = gridloom(*SMALL, "--rate-limit", "50", cwd=tmp_path)

    assert done.code == 0, done.err
    assert "50 requests/s" in done.out
    assert "batch days  windows  requests  seconds  rows  rows/s  retries  refused" in done.out
    assert "\nUse --batch-days " in done.out
    assert "Chart: data/bench/batches.svg" in done.out


def test_bad_input_is_found_before_any_work(tmp_path: Path) -> None:
    done = gridloom("bench", "batches", "--batch-days", "45,none", cwd=tmp_path)

    assert done.code == 2
    assert "--batch-days cannot be 'none'" in done.error
    assert list(tmp_path.iterdir()) == []


def test_a_chart_draws_bars_to_scale_and_escapes_its_words() -> None:
    svg = bar_chart("a < b", 'of "all" & some', [Bar("x", 2.0, "two", chosen=True), Bar("y", 1.0, "one")])

    boxes = [item for item in ET.fromstring(svg).iterfind("svg:rect", SVG) if item.get("rx")]
    widths = [float(box.get("width", "0")) for box in boxes]
    assert widths[0] == 2 * widths[1]
    assert boxes[0].get("fill") != boxes[1].get("fill")
    assert texts(svg) == ["a < b", 'of "all" & some', "x", "two", "y", "one"]


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert texts(bar_chart("empty", "", [])) == ["empty", ""]
    assert "NaN" not in bar_chart("zero", "", [Bar("x", 0.0, "none")])
