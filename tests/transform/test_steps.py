from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.frames import plain_rows
from tests.support.landing import Row, answer, land, land_answers
from tests.transform.landing_step import LandingConfig, LandingStep
from tests.transform.oracle import Received, expected_table

from gridloom.dag import PipelineDAG, PipelineDAGConfig, RunResult, StepContext
from gridloom.errors import CheckFailedError, ConfigError, NoDataError, RawDataError, UnknownCodeError
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable, RawPages
from gridloom.grid.hours import HOUR, HourRange, label
from gridloom.grid.routes import REGION_DATA
from gridloom.transform import shelf as shelf_module
from gridloom.transform import steps as steps_module
from gridloom.transform.findings import check_file
from gridloom.transform.parse import ParsedRows, parse_pages
from gridloom.transform.steps import TransformConfig, TransformStep

FIRST, LAST = "2019-01-01T00", "2019-01-01T05"
REQUEST: dict[str, Any] = {"first": FIRST, "last": LAST, "respondents": ("CAR", "PACW")}


def at(hour: int) -> str:
    return f"2019-01-01T{hour:02}"


def config(**changes: Any) -> TransformConfig:
    return TransformConfig(**{"name": "t", **REQUEST, "series": ("D",), **changes})


def demand(out: Path, rows: Sequence[Row], **changes: Any) -> RawPages:
    return land(out, [[rows]], route_id="region-data", **{**REQUEST, "types": ["D"], **changes})


def fuels(out: Path, rows: Sequence[Row], **changes: Any) -> RawPages:
    return land(out, [[rows]], route_id="fuel-type-data", **{**REQUEST, **changes})


def context(out: Path) -> StepContext:
    return StepContext(out=out, step_id="transform", staging=out / ".staging")


def transform(out: Path, raw: list[RawPages], **changes: Any) -> tuple[HourlyTable, dict[str, Finding]]:
    with closing(context(out)) as ctx:
        table = TransformStep(config(**changes)).run({"raw": raw}, ctx)
    return table, {finding.name: finding for finding in ctx.findings}


BOTH = [Row(at(hour), code, "D", str(hour)) for hour in range(6) for code in ("CAR", "PACW")]


def test_two_routes_become_one_table(tmp_path: Path) -> None:
    raw = [fuels(tmp_path, [Row(at(1), "PACW", "NG", ".5")]), demand(tmp_path, BOTH)]

    table, findings = transform(tmp_path, raw, series=("D", "NG.all"))

    assert table.path.name == "t.parquet"
    assert (table.rows, table.hours_missing, table.hours_null) == (18, 5, 0)
    assert (table.respondents, table.series) == (("CAR", "PACW"), ("D", "NG.NG"))
    assert plain_rows(table.scan().collect())[12:14] == [
        ("PACW", "NG.NG", at(0), None, "missing"),
        ("PACW", "NG.NG", at(1), 0.5, "reported"),
    ]
    assert findings["rows-accounted"].detail == "13 rows received, 13 in the table, 0 duplicates dropped."
    assert not any(finding.blocks for finding in findings.values())
    assert [name for name, finding in findings.items() if not finding.passed] == [
        "hours-missing",
        "series-present",
    ]
    assert findings["series-present"].detail == "The source has no rows for CAR NG.all."


def test_duplicates_conflicts_and_texts_are_counted_and_said(tmp_path: Path) -> None:
    extra = [
        Row(at(0), "CAR", "D", "0"),
        Row(at(1), "CAR", "D", None),
        Row(at(2), "CAR", "D", "999.5"),
        Row(at(3), "CAR", "D", "NA"),
    ]

    table, findings = transform(tmp_path, [demand(tmp_path, BOTH + extra)])

    assert table.rows == 12
    assert findings["rows-accounted"].detail == "16 rows received, 12 in the table, 4 duplicates dropped."
    assert findings["duplicates"].detail == (
        "4 duplicate rows were dropped: 1 equal to a row kept, 2 without a value beside one with a value, "
        "1 smaller than the value kept."
    )
    assert findings["conflicts"].detail == (
        "1 hours came with different values, the largest was kept: CAR D 2019-01-01T02 (999.5 and 2 MWh)."
    )
    assert findings["text-values"].detail == "1 values are no finite numbers and count as null: 'NA' (1)."
    assert table.scan().collect()["value"].to_list()[2:4] == [999.5, 3.0]


