from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr
from tests.e2e.servers import closed_port, sample_part, serve

import gridloom
from gridloom.errors import (
    ConfigError,
    KeyMissingError,
    KeyRejectedError,
    NoDataError,
    SourceUnreachableError,
    UnknownCodeError,
)
from gridloom.extract.replay import ReplayServer
from gridloom.pipelines.hourly import Prepared, build, hourly, prepare
from gridloom.pipelines.settings import HourlySettings
from gridloom.sample import sample_path

DAY = {"start": "2019-01-01T00", "end": "2019-01-01T23"}
KEY = SecretStr("a-key-of-the-tests")
NEW = "NEWA"


def prepared(key: SecretStr | None = None, region: str | None = None, **values: Any) -> Prepared:
    return prepare(HourlySettings.of(values), api_key=key, name_region=region)


def with_new_authority() -> pl.DataFrame:
    known = sample_part(["PACW"], ["D"], days=2)
    new = known.with_columns(pl.lit(NEW).cast(pl.Categorical).alias("respondent"))
    return pl.concat([known.cast({"respondent": pl.String}), new.cast({"respondent": pl.String})])


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with serve(with_new_authority()) as running:
        yield running


# --- codes --------------------------------------------------------------------------------------


def test_aliases_are_corrected_with_one_line_each() -> None:
    found = prepared(sample=True, regions="SPP,ercot,SPP,SWPP,PACW")

    assert found.respondents == ("ERCO", "PACW", "SWPP")
    assert len(found.warnings) == 2
    assert "'SPP'" in found.warnings[0]
    assert "'SWPP'" in found.warnings[0]
    assert "'ERCOT'" in found.warnings[1]


def test_known_codes_are_not_looked_up(server: ReplayServer) -> None:
    prepared(KEY, base_url=server.url, regions="PACW")

    assert server.request_count == 0


def test_a_code_that_only_the_source_knows_is_looked_up_once_and_used(
    server: ReplayServer, tmp_path: Path
) -> None:
    found = prepared(KEY, base_url=server.url, regions=f"PACW,{NEW}", series="D", out=tmp_path, **DAY)
    assert [request.path for request in server.requests] == [
        "/v2/electricity/rto/region-data/facet/respondent"
    ]

    result = build(found).execute()

    result.raise_for_failure()
    table = result["transform"].output
    assert table.respondents == (NEW, "PACW")
    assert table.rows == 48


def test_a_code_that_nobody_knows_is_refused_with_the_nearest(server: ReplayServer) -> None:
    with pytest.raises(UnknownCodeError) as caught:
        prepared(KEY, base_url=server.url, regions="PACV,NEWB,PACW")

    text = str(caught.value)
    assert "'PACV' is not a respondent of EIA-930. Did you mean PAC" in text
    assert f"'NEWB' is not a respondent of EIA-930. Did you mean {NEW}" in text
    assert "`gridloom regions` lists all codes." in text
    assert server.request_count == 1


def test_the_sample_is_asked_for_unknown_codes_too() -> None:
    with pytest.raises(UnknownCodeError, match="Did you mean PACW"):
        prepared(sample=True, regions="PACWW")


def test_an_unknown_code_at_a_server_that_is_not_there() -> None:
    with pytest.raises(SourceUnreachableError, match="--base-url"):
        prepared(KEY, base_url=f"http://127.0.0.1:{closed_port()}/v2", regions="XXXX")


# --- source, key, hours -------------------------------------------------------------------------


def test_sources_are_told_apart_by_host_and_never_by_port() -> None:
    here = [prepared(KEY, base_url=f"http://127.0.0.1:{port}/v2").source.identity for port in (1, 2)]

    assert here == ["custom:127.0.0.1"] * 2
    assert prepared(KEY).source.identity == "eia"
    assert prepared(sample=True).source.identity.startswith("sample:")


def test_a_source_needs_a_key_but_the_sample_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyMissingError, match="EIA_API_KEY") as caught:
        prepared()
    monkeypatch.setenv("EIA_API_KEY", "from-the-environment")
    found = prepared()

    assert "--sample" in str(caught.value)
    assert found.api_key is not None
    assert found.api_key.get_secret_value() == "from-the-environment"
    assert "from-the-environment" not in repr(found)
    assert prepared(sample=True).api_key is None


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_no_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EIA_API_KEY", key)

    with pytest.raises(KeyMissingError):
        prepared()


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf"])
def test_a_rate_that_is_none(rate: str) -> None:
    with pytest.raises(ConfigError):
        prepared(KEY, rate_limit=rate)


def test_no_rate_limit_is_for_this_machine_only() -> None:
    assert prepared(KEY, rate_limit="off", base_url="http://127.0.0.1:1/v2").settings.rate_limit == "off"
    with pytest.raises(ConfigError, match="loopback"):
        prepared(KEY, rate_limit="off")


@pytest.mark.parametrize(
    "url", ["api.eia.gov/v2", "ftp://api.eia.gov/v2", "http://api.eia.gov/v2", "https://u:pw@host/v2"]
)
def test_a_base_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prepared(KEY, base_url=url)

    assert "u:pw" not in str(caught.value)


