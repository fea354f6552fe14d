from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr
from tests.e2e.servers import sample_part, serve

from gridloom.errors import UnknownCodeError
from gridloom.pipelines.hourly import prepare
from gridloom.pipelines.settings import HourlySettings

KEY = SecretStr("a-key-of-the-tests")
NEW = pl.col("series").cast(pl.String).replace("NG.SUN", "NG.ZZZ")


def test_a_fuel_that_only_the_source_knows_can_be_asked_for(tmp_path: Path) -> None:
    with serve(sample_part().with_columns(series=NEW)) as server:
        settings = {"year": 2019, "regions": "PACW", "out": tmp_path, "base_url": server.url}

        prepared = prepare(HourlySettings.of({**settings, "series": "NG.ZZZ,NG.WND"}), api_key=KEY)
        asked = [request.path for request in server.requests]

        with pytest.raises(UnknownCodeError, match=r"'NG.ZZX' is not a series\. Did you mean NG\.ZZZ"):
            prepare(HourlySettings.of({**settings, "series": "NG.ZZX"}), api_key=KEY)

    assert prepared.series == ("NG.WND", "NG.ZZZ")
    assert [path.split("/facet/")[1] for path in asked] == ["fueltype"]


def test_fuels_of_our_table_are_not_looked_up(tmp_path: Path) -> None:
    with serve(sample_part()) as server:
        settings = {"year": 2019, "series": "D,NG.all,NG.WND", "out": tmp_path, "base_url": server.url}
        prepare(HourlySettings.of(settings), api_key=KEY)

        assert server.request_count == 0