def test_generation_only_respondents_are_told_apart_from_silent_ones(tmp_path: Path) -> None:
    asked = {"respondents": ("AVRN", "PACW", "ZZZ")}
    raw = demand(tmp_path, [Row(at(0), "PACW", "D", "1")], **asked)

    _, findings = transform(tmp_path, [raw], **asked)

    assert findings["series-present"].detail == "The source has no rows for AVRN D (generation only), ZZZ D."


def test_no_rows_at_all_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match=r"no rows for D of CAR, PACW in 2019-01-01T00 to 2019-01-01T05"):
        transform(tmp_path, [demand(tmp_path, [])])

    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (Row(at(0), "PJM", "D", "1"), "1 rows are of PJM D; that was not asked for"),
        (Row(at(0), "PACW", "DF", "1"), "1 rows are of PACW DF; that was not asked for"),
        (
            Row(at(6), "PACW", "D", "1"),
            "1 rows lie between 2019-01-01T06 and 2019-01-01T06, outside 2019-01-01T00",
        ),
        (Row("9999-12-31T23", "PACW", "D", "1"), "outside 2019-01-01T00"),
    ],
)
def test_rows_that_nobody_asked_for_keep_the_table_from_being_written(
    tmp_path: Path, row: Row, sentence: str
) -> None:
    with pytest.raises(CheckFailedError, match=r"hourly/t\.parquet was not published") as caught:
        transform(tmp_path, [demand(tmp_path, [*BOTH, row])])

    assert sentence in str(caught.value)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": 13}, r"proves 12 of 12 rows \(13 by its own count\)"),
        ({"total": 13}, "proves 12 of 13 rows"),
        ({"total": 11, "rows": 11}, "proves 12 of 11 rows"),
    ],
)
def test_a_receipt_that_is_no_proof_keeps_the_table_from_being_published(
    tmp_path: Path, change: dict[str, int], sentence: str
) -> None:
    raw = demand(tmp_path, BOTH)
    receipt = next(tmp_path.rglob("receipt.json"))
    receipt.write_text(json.dumps({**json.loads(receipt.read_text()), **change}))

    with pytest.raises(RawDataError, match=sentence):
        transform(tmp_path, [raw])

    assert not list(tmp_path.rglob("*.parquet"))
    assert sentence.split(" rows", maxsplit=1)[0] in (raw.mismatch() or "")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"last": at(4)}, "The table is to hold the hours 2019-01-01T00 to 2019-01-01T04"),
        (
            {"respondents": ("PACW",)},
            "hold the respondents PACW, but the raw pages were fetched for CAR, PACW",
        ),
        ({"series": ("D", "TI")}, "hold the series D, TI, but the raw pages were fetched for D"),
    ],
)
def test_pages_that_answer_another_question_are_refused(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        transform(tmp_path, [demand(tmp_path, BOTH)], **changes)

    assert sentence in str(caught.value)


def test_two_sources_are_never_mixed(tmp_path: Path) -> None:
    raw = [demand(tmp_path, BOTH), fuels(tmp_path, [], source="eia")]

    with pytest.raises(ConfigError, match="cannot mix the sources custom:test and eia"):
        transform(tmp_path, raw, series=("D", "NG.all"))


def test_several_sets_of_one_route_may_share_the_respondents(tmp_path: Path) -> None:
    raw = [demand(tmp_path, BOTH[i::2], respondents=(code,)) for i, code in enumerate(("CAR", "PACW"))]

    table, findings = transform(tmp_path, raw)

    assert table.rows == 12
    assert findings["series-present"].passed


@pytest.mark.parametrize("name", ["", "../t", "a/b", "a\\b", ".hidden", "a b", "t\n"])
def test_a_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="without a folder"):
        config(name=name)


