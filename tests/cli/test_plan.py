from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done
from tests.support.mounts import small_disk

from gridloom.dag.code.record import Opaque
from gridloom.dag.database import Database
from gridloom.files import digest_bytes

PLAN = ["plan", *SMALL[1:]]
TABLE = Path("data/hourly/day.parquet")


def reasons(call: Call, *more: str) -> dict[str, tuple[str, str]]:
    found = call(*PLAN, *more, "--json").json["steps"]
    return {step["step_id"]: (step["decision"], step["reason"]) for step in found}


def test_unchanged(made: Done, call: Call) -> None:
    assert {decision for decision, _ in reasons(call).values()} == {"cached"}


def test_a_changed_setting_is_named_with_both_values(made: Done, call: Call) -> None:
    found = reasons(call, "--batch-days", "90")

    assert found["extract-region-data"] == ("run", "config `batch_days` 45 → 90")
    assert found["transform"] == ("run", "`extract-region-data` runs first")


def test_a_truncated_output_is_named(made: Done, call: Call) -> None:
    size = TABLE.stat().st_size
    TABLE.write_bytes(TABLE.read_bytes()[:-7])

    assert reasons(call)["transform"] == (
        "run",
        f"day.parquet was truncated to {size - 7:,} of {size:,} bytes",
    )


def test_changed_code_is_named(made: Done, call: Call) -> None:
    """What was changed here is the memory of the code that ran before."""
    database = Database(Path("data"), writes=True)
    query = "SELECT key, record FROM manifests WHERE step_id = 'transform'"
    ((key, record),) = database.rows(query)
    manifest = msgspec.json.decode(record)
    identity = manifest["fingerprint"]["identity"]
    ((parts,),) = database.rows("SELECT parts FROM code WHERE digest = ?", (identity["code"],))
    older = msgspec.json.decode(parts)
    changed = next(part for part in older if part.startswith("function gridloom.transform.complete"))
    older[changed] = "0"
    identity["code"] = "sha256:older"
    manifest["fingerprint"]["key"] = "sha256:older"
    data = msgspec.json.encode(manifest)
    database.insert(
        "UPDATE manifests SET key = 'sha256:older', record = ?, checksum = ? WHERE key = ?",
        (data, digest_bytes(b"sha256:older\0" + data), key),
    )
    database.insert("INSERT INTO code VALUES ('sha256:older', ?)", (msgspec.json.encode(older),))
    database.close()
    name = changed.removeprefix("function ")

    assert reasons(call)["transform"] == ("run", f"function `{name}` changed")


@pytest.mark.parametrize("harm", ["version", "damage", "none"])
def test_a_store_that_cannot_be_used_is_a_reason_and_is_left_alone(made: Done, call: Call, harm: str) -> None:
    store = Path("data/.gridloom/runs.db")
    if harm == "version":
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA user_version=99")
    elif harm == "damage":
        store.write_bytes(b"x" * 5000)
    else:
        store.unlink()
    before = store.read_bytes() if store.exists() else None
    found = reasons(call)
    said = (
        "never ran before" if harm == "none" else "the record store is damaged, so nothing in it is trusted"
    )

    assert found["extract-region-data"] == ("run", said)
    assert (store.read_bytes() if store.exists() else None) == before
    assert {path.name for path in store.parent.glob("runs.*")} == ({"runs.db"} if before else set())


def test_on_a_disk_that_cannot_be_written_to(
    made: Done, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", size="4m") as disk:
        shutil.copytree("data", disk.path / "data")
        disk.make_read_only()
        out = ("--out", str(disk.path / "data"))
        assert {decision for decision, _ in reasons(call, *out).values()} == {"cached"}
        for command in (["runs", "list"], ["cache", "list"], ["runs", "show", "latest"]):
            assert call(*command, *out).code == 0
        assert call("lineage", disk.path / "data" / TABLE.relative_to("data")).code == 0
        refused = [call(*SMALL, *out), call("cache", "clear", "--all", *out)]
        assert [done.code for done in refused] == [2, 1]
        assert all("Could not " in done.error for done in refused)


class TestMermaid:
    def test_it_is_a_picture_of_the_plan(self, made: Done, call: Call) -> None:
        done = call(*PLAN, "--batch-days", "90", "--mermaid")

        assert done.code == 0
        assert done.out.splitlines()[:4] == [
            "flowchart TD",
            '  s0["extract-region-data<br/>run: config `batch_days` 45 → 90"]:::run',
            '  s1["transform<br/>run: `extract-region-data` runs first"]:::run',
            "  s0 --> s1",
        ]

    def test_it_writes_nothing(self, call: Call, tmp_path: Path) -> None:
        assert call(*PLAN, "--mermaid").out.startswith("flowchart TD\n")
        assert list(tmp_path.iterdir()) == []

    def test_of_a_pipeline_file_too(self, call: Call, tmp_path: Path) -> None:
        example = Path(__file__).parents[2] / "examples" / "year.yaml"
        done = call("plan", example, "--mermaid")

        assert done.code == 0
        assert re.match(r"flowchart TD\n  s0\[\"extract", done.out)

    def test_one_answer_at_a_time(self, call: Call) -> None:
        done = call(*PLAN, "--mermaid", "--json")

        assert done.code == 2
        assert "Use one of them" in done.json["error"]["message"]


def test_what_cannot_be_followed_in_code_is_said(
    call: Call, monkeypatch: pytest.MonkeyPatch, made: Done
) -> None:
    note = Opaque("thing", "parse.py:1", "is or holds a socket, which has no stable form", "name it")
    monkeypatch.setattr("gridloom.dag.explain.code_notes", lambda _node, _identity: (str(note),))
    text, found = call(*PLAN), call(*PLAN, "--json").json["steps"]

    assert f"Note: transform: {note}" in text.out
    assert [step["notes"] for step in found] == [[str(note)]] * 2


def test_what_has_landed_already_and_a_limit_that_costs_nothing_are_said(made: Done, call: Call) -> None:
    (page,) = (page for page in Path("data/raw").glob("*/*/page-*.json.gz"))
    page.write_bytes(b"")

    plan = call("plan", *SMALL[1:], "--rate-limit", "5").out

    assert "Run the same command again" in plan
    assert "Delete its folder" not in plan
    assert "1 windows, 1 requests, no wait for the rate limit." in plan


def test_windows_that_landed_are_not_left_to_ask(made: Done, call: Call) -> None:
    call("cache", "clear", "--all")
    days = ("--start", "2019-01-01T00", "--end", "2019-01-03T23", "--batch-days", "1", "--name", "days")

    plan = call("plan", *SMALL[1:6], *days).out

    assert "2 of 3 windows left, 2 requests, no rate limit." in plan
