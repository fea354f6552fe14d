from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gridloom.errors import StorageError
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HourRange
from gridloom.pipelines.hourly import Prepared, prepare
from gridloom.pipelines.reporting import table_coverage
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.summary import ran


def prepared(out: Path, **settings: Any) -> Prepared:
    asked = {"regions": ["PACW", "ERCO"], "series": "D", "start": "2019-01-01T00", "end": "2019-02-10T05"}
    return prepare(HourlySettings.of({**asked, "sample": True, "out": out, **settings}))


def unheard(_event: object) -> None:
    """Hears nothing."""


def test_a_run_leaves_its_report_and_the_hours_of_its_table(tmp_path: Path) -> None:
    summary, code = ran(prepared(tmp_path), unheard)

    assert code == 0
    assert summary["report"] == summary["run_dir"] / "report.html"
    html = summary["report"].read_text(encoding="utf-8")
    assert "hourly/" in html
    assert str(tmp_path) not in html
    coverage = json.loads((summary["run_dir"] / "coverage.json").read_bytes())
    assert coverage["table"] == summary["parquet"].relative_to(tmp_path).as_posix()


def test_a_failed_run_leaves_its_report_too(tmp_path: Path) -> None:
    (tmp_path / "hourly").write_text("a file where a folder is needed")
    summary, code = ran(prepared(tmp_path), unheard)

    assert code == 1
    assert "A file stands where a folder is needed" in summary["report"].read_text(encoding="utf-8")
    assert not (summary["run_dir"] / "coverage.json").exists()


@pytest.mark.parametrize(
    ("raised", "words"),
    [(StorageError("The disk is full."), "The disk is full."), (KeyError("x"), "KeyError: 'x'")],
)
def test_a_report_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, words: str
) -> None:
    def fail(_out: Path, _run_id: str) -> Path:
        raise raised

    monkeypatch.setattr("gridloom.report.page.write_report", fail)
    summary, code = ran(prepared(tmp_path), unheard)

    assert (code, summary["outcome"]) == (0, "succeeded")
    assert summary["report"] is None
    assert summary["report_problem"] == f"There is no report of the run. {words}"


def test_every_hour_of_the_table_is_counted_once(tmp_path: Path) -> None:
    summary, _ = ran(prepared(tmp_path, series="D,NG.all"), unheard)
    frame = pl.read_parquet(summary["parquet"])
    table = HourlyTable.of(
        summary["parquet"],
        rows=frame.height,
        first=summary["first"],
        last=summary["last"],
        respondents=(),
        series=(),
        hours_missing=0,
        hours_null=0,
        rows_digest="",
        source="",
    )
    coverage = table_coverage(table, tmp_path)

    hours = HourRange.of_labels(summary["first"], summary["last"])
    assert coverage.edges[0] == summary["first"]
    assert 30 < len(coverage.edges) <= 60
    assert len(coverage.edges) == -(-len(hours) // 24)
    for row in coverage.rows:
        own = frame.filter(
            pl.col("respondent").cast(pl.String) == row.respondent,
            pl.col("series").cast(pl.String) == row.series,
        )
        for status in ("reported", "null", "missing"):
            assert sum(getattr(row, status)) == own.filter(pl.col("status") == status).height
        assert row.reported[0] + row.null[0] + row.missing[0] == 24
        assert row.reported[-1] + row.null[-1] + row.missing[-1] == 6
    assert sum(sum(row.reported + row.null + row.missing) for row in coverage.rows) == frame.height