def test_hours_that_the_source_is_known_not_to_have() -> None:
    with pytest.raises(NoDataError, match="--sample"):
        prepared(sample=True, year=2020)
    with pytest.raises(NoDataError, match="history starts at 2019-01-01T00"):
        prepared(KEY, year=2018)


# --- the file's name ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "region", "name"),
    [
        ({"year": 2024}, None, "eia930_2024"),
        ({"start_year": 2019, "end_year": 2023}, None, "eia930_2019-2023"),
        ({"year": 2024}, "PACW", "eia930_PACW_2024"),
        (DAY, None, "eia930_2019-01-01T00_2019-01-01T23"),
        ({"year": 2024, "name": "mine"}, "PACW", "mine"),
    ],
)
def test_names_of_files(values: dict[str, Any], region: str | None, name: str) -> None:
    found = prepared(KEY, region=region, out="there", **values)

    assert found.parquet == Path("there/hourly") / f"{name}.parquet"


# --- the DAG ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({"series": "D"}, ["extract-region-data", "transform"]),
        ({"series": "NG.WND"}, ["extract-fuel-type-data", "transform"]),
        ({}, ["extract-region-data", "extract-fuel-type-data", "transform"]),
        ({"through": "extract"}, ["extract-region-data", "extract-fuel-type-data"]),
        ({"through": "load", "series": "D"}, ["extract-region-data", "transform", "load"]),
        ({"through": "ring", "series": "D"}, ["extract-region-data", "transform", "load", "ring"]),
    ],
)
def test_the_steps_of_the_pipeline(values: dict[str, Any], steps: list[str], tmp_path: Path) -> None:
    dag = build(prepared(sample=True, out=tmp_path, **values))

    assert dag.validate_dag() == steps


def test_settings_reach_the_dag(tmp_path: Path) -> None:
    dag = build(
        prepared(sample=True, out=tmp_path, max_parallel=2, continue_on_failure=True, force=True, **DAY)
    )

    assert dag.config.max_parallel_steps == 2
    assert not dag.config.stop_on_failure
    assert dag.config.force
    assert dag.config.output_dir == tmp_path


# --- in Python ----------------------------------------------------------------------------------


def sample_day(respondents: list[str], series: list[str]) -> pl.DataFrame:
    return (
        pl.scan_parquet(sample_path())
        .filter(
            pl.col("period").is_between(
                datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, 23, tzinfo=UTC)
            ),
            pl.col("respondent").cast(pl.String).is_in(respondents),
            pl.col("series").cast(pl.String).is_in(series),
        )
        .collect()
    )


def test_one_call_gives_the_table(tmp_path: Path) -> None:
    table = hourly("2019-01-01T00", "2019-01-01T23", ["PACW", "ERCO"], "D,DF", sample=True, out=tmp_path)

    assert table.path == tmp_path / "hourly" / "eia930_2019-01-01T00_2019-01-01T23.parquet"
    assert (table.rows, table.respondents, table.series) == (96, ("ERCO", "PACW"), ("D", "DF"))
    assert table.scan().collect().equals(sample_day(["PACW", "ERCO"], ["D", "DF"]))


def test_it_is_a_public_name() -> None:
    assert gridloom.hourly is hourly


def test_it_works_inside_a_running_event_loop(tmp_path: Path) -> None:
    async def cell() -> int:
        return hourly(regions="PACW", series="D", sample=True, out=tmp_path, **DAY).rows

    assert asyncio.run(cell()) == 24


def test_aware_datetimes_are_hours_in_utc(tmp_path: Path) -> None:
    pacific = timezone(timedelta(hours=-8))
    first, last = datetime(2018, 12, 31, 16, tzinfo=pacific), datetime(2019, 1, 1, 23, tzinfo=UTC)

    table = hourly(first, last, regions=["PACW"], series=["D"], sample=True, out=tmp_path)

    assert (table.first, table.last) == ("2019-01-01T00", "2019-01-01T23")


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (datetime(2019, 1, 1), "has no time zone"),  # noqa: DTZ001 - that is the mistake
        (datetime(2019, 1, 1, 0, 30, tzinfo=UTC), "is not a full hour"),
        (datetime(2019, 1, 1, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))), "is not a full hour"),
    ],
)
def test_datetimes_that_name_no_hour(start: datetime, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        hourly(start, "2019-01-01T23", sample=True, out=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_corrected_code_is_a_warning_in_python(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="using 'SWPP'") as caught:
        table = hourly(regions="SPP", series="D", sample=True, out=tmp_path, **DAY)

    assert table.respondents == ("SWPP",)
    assert Path(caught[0].filename) == Path(__file__)


def test_a_failed_run_raises_its_error(tmp_path: Path) -> None:
    with (
        serve(sample_part(["PACW"], ["D"], days=1), key="right") as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setitem(os.environ, "EIA_API_KEY", "wrong-key-of-tests")
        with pytest.raises(KeyRejectedError) as caught:
            hourly(regions="PACW", series="D", base_url=server.url, out=tmp_path, **DAY)

    assert "wrong-key-of-tests" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"through": "extract"}, "always runs through 'transform'"),
        ({"regoins": "PACW"}, "`regoins` is not a setting"),
        ({"api_key": "x"}, "`api_key` is not a setting"),
    ],
)
def test_settings_that_it_does_not_take(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        hourly(sample=True, out=tmp_path, **settings)
