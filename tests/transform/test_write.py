from __future__ import annotations

import errno
import io
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.frames import table_frame, write_frame

from gridloom.errors import StorageError
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.table import polars_schema, rows_digest
from gridloom.transform.footer import Footer
from gridloom.transform.write import ROW_GROUP_ROWS, is_written

ROWS = [
    ("2019-01-01T00", "CAR", "D", 1.5, "reported"),
    ("2019-01-01T01", "CAR", "D", None, "null"),
    ("2019-01-01T00", "PACW", "NG.WND", -0.21, "reported"),
    ("2019-01-01T01", "PACW", "NG.WND", None, "missing"),
]
REQUEST = {
    "source": "custom:test",
    "first": "2019-01-01T00",
    "last": "2019-01-01T01",
    "asked_respondents": ("CAR", "PACW", "SWPP"),
    "asked_series": ("D", "NG.all"),
}


def write(path: Path, frame: pl.DataFrame | None = None) -> HourlyTable:
    return write_frame(path, table_frame(ROWS) if frame is None else frame, **REQUEST)  # type: ignore[arg-type]


def test_the_record_says_what_the_file_holds(tmp_path: Path) -> None:
    table = write(tmp_path / "new" / "t.parquet")

    assert table.mismatch() is None
    assert (table.rows, table.hours_missing, table.hours_null) == (4, 1, 1)
    assert (table.respondents, table.series) == (("CAR", "PACW"), ("D", "NG.WND"))
    assert (table.first, table.last, table.source) == ("2019-01-01T00", "2019-01-01T01", "custom:test")
    assert table.scan().collect().equals(table_frame(ROWS))
    assert table.rows_digest == rows_digest([table_frame(ROWS)])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["t.parquet"]


def test_other_readers_find_the_contract_s_types(tmp_path: Path) -> None:
    write(tmp_path / "t.parquet")

    schema = pq.read_schema(tmp_path / "t.parquet")

    assert schema.names == ["period", "respondent", "series", "value", "status"]
    assert schema.field("period").type == pa.timestamp("ms", tz="UTC")
    assert schema.field("value").type == pa.float64()
    for name in ("respondent", "series", "status"):
        assert pa.types.is_dictionary(schema.field(name).type)


def test_the_footer_holds_the_request_and_the_digest_and_nothing_of_this_machine(tmp_path: Path) -> None:
    table = write(tmp_path / "t.parquet")

    metadata = pq.read_metadata(tmp_path / "t.parquet").metadata
    ours = {key.decode(): value.decode() for key, value in metadata.items() if key.startswith(b"gridloom.")}

    assert ours == {
        "gridloom.schema_version": "1",
        "gridloom.source": "custom:test",
        "gridloom.first": "2019-01-01T00",
        "gridloom.last": "2019-01-01T01",
        "gridloom.respondents": '["CAR","PACW"]',
        "gridloom.series": '["D","NG.WND"]',
        "gridloom.asked_respondents": '["CAR","PACW","SWPP"]',
        "gridloom.asked_series": '["D","NG.all"]',
        "gridloom.rows": "4",
        "gridloom.rows_digest": table.rows_digest,
    }
    assert set(metadata) - {key.encode() for key in ours} == {b"ARROW:schema"}


def test_the_footer_reads_back(tmp_path: Path) -> None:
    table = write(tmp_path / "t.parquet")

    footer = Footer.read(table.path)

    assert footer.metadata() == {
        key: value
        for key, value in pl.read_parquet_metadata(table.path).items()
        if key.startswith("gridloom.")
    }
    assert (footer.rows, footer.asked_respondents) == (4, ("CAR", "PACW", "SWPP"))


def test_an_empty_table_can_be_written(tmp_path: Path) -> None:
    table = write(tmp_path / "t.parquet", polars_schema().to_frame())

    assert (table.rows, table.respondents) == (0, ())
    assert table.scan().collect().schema == polars_schema()


