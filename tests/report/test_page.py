from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr
from tests.report.runs import HOSTILE, Number, Page, event, run, wide

from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig, StepContext
from gridloom.dag.events import MetricReported
from gridloom.errors import InterruptedRunError
from gridloom.report.coverage import Coverage, CoverageRow
from gridloom.report.page import page, write_report
from gridloom.report.source import RunRecord, RunSource, read_source
from gridloom.report.traffic import RATE_LIMIT

MOST_BYTES = 1_500_000
FETCHING = ("src", "srcset", "data", "poster", "action", "formaction", "ping", "background", "manifest")
CANARY = "canary-0123456789abcdef"


def made(out: Path, run_id: str = "latest") -> Page:
    return Page(page(read_source(out, run_id)))


def test_the_outcome_comes_first_and_every_section_is_there(tmp_path: Path) -> None:
    run(tmp_path)
    found = made(tmp_path)

    assert found.words.index("succeeded") < found.words.index("Timeline")
    ids = {attributes["id"] for _, attributes in found.elements if "id" in attributes}
    links = [attributes["href"] for attributes in found.all("a")]
    assert {(link or "").removeprefix("#") for link in links} <= ids
    for section in ("outcome", "dag", "timeline", "flow", "traffic", "decisions", "checks", "outputs"):
        assert section in ids
    for word in ("Rows received 70", "4 (1 repeated)", "never ran before", "it runs every time"):
        assert word in found.words


def test_what_is_hostile_stays_text(tmp_path: Path) -> None:
    run(tmp_path, ValueError(HOSTILE), name=HOSTILE)
    found = made(tmp_path)

    assert found.words.count(HOSTILE) >= 5
    assert list(found.all("img")) == []
    scripts = list(found.all("script"))
    assert [script.get("type") for script in scripts] == ["application/json", None, None]
    assert not [name for _, given in found.elements for name in given if name.startswith("on")]


def test_a_hostile_metric_does_not_end_the_data_of_the_charts(tmp_path: Path) -> None:
    run(tmp_path)
    source = read_source(tmp_path, "latest")
    limit = event(MetricReported, 0, step_id="first", name=RATE_LIMIT, value=5.0, unit=HOSTILE)

    found = Page(page(msgspec.structs.replace(source, events=(limit, *source.events))))

    assert len(list(found.all("script"))) == 3


def test_nothing_is_fetched(tmp_path: Path) -> None:
    run(tmp_path)
    html = page(read_source(tmp_path, "latest"))

    for tag, attributes in Page(html).elements:
        assert not [name for name in FETCHING if name in attributes]
        for name in ("href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), tag
    assert "@import" not in html
    assert re.findall(r"url\((?!#)[^)]*\)", html) == []


def test_the_policy_lets_only_our_own_scripts_run(tmp_path: Path) -> None:
    run(tmp_path)
    html = page(read_source(tmp_path, "latest"))
    policy = next(given["content"] or "" for given in Page(html).all("meta") if "http-equiv" in given)

    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(digests) == 2
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert "default-src 'none'" in policy


def test_the_same_record_gives_the_same_page(tmp_path: Path) -> None:
    result = run(tmp_path)
    first = write_report(tmp_path, result.run_id).read_bytes()

    assert write_report(tmp_path, "latest") == result.run_dir / "report.html"
    assert (result.run_dir / "report.html").read_bytes() == first


def test_a_failed_run_says_the_error_and_what_to_do(tmp_path: Path) -> None:
    run(tmp_path, ValueError("the cup is empty"))
    found = made(tmp_path)

    for word in ("with ValueError: the cup is empty", "What to do", "Traceback", "1 failed, 1 cancelled"):
        assert word in found.words


def test_attempts_that_failed_are_told(tmp_path: Path) -> None:
    run(tmp_path, ValueError("not yet"), retries=1)
    found = made(tmp_path)

    assert "2 attempts" in found.words
    told = [given.get("aria-label") or "" for given in found.all("svg")]
    assert [label for label in told if "waiting for attempt 2" in label and "failed" in label]


def test_a_stopped_run_is_no_failure(tmp_path: Path) -> None:
    run(tmp_path, InterruptedRunError("The run was stopped: Ctrl-C."))
    found = made(tmp_path)

    assert "stopped" in found.words
    assert "It was stopped before its end." in found.words


def test_a_cached_run_says_since_when(tmp_path: Path) -> None:
    first = run(tmp_path)
    second = run(tmp_path)
    found = made(tmp_path, second.run_id)

    assert f"used again unchanged since run {first.run_id}" in found.words
    assert "2 executed, 1 cached" in found.words


def test_a_dry_run_and_a_killed_run_have_pages(tmp_path: Path) -> None:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="dry", output_dir=tmp_path / "dry"))
    dag.add_step(Number(StepConfig(step_id="first", dry_run=True)))
    dag.execute()
    killed = run(tmp_path / "killed")
    (killed.run_dir / "results.json").unlink()

    assert "It was a dry run" in made(tmp_path / "dry").words
    assert "Environment It was not recorded." in made(tmp_path / "killed").words