def test_settings_are_put_in_one_form() -> None:
    settled = config(name="t.parquet", respondents=("PACW", "CAR", "PACW"), series="NG.*,d")

    assert (settled.name, settled.respondents, settled.series) == ("t", ("CAR", "PACW"), ("D", "NG.all"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"first": "2019-01-01"}, ConfigError),
        ({"last": "2018-01-01T00"}, ConfigError),
        ({"respondents": ()}, ConfigError),
        ({"series": ("X",)}, UnknownCodeError),
        ({"series": ()}, UnknownCodeError),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        config(**changes)


def test_the_plan_says_what_will_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "hourly"
    folder.mkdir()
    table, _ = transform(tmp_path, [demand(tmp_path, BOTH)])

    def plan(**changes: Any) -> dict[str, Any]:
        return TransformStep(config(**changes)).plan_detail(tmp_path)

    assert plan() == {}
    table.path.rename(folder / "t.parquet")
    assert plan() == {}
    assert plan(respondents=("PACW",)) == {"replaces": "replaces t: 2 → 1 respondents"}
    assert plan(respondents=("PACW", "PJM")) == {"replaces": "replaces t: respondents CAR, PACW → PACW, PJM"}
    assert plan(series=("D", "NG.all"), last=at(9)) == {
        "replaces": f"replaces t: {FIRST} to {LAST} → {FIRST} to {at(9)}, 1 → 2 series"
    }
    (folder / "t.parquet").write_text("something else")
    assert plan() == {"replaces": "replaces t.parquet, which is not an hourly table"}


def run(out: Path, rows: Sequence[Row], **changes: Any) -> RunResult:
    """Runs the transform behind a step that hands over landed pages."""
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="t", output_dir=out))
    landing = LandingStep(LandingConfig(rows=tuple(tuple(row) for row in rows), **REQUEST))
    dag.add_step(TransformStep(config(**changes)), dependencies=[dag.add_step(landing)])
    return dag.execute()


def events(result: RunResult) -> str:
    return (result.run_dir / "events.jsonl").read_text()


def test_in_a_pipeline_the_table_is_published_and_not_made_twice(tmp_path: Path) -> None:
    result = run(tmp_path, BOTH)
    result.raise_for_failure()
    again = run(tmp_path, BOTH)

    table = result["transform"].output
    assert table.path == tmp_path / "hourly" / "t.parquet"
    assert result["transform"].outcome == "executed"
    assert again["transform"].outcome == "cached"
    assert again["transform"].output == table
    assert [path.name for path in (tmp_path / "hourly").iterdir()] == ["t.parquet"]
    assert {finding.name for finding in result["transform"].findings} >= {"rows-accounted", "rows-unchanged"}
    assert not any(finding.blocks for finding in check_file(table.path))


def test_a_run_says_that_it_replaces_a_table_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "hourly").mkdir()
    (tmp_path / "hourly" / "t.parquet").write_text("something else")
    said = ["replaces t.parquet" in events(run(tmp_path, BOTH)), "replaces t" in events(run(tmp_path, BOTH))]

    assert said == [True, False]


def test_a_table_made_by_way_of_files_leaves_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "small", BOTH).raise_for_failure()
    monkeypatch.setattr(steps_module, "_HELD_ROWS", 0)

    result = run(tmp_path / "large", BOTH)

    result.raise_for_failure()
    made = [tmp_path / size / "hourly" / "t.parquet" for size in ("small", "large")]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert not list(tmp_path.rglob("*.arrow"))
    assert not list(tmp_path.rglob("rows-*"))


