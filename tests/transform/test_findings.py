from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.support.frames import table_frame, write_frame

from gridloom.errors import FileFormatError
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HourRange
from gridloom.grid.table import rows_digest
from gridloom.transform.complete import Life
from gridloom.transform.facts import Facts, names_in
from gridloom.transform.findings import check_file, check_table, check_written, listed, missing_by_respondent
from gridloom.transform.footer import Footer

HOURS = HourRange.of_labels("2019-01-01T00", "2019-01-01T03")
LABELS = [f"2019-01-01T{hour:02}" for hour in range(4)]
GOOD = table_frame(
    [
        (
            label,
            respondent,
            series,
            None if hour == 1 else float(hour),
            "missing" if hour == 1 else "reported",
        )
        for respondent in ("CAR", "PACW")
        for series in ("D", "NG.WND")
        for hour, label in enumerate(LABELS)
    ]
)
LIVES = [Life(code, series, HOURS) for code in ("CAR", "PACW") for series in ("D", "NG.WND")]
REQUIRED = [
    "sorted",
    "keys-unique",
    "hours-inside-window",
    "grid-complete",
    "statuses-consistent",
    "values-finite",
    "footer-agrees",
    "rows-unchanged",
]


def footer_of(frame: pl.DataFrame) -> Footer:
    return Footer(
        source="custom:test",
        first=LABELS[0],
        last=LABELS[-1],
        respondents=names_in(frame, "respondent"),
        series=names_in(frame, "series"),
        asked_respondents=("CAR", "PACW"),
        asked_series=("D", "NG.WND"),
        rows=frame.height,
        rows_digest=rows_digest([frame]),
    )


def failed(frame: pl.DataFrame, lives: list[Life] | None = None) -> dict[str, str]:
    findings = check_table(frame, footer_of(frame), lives=lives)
    return {finding.name: finding.detail for finding in findings if finding.blocks}


def edited(change: pl.Expr, where: pl.Expr) -> pl.DataFrame:
    return GOOD.with_columns(pl.when(where).then(change).otherwise(pl.col(change.meta.output_name())))


def write(path: Path, frame: pl.DataFrame = GOOD) -> Path:
    write_frame(
        path,
        frame,
        source="custom:test",
        first=LABELS[0],
        last=LABELS[-1],
        asked_respondents=("CAR", "PACW"),
        asked_series=("D", "NG.WND"),
    )
    return path


def test_a_good_table_passes_every_required_check_and_says_what_is_missing() -> None:
    findings = check_table(GOOD, footer_of(GOOD), lives=LIVES)

    assert [finding.name for finding in findings if finding.required] == REQUIRED
    assert all(finding.passed for finding in findings if finding.required)
    assert findings[-1].name == "hours-missing"
    assert not findings[-1].passed
    assert findings[-1].detail == "4 of 16 rows are hours that the source did not send: CAR 2, PACW 2."


def test_a_table_without_gaps_has_no_missing_hours() -> None:
    whole = GOOD.filter(pl.col("series").cast(pl.String) == "D").with_columns(
        pl.lit(1.0).alias("value"), pl.lit("reported").cast(pl.Categorical()).alias("status")
    )

    assert all(finding.passed for finding in check_table(whole, footer_of(whole)))