def test_a_record_of_nothing_has_a_page() -> None:
    record = RunRecord(
        run_id="r", outcome="interrupted", pipeline={"name": "p"}, started_at="2026-01-01T00:00:00+00:00"
    )
    found = Page(page(RunSource(record=record)))

    assert "It was cut off before its end" in found.words
    assert list(found.all("script")) == []


def test_coverage_is_a_table_of_strips(tmp_path: Path) -> None:
    run(tmp_path)
    source = read_source(tmp_path, "latest")
    rows = [CoverageRow("PACW", "D", [24, 0], [0, 12], [0, 12])]
    coverage = Coverage(
        table="hourly/x.parquet", edges=["2019-01-01T00", "2019-01-02T00"], last="2019-01-02T23", rows=rows
    )

    found = Page(page(msgspec.structs.replace(source, coverage=coverage)))

    assert "PACW D every hour reported from 2019-01-01T00" in found.words
    assert "50.0 % 12 12" in found.words
    assert [given["class"] for given in found.all("rect") if given.get("height") == "1"] == [
        "h-full",
        "h-missing-3",
    ]


def test_a_run_of_a_thousand_steps_has_a_page_of_bounded_size(tmp_path: Path) -> None:
    wide(tmp_path, 1000)
    html = page(read_source(tmp_path, "latest"))
    found = Page(html)

    assert len(html.encode()) < MOST_BYTES
    assert len(list(found.all("tr"))) >= 1000
    assert sum(given.get("class") == "dot t-done" for given in found.all("rect")) == 1000


def test_every_table_has_a_caption_and_every_picture_a_name(tmp_path: Path) -> None:
    run(tmp_path)
    found = made(tmp_path)
    tables = len(list(found.all("table")))

    assert tables == len(list(found.all("caption"))) > 4
    for given in found.all("svg"):
        assert given.get("aria-label") or given.get("aria-hidden")
    boxes = [given for given in found.all("div") if given.get("role") == "region"]
    assert boxes
    assert all(given.get("tabindex") == "0" and given.get("aria-label") for given in boxes)


class SecretConfig(StepConfig):
    key: SecretStr


class Careless(BaseStep[SecretConfig]):
    """Says its key everywhere."""

    def _execute(self, ctx: StepContext) -> int:
        ctx.log(f"the key is {CANARY}", "warning")
        ctx.metric(f"of {CANARY}", 1.0)
        raise ValueError(f"{CANARY} was refused")


@pytest.mark.parametrize("killed", [False, True])
def test_no_secret_is_in_the_page(tmp_path: Path, *, killed: bool) -> None:
    dag = PipelineDAG(PipelineDAGConfig(output_dir=tmp_path))
    dag.add_step(Careless(SecretConfig(key=SecretStr(CANARY))))
    result = dag.execute()
    if killed:
        (result.run_dir / "results.json").unlink()

    html = page(read_source(tmp_path, "latest"))

    assert "the key is ***" in html
    assert CANARY not in html
