import gzip
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pydantic import SecretStr
from starlette.responses import Response
from tests.e2e.servers import sample_part, serve
from tests.extract.fake_api import CANARY

from gridloom.dag import PipelineDAG, PipelineDAGConfig, StepContext, StepOutcome
from gridloom.dag.events import MetricReported
from gridloom.errors import (
    ConfigError,
    InterruptedRunError,
    KeyMissingError,
    KeyRejectedError,
    NoDataError,
    SourceAnswerError,
    SourceUnreachableError,
    UnknownCodeError,
)
from gridloom.extract.replay import ReplayData, ReplayOptions, ReplayServer
from gridloom.extract.steps import EIAExtractConfig, EIAExtractStep
from gridloom.grid.raw import read_pages, read_receipt
from gridloom.sample import sample_path, sample_source

YEAR = {"first": "2019-01-01T00", "last": "2019-12-31T23"}
WEEKS = {"first": "2019-03-01T00", "last": "2019-03-28T23"}


@pytest.fixture(scope="module")
def data():
    return ReplayData.load([sample_path()])


@pytest.fixture
def server(data):
    with ReplayServer(data) as running:
        yield running


def config(server=None, **settings):
    where = {"source": "sample"} if server is None else {"base_url": server.url, "api_key": SecretStr(CANARY)}
    values = {"series": ("D",), "respondents": ("PACW",), "rate_limit": "off", **WEEKS, **where, **settings}
    return EIAExtractConfig(**values)


def context(step, out, **options):
    # Outside a DAG nobody moves the outputs, so they are staged where they belong.
    return StepContext(out=out, step_id=step.step_id, staging=out / step.output_folder(), **options)


def run(step, out, **options):
    """Runs one step outside a DAG; returns its artifact and its context."""
    ctx = context(step, out, **options)
    return step.run({}, ctx), ctx


def execute(out, *steps, **settings):
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="test", output_dir=out, **settings))
    for step in steps:
        dag.add_step(step)
    return dag.execute()


def rows(pages):
    found = []
    for window in pages.index().windows:
        folder = pages.folder / window.folder
        for page in read_pages(folder, read_receipt(folder)):
            found += json.loads(page)["response"]["data"]
    return found


def test_a_sample_year_goes_through_the_dag_and_is_complete(tmp_path):
    result = execute(tmp_path, EIAExtractStep(config(**YEAR)))
    result.raise_for_failure()
    step = result["extract-region-data"]
    pages = step.output
    asked = pl.scan_parquet(sample_path()).filter(
        pl.col("respondent").cast(pl.String) == "PACW", pl.col("series").cast(pl.String) == "D",
        pl.col("status").cast(pl.String) != "missing",
    )  # fmt: skip
    expected = asked.collect()["period"].dt.strftime("%Y-%m-%dT%H").sort().to_list()
    assert sorted(row["period"] for row in rows(pages)) == expected
    assert pages.rows == step.metrics.rows == step.metrics.rows_received == len(expected)
    assert step.metrics.requests == 10
    assert pages.folder == tmp_path / "raw" / sample_source().replace(":", "-")
    assert pages.path.parent == pages.folder / "sets"
    index = pages.index()
    assert (index.first, index.last, index.respondents, index.types) == (*YEAR.values(), ("PACW",), ("D",))


def test_a_second_run_asks_for_nothing_and_other_batches_ask_anew(tmp_path, server):
    first = execute(tmp_path, EIAExtractStep(config(server)))
    first.raise_for_failure()
    asked = server.request_count
    again = execute(tmp_path, EIAExtractStep(config(server)))
    assert again["extract-region-data"].outcome is StepOutcome.cached
    assert again["extract-region-data"].output == first["extract-region-data"].output
    assert server.request_count == asked == 2
    other = execute(tmp_path, EIAExtractStep(config(server, batch_days=14)))
    other.raise_for_failure()
    assert server.request_count == asked + 2  # two windows; the metadata stands
    key = ("period", "respondent", "type", "value")
    one, two = (
        sorted(tuple(row[name] for name in key) for row in rows(result["extract-region-data"].output))
        for result in (first, other)
    )
    assert one == two


