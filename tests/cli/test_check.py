from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.cli.conftest import Call
from tests.e2e.processes import Done


@pytest.fixture
def file(made: Done, tmp_path: Path) -> Path:
    return tmp_path / "data" / "hourly" / "day.parquet"


def rewritten(path: Path, frame: pl.DataFrame) -> None:
    """Writes other rows under the footer of `path`."""
    footer = {
        name: text for name, text in pl.read_parquet_metadata(path).items() if name.startswith("gridloom.")
    }
    frame.write_parquet(path, metadata=footer)


def failed(done: Done) -> set[str]:
    return {
        finding["name"] for finding in done.json["findings"] if finding["required"] and not finding["passed"]
    }


def test_a_good_file(call: Call, file: Path) -> None:
    done = call("check", file)
    found = call("check", file, "--json")

    assert done.code == found.code == 0
    assert "is a complete hourly table." in done.out
    assert "FAIL" not in done.out
    assert found.json.keys() == {"outcome", "file", "findings"}
    assert found.json["outcome"] == "succeeded"
    assert failed(found) == set()
    assert call("check", file, "-q").out == ""


def test_verbose_says_why_each_check_is_there(call: Call, file: Path) -> None:
    assert "Readers rely on the order" not in call("check", file).out
    assert "Readers rely on the order" in call("check", file, "-v").out


def test_a_changed_value(call: Call, file: Path) -> None:
    frame = pl.read_parquet(file)
    value = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("value") + 1e-9).otherwise(pl.col("value"))
    rewritten(file, frame.with_columns(value=value))

    done = call("check", file, "--json")

    assert done.code == 1
    assert done.json["outcome"] == "failed"
    assert failed(done) == {"rows-unchanged"}


def test_a_dropped_row(call: Call, file: Path) -> None:
    frame = pl.read_parquet(file)
    rewritten(file, frame.filter(pl.int_range(pl.len()) != 7))

    done = call("check", file, "--json")

    assert done.code == 1
    assert failed(done) >= {"grid-complete", "footer-agrees", "rows-unchanged"}


def test_a_failed_check_is_said_even_if_quiet(call: Call, file: Path) -> None:
    rewritten(file, pl.read_parquet(file).reverse())

    done = call("check", file, "-q")

    assert done.code == 1
    assert "FAIL  sorted" in done.out
    assert "is NOT a complete hourly table." in done.out


def test_a_parquet_of_something_else(call: Call, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")

    done = call("check", "other.parquet", "--json")

    assert done.code == 2
    assert done.json["error"]["type"] == "FileFormatError"
    assert "other.parquet" in done.json["error"]["message"]


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_file(keep: int, call: Call, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:keep])

    done = call("check", file)

    assert done.code == 2
    assert "day.parquet" in done.error


def test_a_flipped_bit_is_seen_where_it_changes_a_row(call: Call, file: Path) -> None:
    whole, rows = file.read_bytes(), pl.read_parquet(file)
    footer = len(whole) - int.from_bytes(whole[-8:-4], "little") - 8
    seen = 0
    for place in range(4, footer, footer // 12):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        code = call("check", file).code

        # A flip in what nobody needs for reading, such as the statistics of a page, changes no row.
        assert code in {1, 2} or pl.read_parquet(file).equals(rows), place
        seen += code != 0
    assert seen >= 3