def test_large_tables_have_row_groups_of_a_fixed_size(tmp_path: Path) -> None:
    rows = ROW_GROUP_ROWS + 10
    one = table_frame(ROWS[:1])
    whole = pl.concat([one] * rows)
    pieces = pl.concat([one] * rows, rechunk=True)

    write(tmp_path / "a.parquet", whole)
    write(tmp_path / "b.parquet", pieces)

    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [
        ROW_GROUP_ROWS,
        10,
    ]
    assert metadata.row_group(0).column(0).statistics.has_min_max
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_refused_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(tmp_path / "t.parquet")
    written: list[int] = []

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            if written:
                raise OSError(errno.ENOSPC, "No space left on device")
            written.append(super().write(data[:3]))
            return written[0]

    def full(path: Path, mode: str) -> Full:
        return Full(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(StorageError, match=r"Could not write .*t\.parquet: No space .* The disk is full"):
            write(tmp_path / "t.parquet", table_frame(ROWS[:2]))

    assert written
    assert old.mismatch() is None
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


_IN_A_NEW_PROCESS = """
import random, sys
from pathlib import Path
import polars as pl
from gridloom.grid.hours import HourRange
from gridloom.grid.table import polars_schema, rows_digest
from gridloom.transform.facts import Facts
from gridloom.transform.write import write_table

seed, path = int(sys.argv[1]), Path(sys.argv[2])
rng = random.Random(seed)
names = ["PACW", "CAR", "D", "NG.WND", "DF", "missing", "zzz", "reported"]
rng.shuffle(names)
for name in names[: rng.randrange(len(names))]:
    pl.Series([name]).cast(pl.Categorical())  # other categories were seen first
first, last = pl.datetime(2019, 1, 1), pl.datetime(2019, 12, 31, 23)
period = pl.datetime_range(first, last, "1h", time_unit="ms", time_zone="UTC")
parts = []
for respondent in ("CAR", "PACW"):
    for series in ("D", "DF", "NG.WND"):
        hours = pl.select(period=period)
        value = (pl.int_range(pl.len()) * 37 % 1009).cast(pl.Float64) / 7
        frame = hours.with_columns(
            respondent=pl.lit(respondent), series=pl.lit(series), value=value, status=pl.lit("reported")
        )
        cut = rng.randrange(frame.height)
        parts += [frame[:cut], frame[cut:]]  # cut elsewhere in every process
parts = [part.cast(dict(polars_schema())) for part in parts]
facts = Facts.of(pl.concat(parts), HourRange.of_years(2019))
write_table(path, [part.lazy() for part in parts], facts, source="s", first="2019-01-01T00",
            last="2019-12-31T23", asked_respondents=("CAR", "PACW"), asked_series=("D",),
            rows_digest=rows_digest(parts))
"""


def test_other_processes_threads_and_pieces_give_the_same_bytes(tmp_path: Path) -> None:
    contents = set()
    for seed, threads in ((1, "1"), (2, "2"), (3, "7")):
        path = tmp_path / f"{seed}.parquet"
        environment = {**os.environ, "POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": str(seed)}
        subprocess.run(
            [sys.executable, "-c", _IN_A_NEW_PROCESS, str(seed), str(path)],
            check=True,
            env=environment,
            timeout=60,
        )
        contents.add(path.read_bytes())

    assert len(contents) == 1


def test_the_digest_does_not_depend_on_where_the_rows_are_cut() -> None:
    frame = table_frame(ROWS * 50)
    cuts = sorted(random.Random(0).sample(range(1, frame.height), 5))
    pieces = pl.concat(
        [frame[a:b] for a, b in zip([0, *cuts], [*cuts, frame.height], strict=True)], rechunk=False
    )

    assert rows_digest([pieces]) == rows_digest([frame])
    assert rows_digest([frame[1:]]) != rows_digest([frame])


def test_a_file_is_told_from_other_rows_bit_by_bit(tmp_path: Path) -> None:
    rows = pl.concat([table_frame([("2019-01-01T00", "CAR", "D", 0.0, "reported")])] * (ROW_GROUP_ROWS + 2))
    table = write(tmp_path / "t.parquet", rows)
    last = pl.int_range(pl.len()) == pl.len() - 1

    def written(*parts: pl.DataFrame) -> bool:
        return is_written(table.path, [part.lazy() for part in parts])

    assert written(rows)
    assert written(rows[:7], rows[7:7], rows[7:])
    assert not written(rows[:-1])
    assert not written(rows, rows[:1])
    for other in (-0.0, 5e-324, None):
        changed = pl.when(last).then(pl.lit(other, pl.Float64)).otherwise("value").alias("value")
        assert not written(rows.with_columns(changed))