def test_two_routes_side_by_side_share_a_source_folder(tmp_path, server):
    fuels = EIAExtractStep(config(server, series=("NG.all",), respondents=("PACW", "ERCO")))
    demand = EIAExtractStep(config(server, respondents=("PACW", "ERCO")))
    result = execute(tmp_path, demand, fuels)
    result.raise_for_failure()
    assert set(result.steps) == {"extract-region-data", "extract-fuel-type-data"}
    assert result["extract-region-data"].output.windows == 1  # both respondents fit one page
    assert result["extract-fuel-type-data"].output.windows == 2
    folders = {result[name].output.folder for name in result.steps}
    assert folders == {tmp_path / "raw" / "custom-127.0.0.1"}
    assert {row["respondent"] for row in rows(result["extract-fuel-type-data"].output)} <= {"PACW", "ERCO"}


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_days": 45},
        {"batch_days": 7, "page_rows": 100},
        {"series": ("NG.all",), "batch_days": 14},
        {"series": ("D", "DF"), "respondents": ("PACW", "NYIS"), "batch_days": 20, "page_rows": 1000},
    ],
)
def test_the_plan_says_what_the_server_then_sees(tmp_path, server, settings):
    step = EIAExtractStep(config(server, **settings))
    plan = step.plan_detail(tmp_path)
    assert plan["windows_landed"] == 0
    pages, _ = run(step, tmp_path)
    assert pages.windows == plan["windows"]
    assert plan["requests"]["least"] <= server.request_count <= plan["requests"]["most"]
    if not settings.get("series", ("D",))[0].startswith("NG."):
        assert plan["requests"]["least"] == plan["requests"]["most"]
    after = step.plan_detail(tmp_path)
    assert after == {
        "windows": plan["windows"],
        "windows_landed": plan["windows"],
        "requests": {"least": 0, "most": 0, "metadata": 0},
        "limiter_s": 0.0,
    }


def test_the_plan_says_the_limiters_time(tmp_path):
    step = EIAExtractStep(
        config(base_url="https://api.eia.gov/v2", source="eia", rate_limit=None, batch_days=1)
    )
    assert step.plan_detail(tmp_path)["limiter_s"] == 5 * 1.03  # 28 windows and the metadata


def test_a_truncated_page_costs_only_its_window(tmp_path, server):
    step = EIAExtractStep(config(server, batch_days=7))
    pages, _ = run(step, tmp_path)
    page = min(pages.folder.rglob("page-0000.json.gz"))
    page.write_bytes(page.read_bytes()[:-9])
    assert step.plan_detail(tmp_path)["requests"] == {"least": 1, "most": 1, "metadata": 0}
    asked = server.request_count
    again, ctx = run(step, tmp_path)
    assert server.request_count == asked + 1
    assert again.digest == pages.digest
    assert ctx.counters["rows_received"] == 168
    assert again.rows == 4 * 168


def test_force_asks_for_everything_again(tmp_path, server):
    step = EIAExtractStep(config(server))
    first, _ = run(step, tmp_path)
    forced, ctx = run(step, tmp_path, force=True)
    assert ctx.counters["requests"] == 2
    assert forced.digest == first.digest


def test_recent_windows_are_asked_again_by_the_refresh_rule(tmp_path, server):
    clock = [datetime(2019, 4, 2, tzinfo=UTC)]
    step = EIAExtractStep(config(server, batch_days=7, refresh_days=30), now=lambda: clock[0])
    pages, _ = run(step, tmp_path)
    cached = {"output": pages}
    assert step.should_use_cache(cached) is True
    clock[0] += timedelta(hours=7)
    # Fetched on April 2: windows whose last hour is younger than 30 days then may have been revised.
    assert "4 of 4 windows, up to 2019-03-28T23" in step.should_use_cache(cached)
    clock[0] = datetime(2019, 6, 1, tzinfo=UTC)
    _, ctx = run(step, tmp_path)
    assert ctx.counters["requests"] == 5
    clock[0] = datetime(2019, 9, 1, tzinfo=UTC)
    assert step.should_use_cache(cached) is True