BREAKS: dict[str, tuple[pl.DataFrame, set[str]]] = {
    "two rows swapped": (pl.concat([GOOD[1:2], GOOD[0:1], GOOD[2:]]), {"sorted"}),
    "two series swapped": (pl.concat([GOOD[4:8], GOOD[0:4], GOOD[8:]]), {"sorted"}),
    "two respondents swapped": (pl.concat([GOOD[8:], GOOD[:8]]), {"sorted"}),
    "a row twice": (pl.concat([GOOD[:1], GOOD]), {"keys-unique"}),
    "an hour gone": (pl.concat([GOOD[:2], GOOD[3:]]), {"grid-complete"}),
    "an hour twice in place of another": (
        pl.concat([GOOD[:2], GOOD[1:2], GOOD[3:]]),
        {"keys-unique", "grid-complete"},
    ),
    "a NaN": (edited(pl.lit(float("nan")).alias("value"), pl.col("value") == 2), {"values-finite"}),
    "an infinity": (edited(pl.lit(float("inf")).alias("value"), pl.col("value") == 2), {"values-finite"}),
    "a reported null": (
        edited(pl.lit(None, pl.Float64).alias("value"), pl.col("value") == 2),
        {"statuses-consistent"},
    ),
    "a missing value": (
        edited(pl.lit(1.0).alias("value"), pl.col("value").is_null()),
        {"statuses-consistent"},
    ),
    "another status": (
        GOOD.with_columns(pl.lit("guessed").cast(pl.Categorical()).alias("status")),
        {"statuses-consistent"},
    ),
    "no status": (
        GOOD.with_columns(pl.lit(None).cast(pl.Categorical()).alias("status")),
        {"statuses-consistent"},
    ),
    "a respondent gone": (
        edited(pl.lit(None).cast(pl.Categorical()).alias("respondent"), pl.col("value") == 2),
        {"keys-unique", "grid-complete"},
    ),
    "a period of another age": (
        edited(pl.lit(1 << 52).cast(pl.Datetime("ms", "UTC")).alias("period"), pl.col("value") == 3),
        {"hours-inside-window", "grid-complete"},
    ),
    "half an hour": (GOOD.with_columns(pl.col("period").dt.offset_by("30m")), {"grid-complete"}),
    "a later day": (GOOD.with_columns(pl.col("period").dt.offset_by("1d")), {"hours-inside-window"}),
    "an earlier hour": (GOOD.with_columns(pl.col("period").dt.offset_by("-1h")), {"hours-inside-window"}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_every_break_is_found_by_its_check(name: str) -> None:
    frame, expected = BREAKS[name]

    found = failed(frame)

    assert set(found) == expected
    assert all(detail.endswith(".") for detail in found.values())


@pytest.mark.parametrize(
    "frame",
    [GOOD[:-1], GOOD[1:], GOOD[4:], pl.concat([GOOD[:8], GOOD[9:]])],
    ids=["last hour", "first hour", "whole series", "first hour of another"],
)
def test_cut_edges_are_found_where_the_lives_are_known(frame: pl.DataFrame) -> None:
    assert set(failed(frame, LIVES)) == {"grid-complete"}
    assert failed(frame) == {}


def test_a_series_that_nobody_expected_is_found() -> None:
    assert (
        "PACW NG.WND (4 hours from 2019-01-01T00 to 2019-01-01T03)"
        in failed(GOOD, LIVES[:-1])["grid-complete"]
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"rows": 15}, {"footer-agrees"}),
        ({"respondents": ("CAR",)}, {"footer-agrees"}),
        ({"series": ("D",)}, {"footer-agrees"}),
        ({"rows_digest": "sha256:0"}, {"rows-unchanged"}),
        ({"last": "2019-01-01T02"}, {"hours-inside-window"}),
    ],
)
def test_a_footer_that_says_else_is_found(change: dict[str, object], names: set[str]) -> None:
    footer = dataclasses.replace(footer_of(GOOD), **change)  # type: ignore[arg-type]

    assert {finding.name for finding in check_table(GOOD, footer) if finding.blocks} == names


def test_a_changed_digit_is_found() -> None:
    changed = edited(pl.lit(2.0000000000000004).alias("value"), pl.col("value") == 2)
    findings = check_table(changed, footer_of(GOOD))

    assert [finding.name for finding in findings if finding.blocks] == ["rows-unchanged"]


def test_a_written_file_passes(tmp_path: Path) -> None:
    findings = check_file(write(tmp_path / "t.parquet"), lives=LIVES)

    assert not [finding for finding in findings if finding.blocks]


def test_a_file_just_written_has_the_findings_of_any_file_and_another_one_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet")
    digest = rows_digest([GOOD])
    table = HourlyTable.of(
        path,
        rows=GOOD.height,
        first=LABELS[0],
        last=LABELS[-1],
        respondents=("CAR", "PACW"),
        series=("D", "NG.WND"),
        hours_missing=4,
        hours_null=0,
        rows_digest=digest,
        source="custom:test",
    )

    def written() -> list[Finding]:
        return check_written(table, [GOOD[:3].lazy(), GOOD[3:].lazy()], Facts.of(GOOD, HOURS), lives=LIVES)

    assert written() == check_file(path, lives=LIVES)

    changed = edited(pl.lit(2.0000000000000004).alias("value"), pl.col("value") == 2)
    changed.write_parquet(path, metadata=footer_of(GOOD).metadata())
    blocked = [finding.name for finding in written() if finding.blocks]
    assert blocked == ["rows-unchanged"]