def test_a_route_that_was_parsed_before_a_failure_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps_module, "_HELD_ROWS", 0)
    parsed: list[str] = []

    def broken_at(route: str) -> Callable[[RawPages], Iterator[ParsedRows]]:
        def parse(pages: RawPages) -> Iterator[ParsedRows]:
            parsed.append(pages.route)
            if pages.route == route:
                raise RawDataError("a page is gone")
            return parse_pages(pages)

        return parse

    raw = [demand(tmp_path, BOTH), fuels(tmp_path, [Row(at(1), "PACW", "NG", ".5")])]
    monkeypatch.setattr(steps_module, "parse_pages", broken_at("fuel-type-data"))
    with pytest.raises(RawDataError):
        transform(tmp_path, raw, series=("D", "NG.all"))
    monkeypatch.setattr(steps_module, "parse_pages", broken_at("none"))
    table, _ = transform(tmp_path, raw, series=("D", "NG.all"))

    assert parsed == ["region-data", "fuel-type-data", "fuel-type-data"]
    assert not any(finding.blocks for finding in check_file(table.path))


def test_in_a_pipeline_a_failed_check_publishes_nothing_and_keeps_the_old_table(tmp_path: Path) -> None:
    run(tmp_path, BOTH).raise_for_failure()
    before = (tmp_path / "hourly" / "t.parquet").read_bytes()

    result = run(tmp_path, [*BOTH, Row(at(0), "PJM", "D", "1")])

    assert result.outcome == "failed"
    assert isinstance(result.error, CheckFailedError)
    assert (tmp_path / "hourly" / "t.parquet").read_bytes() == before


def test_a_damaged_page_is_an_error_that_helps(tmp_path: Path) -> None:
    raw = land_answers(
        tmp_path, [[(answer(BOTH, REGION_DATA), 11)]], route_id="region-data", **{**REQUEST, "types": ["D"]}
    )

    with pytest.raises(RawDataError, match="holds 12 rows, its receipt says 11"):
        transform(tmp_path, [raw])


ASKED = HourRange.of_labels(FIRST, LAST)
VALUES = st.none() | st.integers(-5, 5).map(str) | st.sampled_from([".3", "-.21", "NA", 7, -0.0])
ROWS = st.builds(
    Row,
    period=st.integers(0, len(ASKED) - 1).map(lambda hour: label(ASKED.start + hour * HOUR)),
    respondent=st.sampled_from(REQUEST["respondents"]),
    code=st.sampled_from(["D"]),
    value=VALUES,
)


def windows_of(rows: list[Row], data: st.DataObject) -> list[list[list[Row]]]:
    """Draws a way to cut `rows`, in any order, into windows of pages."""
    shuffled = data.draw(st.permutations(rows))
    windows: list[list[list[Row]]] = []
    while shuffled:
        sizes = data.draw(st.lists(st.integers(1, len(shuffled)), min_size=1, max_size=3))
        pages = []
        for size in sizes:
            pages.append(shuffled[:size])
            shuffled = shuffled[size:]
        windows.append(pages)
    return windows


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(ROWS, min_size=1, max_size=25), data=st.data())
def test_the_same_rows_give_the_same_bytes_whatever_the_pages(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], data: st.DataObject
) -> None:
    made = []
    for windows, large in (
        ([[rows]], False),
        (windows_of(rows, data), False),
        (windows_of(rows, data), True),
    ):
        out = tmp_path_factory.mktemp("run")
        raw = land(out, windows, route_id="region-data", **{**REQUEST, "types": ["D"]})
        with pytest.MonkeyPatch.context() as patch:
            if large:  # as years of data are: in chunks, by way of files
                patch.setattr(steps_module, "_HELD_ROWS", 0)
                patch.setattr(shelf_module, "CHUNK_ROWS", data.draw(st.integers(1, 10)))
            made.append(transform(out, [raw])[0])

    assert made[0].path.read_bytes() == made[1].path.read_bytes() == made[2].path.read_bytes()
    received = [
        Received(
            row.period,
            row.respondent,
            row.code,
            None if row.value in (None, "NA") else float(row.value) or 0.0,
        )
        for row in rows
    ]
    assert plain_rows(made[0].scan().collect()) == expected_table(received, ASKED)
