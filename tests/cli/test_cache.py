from __future__ import annotations

import io
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL, Call
from tests.e2e.processes import Done
from tests.support.interrupted import change, cut_off

TABLE = "data/hourly/day.parquet"


def records(call: Call, *arguments: str) -> list[dict[str, object]]:
    found = call("cache", "list", "--json", *arguments).json["records"]
    assert isinstance(found, list)
    return found


def test_every_record_is_listed_with_state_size_and_age(made: Done, call: Call) -> None:
    done = call("cache", "list")
    transform, extract = records(call)

    assert done.code == 0
    assert [line.split()[:3:2] for line in done.out.splitlines()[1:3]] == [
        ["transform", "whole"],
        ["extract-region-data", "whole"],
    ]
    assert "day.parquet" in done.out
    assert "2 records, 2 of them whole" in done.out
    assert (transform["step_id"], extract["step_id"]) == ("transform", "extract-region-data")
    assert transform["files"] == [TABLE]
    assert transform["size_bytes"] == Path(TABLE).stat().st_size
    assert transform.keys() == {
        "step_id",
        "key",
        "run_id",
        "made_at",
        "state",
        "reason",
        "size_bytes",
        "files",
    }


def test_a_file_that_was_changed_is_seen_by_size_or_with_verify_by_content(made: Done, call: Call) -> None:
    table = Path(TABLE)
    whole = table.read_bytes()
    table.write_bytes(whole[:-1] + b"?")
    assert [record["state"] for record in records(call)] == ["whole", "whole"]
    assert records(call, "--verify")[0]["reason"] == "day.parquet has other content than was written"

    table.write_bytes(whole[:-1])
    assert [record["state"] for record in records(call)] == ["replaced", "whole"]
    assert "day.parquet has another size than was written" in call("cache", "list").out


def test_where_nothing_ran_it_says_how_to_start_and_makes_nothing(call: Call, tmp_path: Path) -> None:
    done = call("cache", "list")

    assert done.code == 0
    assert "gridloom year --sample --out data" in done.out
    assert call("cache", "prune").out == "0 records and 0 leftovers (0 B) removed.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_one_sentence(made: Done, call: Call) -> None:
    Path("data/.gridloom/runs.db").write_bytes(b"x" * 5000)
    for command in (["list"], ["show", "transform"], ["prune"], ["clear", "--all"]):
        done = call("cache", *command)
        assert done.code == 1
        assert "is damaged" in done.error
        assert "The next run sets it aside" in done.error


class TestShow:
    def test_by_step_and_by_key(self, made: Done, call: Call) -> None:
        key = str(records(call)[0]["key"]).removeprefix("sha256:")
        for name in ("transform", key, key[:8]):
            done = call("cache", "show", name)
            assert done.code == 0
            assert f"made {TABLE} (" in done.out
            assert '  first = "2019-01-01T00"' in done.out
            assert "by gridloom.transform.steps.TransformStep, version" in done.out
            assert "  input raw: " in done.out
            assert "check " not in done.out
        assert "  check windows-complete: " in call("cache", "show", "transform", "-v").out

    def test_json(self, made: Done, call: Call) -> None:
        found = call("cache", "show", "transform", "--json").json

        assert found["state"] == "whole"
        assert found["record"]["fingerprint"]["identity"]["config"]["name"] == "day"

    def test_a_damaged_one(self, made: Done, call: Call) -> None:
        change(Path("data"), "UPDATE manifests SET record = x'00' WHERE step_id = 'transform'")
        done = call("cache", "show", "transform")

        assert done.code == 0
        assert "damaged  the record of the last run is damaged" in done.out
        assert call("cache", "show", "transform", "--json").json["record"] is None

    def test_unknown(self, made: Done, call: Call) -> None:
        done = call("cache", "show", "transfrom")

        assert done.code == 2
        assert "Did you mean transform" in done.error