def test_a_respondent_without_rows_is_a_finding(tmp_path, server):
    result = execute(tmp_path, EIAExtractStep(config(server, respondents=("PACW", "SEPA"))))
    result.raise_for_failure()
    (finding,) = result["extract-region-data"].findings
    assert (finding.name, finding.passed, finding.required) == ("rows-present", False, False)
    assert finding.detail.startswith("SEPA")


def test_hours_that_the_source_does_not_have_are_refused(tmp_path, server):
    step = EIAExtractStep(config(server, first="2021-01-01T00", last="2021-12-31T23"))
    with pytest.raises(NoDataError, match="you asked for 2021-01-01T00 to 2021-12-31T23"):
        run(step, tmp_path)
    assert server.request_count == 1
    with pytest.raises(NoDataError):  # the metadata stands, but it is not enough to go on
        run(step, tmp_path)


def every_byte(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            yield content
            if path.suffix == ".gz":
                yield gzip.decompress(content)


@pytest.mark.parametrize("key_in_header", [True, False])
def test_the_key_is_in_no_file_and_no_record(tmp_path, data, key_in_header):
    with ReplayServer(data, ReplayOptions(key_in_header=key_in_header)) as server:
        step = EIAExtractStep(config(server))
        result = execute(tmp_path, step)
        result.raise_for_failure()
        assert (
            {request.key_in for request in server.requests} == {"header"} if key_in_header else {"", "query"}
        )
    contents = list(every_byte(tmp_path))
    assert len(contents) > 4
    assert not [content for content in contents if b"CANARY" in content]
    assert "CANARY" not in repr(step.config) + str(step.config) + repr(result)


def test_a_wrong_key_ends_at_once(tmp_path, data):
    with ReplayServer(data, ReplayOptions(key="the-right-key")) as server:
        with pytest.raises(KeyRejectedError, match="Check EIA_API_KEY") as caught:
            run(EIAExtractStep(config(server, **YEAR)), tmp_path)
        assert server.request_count == 1
    assert "CANARY" not in str(caught.value)


def test_a_missing_key_is_said_before_anything_is_asked(tmp_path, server, monkeypatch):
    monkeypatch.delenv("EIA_API_KEY", raising=False)
    with pytest.raises(KeyMissingError, match="EIA_API_KEY"):
        run(EIAExtractStep(config(server, api_key=None)), tmp_path)
    monkeypatch.setenv("EIA_API_KEY", CANARY)
    step = EIAExtractStep(config(server, api_key=None))
    run(step, tmp_path)
    monkeypatch.delenv("EIA_API_KEY")
    run(step, tmp_path)  # nothing is left to ask, so no key is needed


def test_the_sample_ignores_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("EIA_API_KEY", CANARY)
    run(EIAExtractStep(config(api_key=SecretStr(CANARY))), tmp_path)
    assert not [content for content in every_byte(tmp_path) if b"CANARY" in content]


def test_a_wrong_base_url_says_that_the_version_belongs_to_it(tmp_path, server):
    wrong = server.url.removesuffix("/v2")
    with pytest.raises(SourceAnswerError, match=r"https://api\.eia\.gov/v2"):
        run(EIAExtractStep(config(server, base_url=wrong)), tmp_path)


def test_a_server_that_is_gone_is_unreachable(tmp_path, data):
    with ReplayServer(data) as server:
        step = EIAExtractStep(config(server))
    with pytest.raises(SourceUnreachableError, match="Check --base-url or your network"):
        run(step, tmp_path)


def cancel_after(server, requests, token):
    while server.request_count < requests:
        time.sleep(0.01)
    token.cancel("test")


@pytest.mark.parametrize("cancel_before", [True, False])
def test_cancelling_ends_promptly_and_keeps_what_landed(tmp_path, data, cancel_before):
    from gridloom.dag.cancel import CancelToken

    with ReplayServer(data, ReplayOptions(latency_ms=40)) as server:
        token = CancelToken()
        step = EIAExtractStep(config(server, **YEAR, batch_days=5, concurrency=1))
        if cancel_before:
            token.cancel("test")
        else:
            threading.Thread(target=cancel_after, args=(server, 6, token)).start()
        with pytest.raises(InterruptedRunError, match="stopped: test"):
            run(step, tmp_path, token=token)
    plan = step.plan_detail(tmp_path)
    assert plan["windows_landed"] < plan["windows"] == 73
    if not cancel_before:
        assert plan["windows_landed"] > 0
        with ReplayServer(data) as server:
            run(EIAExtractStep(config(server, **YEAR, batch_days=5)), tmp_path)
            assert server.request_count == plan["requests"]["least"]


def test_progress_reaches_its_total(tmp_path, server):
    seen = []
    step = EIAExtractStep(config(server, batch_days=7))
    ctx = context(step, tmp_path)
    ctx.progress = lambda done, total=None, unit="rows": seen.append((done, total))
    step.run({}, ctx)
    assert seen[0] == (0, 672)
    assert seen[-1] == (672, 672)


def test_what_the_limiter_allows_is_told_when_it_changes(tmp_path):
    complaints = iter([Response("", 429, {"retry-after": "0"})])
    said = []

    def emit(kind, **fields):
        if kind is MetricReported and fields["name"] == "rate_limit":
            said.append((fields["value"], fields["unit"]))

    with serve(sample_part(["PACW"], ["D"]), first=lambda _request: next(complaints, None)) as server:
        settings = {"rate_limit": 50, "batch_days": 7, "source": "custom:paced"}
        step = EIAExtractStep(config(server, **WEEKS, **settings))
        step.run({}, context(step, tmp_path, emit=emit))

    assert said[:2] == [(50.0, "requests/s"), (25.0, "requests/s")]
    assert len(said) == len(set(said)) > 2
    assert all(value <= 50 for value, _ in said)


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({"series": ("D", "NG.all")}, ConfigError, "Use two steps"),
        ({"series": ()}, UnknownCodeError, "No series"),
        ({"series": ("XX",)}, UnknownCodeError, "'XX' is not a series"),
        ({"respondents": ()}, ConfigError, "No respondent"),
        ({"page_rows": 6000}, ConfigError, "at most 5,000"),
        ({"batch_days": 0}, ConfigError, "at least 1 day"),
        ({"first": "2019-02-30T00"}, ConfigError, "no hour"),
        ({"last": "2018-01-01T00"}, ConfigError, "before the start"),
        ({"concurrency": 0}, ConfigError, "concurrency"),
        ({"timeout_s": 0}, ConfigError, "timeout_s"),
        ({"refresh_days": -1}, ConfigError, "refresh_days"),
        ({"rate_limit": -1}, ConfigError, "no rate"),
        ({"rate_limit": "fast"}, ConfigError, "rate_limit"),
        ({"source": "eia", "base_url": "http://127.0.0.1:1/v2"}, ConfigError, "'custom:127.0.0.1'"),
        ({"source": "custom:mine", "base_url": None}, ConfigError, "which is 'eia'"),
        ({"source": "sample:0000"}, ConfigError, "not the one that is asked"),
        ({"source": "", "base_url": "https://host/v2", "rate_limit": "off"}, ConfigError, "loopback"),
    ],
)
def test_settings_out_of_range_are_refused_in_words(settings, kind, text):
    with pytest.raises(kind, match=text):
        config(**settings)


def test_settings_are_put_in_order():
    found = config(series=("DF", "D"), respondents=("PACW", "ERCO", "PACW"))
    assert (found.series, found.respondents) == (("D", "DF"), ("ERCO", "PACW"))
    assert found.source == sample_source()
    assert found.sample
    assert config(source="", sample=True) == config()
    named = config(source="custom:mine", base_url="http://127.0.0.1:1/v2")
    assert named.source == "custom:mine"
    assert EIAExtractStep(named).output_folder() == "raw/custom-mine"


def test_how_to_ask_is_no_part_of_what_is_asked():
    from gridloom.dag.config import semantic_settings

    one = config(source="", base_url="http://127.0.0.1:1/v2", api_key=SecretStr("a"), concurrency=1)
    two = config(source="", base_url="http://127.0.0.1:2/v2", api_key=SecretStr("b"), timeout_s=5)
    assert semantic_settings(one) == semantic_settings(two)
    assert semantic_settings(one) != semantic_settings(config())


def test_every_setting_is_explained():
    inherited = set(EIAExtractConfig.__base__.model_fields)
    own = {name: field for name, field in EIAExtractConfig.model_fields.items() if name not in inherited}
    assert all(field.description for field in own.values())