def _no_file(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("period,value\n")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _plain_parquet(path: Path) -> None:
    GOOD.write_parquet(path)


def _other_version(path: Path) -> None:
    GOOD.write_parquet(path, metadata={**footer_of(GOOD).metadata(), "gridloom.schema_version": "99"})


def _other_columns(path: Path) -> None:
    GOOD.drop("status").write_parquet(path, metadata=footer_of(GOOD).metadata())


def _other_types(path: Path) -> None:
    GOOD.cast({"value": pl.Float32}).write_parquet(path, metadata=footer_of(GOOD).metadata())


def _less_footer(path: Path) -> None:
    metadata = footer_of(GOOD).metadata()
    del metadata["gridloom.rows"]
    GOOD.write_parquet(path, metadata=metadata)


def _bad_footer(path: Path) -> None:
    GOOD.write_parquet(path, metadata={**footer_of(GOOD).metadata(), "gridloom.respondents": "CAR,PACW"})


def _wrong_footer(path: Path) -> None:
    GOOD.write_parquet(path, metadata={**footer_of(GOOD).metadata(), "gridloom.rows": '"many"'})


def _bad_label(path: Path) -> None:
    GOOD.write_parquet(path, metadata={**footer_of(GOOD).metadata(), "gridloom.first": "yesterday"})


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_no_file, "There is no file"),
        (_folder, "There is no file"),
        (_text, "is not a whole Parquet file"),
        (_empty, "is not a whole Parquet file"),
        (_truncated, "is not a whole Parquet file"),
        (_plain_parquet, "its footer carries no gridloom.schema_version"),
        (_other_version, "its footer says schema version 99, this GridLoom reads version 1"),
        (_other_columns, "its columns are period"),
        (_other_types, "value Float32"),
        (_less_footer, "its footer lacks gridloom.rows"),
        (_bad_footer, "its footer is damaged"),
        (_wrong_footer, "its footer is damaged"),
        (_bad_label, "its footer is damaged"),
    ],
)
def test_what_is_no_hourly_table_is_refused_in_words(
    tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    path = write(tmp_path / "t.parquet")
    spoil(path)

    with pytest.raises(FileFormatError) as caught:
        check_file(path)

    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_flipped_bit_passes(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet")
    good = path.read_bytes()
    undetected = []
    for position in range(4, len(good), 7):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x10]) + good[position + 1 :])
        try:
            findings: list[Finding] = check_file(path)
        except FileFormatError:
            continue
        if not any(finding.blocks for finding in findings) and not pl.read_parquet(path).equals(GOOD):
            undetected.append(position)

    assert undetected == []


def test_missing_hours_are_counted_for_every_respondent(tmp_path: Path) -> None:
    frame = GOOD.with_columns(
        pl.when(pl.col("respondent").cast(pl.String) == "CAR")
        .then(pl.lit("null"))
        .otherwise(pl.col("status").cast(pl.String))
        .cast(pl.Categorical())
        .alias("status")
    )
    table = write_frame(
        tmp_path / "t.parquet",
        frame,
        source="s",
        first=LABELS[0],
        last=LABELS[-1],
        asked_respondents=("CAR", "PACW"),
        asked_series=("D",),
    )

    assert missing_by_respondent(table) == {"CAR": 0, "PACW": 2}


def test_long_lists_are_cut_and_counted() -> None:
    assert listed(map(str, range(1200)), most=2) == "0, 1 and 1,198 more"
    assert listed(["a", "b"], most=2) == "a, b"


def test_rows_of_fewer_hours_than_asked_for_are_said_by_route_and_block_nothing() -> None:
    footer = dataclasses.replace(footer_of(GOOD), last="2019-01-02T03")

    found = {finding.name: finding for finding in check_table(GOOD, footer)}["hours-covered"]

    assert not found.passed
    assert not found.blocks
    assert found.detail == (
        "Asked for 2019-01-01T00 to 2019-01-02T03; there are rows from 2019-01-01T00 to 2019-01-01T03 only."
    )


def test_a_route_that_ends_early_is_named() -> None:
    early = (pl.col("series").cast(pl.String) == "NG.WND") & (pl.col("period").dt.hour() > 1)
    frame = GOOD.filter(~early)

    found = {finding.name: finding for finding in check_table(frame, footer_of(frame))}["hours-covered"]

    assert found.detail.endswith("there are rows from 2019-01-01T00 to 2019-01-01T01 of fuel-type-data only.")