class TestPrune:
    def test_a_dry_run_says_what_a_real_one_does(self, made: Done, call: Call) -> None:
        Path(TABLE).unlink()
        Path("data/.gridloom/runs.db.damaged-1").write_bytes(b"x" * 2000)
        would = call("cache", "prune", "--dry-run")
        assert "1 record and 1 leftover (2.0 kB) would be removed." in would.out
        assert "a damaged record store: data/.gridloom/runs.db.damaged-1" in would.out
        assert len(records(call)) == 2

        assert "1 record and 1 leftover (2.0 kB) removed." in call("cache", "prune").out
        assert [record["step_id"] for record in records(call)] == ["extract-region-data"]
        assert not Path("data/.gridloom/runs.db.damaged-1").exists()

    def test_by_age(self, made: Done, call: Call) -> None:
        assert call("cache", "prune", "--older-than", "1", "--json").json["records"] == []
        old = call("cache", "prune", "--older-than", "0", "--json").json
        assert len(old["records"]) == 2
        assert old["dry_run"] is False
        assert Path(TABLE).exists(), "outputs stay"
        assert records(call) == []

    def test_a_bad_age(self, made: Done, call: Call) -> None:
        assert call("cache", "prune", "--older-than", "-1").code == 2

    def test_while_a_run_is_at_work_checkpoints_are_kept(self, made: Done, call: Call) -> None:
        run_id = next(Path("data/runs").iterdir()).name
        part = Path("data/.gridloom/checkpoints/transform/0123/part")
        part.parent.mkdir(parents=True)
        part.write_text("x")
        cut_off(Path("data"), run_id, alive=True)
        done = call("cache", "prune")
        assert f"Note: the run {run_id} is at work, so checkpoints are kept." in done.err
        assert part.exists()

        cut = call("runs", "list", "--json").json["runs"][0]
        assert cut["outcome"] == "running"


class TestClear:
    def test_a_step_that_was_forgotten_runs_again_and_asks_nothing(self, made: Done, call: Call) -> None:
        done = call("cache", "clear", "extract-region-data", "transform")
        assert done.out == "2 records forgotten.\n"
        again = call(*SMALL, "--json").json

        assert again["http_requests"] == 0
        assert [step["outcome"] for step in again["steps"]] == ["executed", "executed"]

    def test_it_needs_names_or_all(self, made: Done, call: Call) -> None:
        for arguments in ([], ["transform", "--all"]):
            done = call("cache", "clear", *arguments)
            assert done.code == 2
            assert "Name the steps or keys to forget, or give --all" in done.error
        assert len(records(call)) == 2
        assert call("cache", "clear", "").code == 2

    def test_where_nobody_can_be_asked_it_is_said_what_to_add(
        self, made: Done, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO())
        done = call("cache", "clear", "transform", "--outputs")

        assert done.code == 2
        assert "Add --yes" in done.err
        assert Path(TABLE).exists()

    def test_outputs_are_removed_after_a_question(
        self, made: Done, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def answer(text: str, *, err: bool) -> bool:
            asked.append(text)
            return len(asked) > 1

        monkeypatch.setattr("click.confirm", answer)
        refused = call("cache", "clear", "transform", "--outputs")
        assert refused.code == 130
        assert TABLE in refused.err
        assert len(records(call)) == 2
        assert Path(TABLE).exists()

        done = call("cache", "clear", "transform", "--outputs")
        assert done.out == "1 record forgotten, 1 file removed.\n"
        assert asked == ["Remove 1 file?"] * 2
        assert not Path(TABLE).exists()
        assert [record["step_id"] for record in records(call)] == ["extract-region-data"]

    def test_yes_does_not_ask(self, made: Done, call: Call) -> None:
        done = call("cache", "clear", "--all", "--outputs", "--yes", "--json").json

        assert len(done["records"]) == 2
        assert TABLE in done["removed"]
        assert not Path(TABLE).exists()
        assert list(Path("data/raw").rglob("receipt.json")), "landed pages are kept"


def test_quiet_says_nothing(made: Done, call: Call) -> None:
    for command in (["list"], ["show", "transform"], ["prune"], ["clear", "transform"]):
        done = call("cache", *command, "-q")
        assert (done.code, done.out, done.err) == (0, "", "")


def test_landed_pages_count_and_are_verified(made: Done, call: Call) -> None:
    (page,) = Path("data/raw").glob("*/*/page-*.json.gz")
    extract = next(record for record in records(call) if record["step_id"] == "extract-region-data")
    assert extract["size_bytes"] == page.stat().st_size + Path(extract["files"][0]).stat().st_size

    page.unlink()

    states = [record["state"] for record in call("cache", "list", "--verify", "--json").json["records"]]
    assert states == ["whole", "replaced"]
