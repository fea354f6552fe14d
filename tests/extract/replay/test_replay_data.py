"""What can be served: files of the hourly contract, and nothing else."""

from __future__ import annotations

import polars as pl
import pytest

from gridloom.errors import FileFormatError
from gridloom.extract.replay import ReplayData
from gridloom.extract.replay.query import parse_data_query
from gridloom.grid.routes import ROUTES
from gridloom.grid.table import polars_schema


def values(data, route="region-data"):
    rows = data.routes[route]
    return rows.page(parse_data_query(rows.route, {})).rows["value"].to_list()


def test_files_are_split_by_route(small_data):
    assert list(small_data.routes) == list(ROUTES)
    assert [name for name, rows in small_data.routes.items() if rows.frame.height] == [
        "region-data",
        "fuel-type-data",
    ]
    assert small_data.routes["region-data"].codes("type") == ["D", "DF"]
    assert small_data.routes["fuel-type-data"].codes("fueltype") == ["SUN", "WND"]


def test_net_generation_is_not_natural_gas(make_table):
    data = ReplayData.of_frame(
        make_table([("PACW", "NG", 0, 1.0, "reported"), ("PACW", "NG.NG", 0, 2.0, "reported")])
    )
    assert data.routes["region-data"].codes("type") == ["NG"]
    assert data.routes["fuel-type-data"].codes("fueltype") == ["NG"]
    assert (values(data), values(data, "fuel-type-data")) == ([1.0], [2.0])


def test_codes_sort_as_text_whatever_their_order_in_the_file(make_table):
    rows = [(code, "D", 0, 1.0, "reported") for code in ("PACW", "AVA", "NYIS")]
    frame = make_table(rows).reverse()
    assert ReplayData.of_frame(frame).routes["region-data"].codes("respondent") == ["AVA", "NYIS", "PACW"]


def test_plain_text_columns_are_as_good_as_dictionaries(small_table, tmp_path):
    path = tmp_path / "plain.parquet"
    small_table.cast({"respondent": pl.String, "series": pl.String, "status": pl.String}).write_parquet(path)
    assert values(ReplayData.load([path])) == values(ReplayData.of_frame(small_table))


def test_more_columns_than_the_contract_are_ignored(small_table, tmp_path):
    path = tmp_path / "more.parquet"
    small_table.with_columns(flag=pl.lit("OKAY")).write_parquet(path)
    assert values(ReplayData.load([path])) == values(ReplayData.of_frame(small_table))


def test_of_two_files_the_later_one_counts(make_table, tmp_path):
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    make_table([("PACW", "D", 0, 1.0, "reported"), ("PACW", "D", 1, 2.0, "reported")]).write_parquet(first)
    make_table([("PACW", "D", 1, 3.0, "reported"), ("PACW", "D", 2, 4.0, "reported")]).write_parquet(second)
    assert values(ReplayData.load([first, second])) == [1.0, 3.0, 4.0]
    assert values(ReplayData.load([second, first])) == [1.0, 2.0, 4.0]


def test_a_table_of_missing_hours_only_has_an_end_but_no_rows(make_table):
    rows = ReplayData.of_frame(make_table([("PACW", "D", 5, None, "missing")])).routes["region-data"]
    assert (rows.first, rows.last) == ("2024-01-01T05", "2024-01-01T05")
    assert rows.page(parse_data_query(rows.route, {"start": "2024-01-01T00"})).total == 0
    local = parse_data_query(rows.route, {"frequency": "local-hourly", "sort": [{"column": "value"}]})
    assert rows.page(local).total == 0


def test_nothing_to_serve():
    with pytest.raises(FileFormatError, match="Name at least one Parquet file"):
        ReplayData.load([])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFormatError, match=r"There is no file .*absent\.parquet"):
        ReplayData.load([tmp_path / "absent.parquet"])


def test_a_file_that_is_not_parquet(tmp_path):
    path = tmp_path / "text.parquet"
    path.write_text("period,respondent\n" * 100)
    with pytest.raises(FileFormatError, match=r"text\.parquet is not a Parquet file"):
        ReplayData.load([path])


def test_a_truncated_file(small_table, tmp_path):
    path = tmp_path / "cut.parquet"
    small_table.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FileFormatError, match=r"cut\.parquet is not a Parquet file"):
        ReplayData.load([path])


def test_a_file_of_other_columns_names_the_absent_ones(tmp_path):
    path = tmp_path / "other.parquet"
    pl.DataFrame({"period": [1], "demand": [2.0]}).write_parquet(path)
    with pytest.raises(FileFormatError, match="has no column respondent, series, value, status") as caught:
        ReplayData.load([path])
    assert "gridloom year" in str(caught.value)


half_hour = pl.col("period") + pl.duration(minutes=30)
BROKEN = {
    "its column value is Int64, not Float64": pl.col("value").cast(pl.Int64),
    "its column period is": pl.col("period").dt.replace_time_zone(None),
    "a period is not a full hour": half_hour,
    "a status is not one of": pl.lit("fine").alias("status"),
    "a reported value is null": pl.lit("reported").alias("status"),
    "a key or status is null": pl.lit(None, dtype=pl.String).alias("series"),
    "a value is not finite": pl.when(pl.col("value").is_not_null()).then(float("nan")).alias("value"),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_table_is_refused_with_its_problem(small_table, tmp_path, problem):
    path = tmp_path / "broken.parquet"
    small_table.with_columns(BROKEN[problem]).write_parquet(path)
    with pytest.raises(FileFormatError, match=r"broken\.parquet is not an hourly table: " + problem):
        ReplayData.load([path])


def test_an_empty_table_is_refused(tmp_path):
    path = tmp_path / "empty.parquet"
    pl.DataFrame(schema=polars_schema()).write_parquet(path)
    with pytest.raises(FileFormatError, match="it has no rows"):
        ReplayData.load([path])


def test_the_same_hour_twice_is_refused(make_table):
    with pytest.raises(FileFormatError, match="twice"):
        ReplayData.of_frame(make_table([("PACW", "D", 0, 1.0, "reported")] * 2))
