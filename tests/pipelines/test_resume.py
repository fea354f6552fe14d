"""A run carried on: the same settings, only the rest; refused with a reason where it is not the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr
from tests.dag.toys import CachedWork, pipeline
from tests.e2e.servers import sample_part, serve
from tests.load.tables import ramp, write
from tests.support.interrupted import change, cut_off

from gridloom.dag import PipelineDAG
from gridloom.errors import ConfigError, KeyMissingError, RawDataError, UsageError
from gridloom.extract.replay import ReplayServer
from gridloom.layout import Layout
from gridloom.load.ring_steps import RingAttentionPrepConfig
from gridloom.load.steps import MLXDatasetConfig
from gridloom.pipelines.hourly import build, prepare
from gridloom.pipelines.resume import stopped_run
from gridloom.pipelines.ring import build_ring, prepare_ring
from gridloom.pipelines.settings import HourlySettings
from gridloom.pipelines.training import build_load, prepare_load

DAYS = {"start": "2019-01-01T00", "end": "2019-01-02T23", "regions": "PACW,ERCO", "series": "D,NG.WND"}


@pytest.fixture(scope="module")
def _server() -> Iterator[ReplayServer]:
    with serve(sample_part(["PACW", "ERCO"], ["D", "NG.WND"], days=3)) as running:
        yield running


@pytest.fixture
def server(_server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> ReplayServer:
    monkeypatch.setenv("EIA_API_KEY", "any")
    return _server


def start(server: ReplayServer, out: Path, **settings: Any) -> str:
    values = {**DAYS, "base_url": server.url, "rate_limit": "off", "out": out, **settings}
    result = build(prepare(HourlySettings.of(values), api_key=SecretStr("any"))).execute()
    result.raise_for_failure()
    return result.run_id


def carry_on(out: Path, run_id: str = "latest", *, force: bool = False) -> tuple[str, dict[str, str]]:
    """Returns the story, and how the steps of the resumed run ended."""
    stopped = stopped_run(out, run_id, force=force)
    result = build(stopped.prepared).execute()
    result.raise_for_failure()
    return stopped.story, {name: step.outcome.value for name, step in result.steps.items()}


def test_only_the_rest_is_done(server: ReplayServer, tmp_path: Path) -> None:
    run_id = start(server, tmp_path)
    (table,) = (tmp_path / "hourly").iterdir()
    before = table.read_bytes()
    cut_off(tmp_path, run_id, "extract-fuel-type-data", "transform")
    table.unlink()
    asked = server.request_count

    story, outcomes = carry_on(tmp_path, run_id[:-2])

    assert story == (
        f"run {run_id} was interrupted; done: extract-region-data; to do: extract-fuel-type-data, transform"
    )
    assert outcomes == {
        "extract-region-data": "cached",
        "extract-fuel-type-data": "executed",
        "transform": "executed",
    }
    assert server.request_count == asked, "what has landed is not asked for again"
    assert table.read_bytes() == before


def test_a_resumed_run_can_be_resumed(server: ReplayServer, tmp_path: Path) -> None:
    cut_off(tmp_path, start(server, tmp_path), "transform")
    stopped = stopped_run(tmp_path, "latest", force=False)
    second = build(stopped.prepared).execute()
    cut_off(tmp_path, second.run_id, "transform")

    assert carry_on(tmp_path, second.run_id)[1]["transform"] == "executed"


def test_a_run_that_succeeded_is_only_verified(server: ReplayServer, tmp_path: Path) -> None:
    run_id = start(server, tmp_path)
    story, outcomes = carry_on(tmp_path)

    assert story == f"run {run_id} succeeded: everything is done already, and is only verified"
    assert set(outcomes.values()) == {"cached"}


def test_a_forced_run_does_not_do_again_what_it_did(server: ReplayServer, tmp_path: Path) -> None:
    start(server, tmp_path)
    run_id = start(server, tmp_path, force=True)
    cut_off(tmp_path, run_id, "transform")

    assert carry_on(tmp_path)[1] == {
        "extract-region-data": "cached",
        "extract-fuel-type-data": "cached",
        "transform": "executed",
    }


def test_what_a_forced_run_had_not_done_is_still_forced(server: ReplayServer, tmp_path: Path) -> None:
    start(server, tmp_path)
    run_id = start(server, tmp_path, force=True)
    cut_off(tmp_path, run_id)
    for table in ("steps", "attempts"):
        change(tmp_path, f"DELETE FROM {table} WHERE run_id = ? AND step_id = 'transform'", run_id)

    assert carry_on(tmp_path)[1]["transform"] == "executed", "although its record of before is whole"


def test_a_change_of_code_or_settings_is_refused_with_the_reason(
    server: ReplayServer, tmp_path: Path
) -> None:
    run_id = start(server, tmp_path)
    cut_off(tmp_path, run_id, "transform")
    identity = stored_identity(tmp_path)
    identity["transform"]["config"]["last"] = "2019-01-03T23"
    identity["extract-region-data"]["code"] = "sha256:of-other-code"
    identity["gone"] = identity["transform"]
    change(tmp_path, "UPDATE runs SET identity = ?", msgspec.json.encode(identity))

    with pytest.raises(UsageError) as caught:
        stopped_run(tmp_path, run_id, force=False)

    said = str(caught.value)
    assert said.startswith(f"The run {run_id} cannot be carried on as it was: ")
    assert "`transform`: config `last` 2019-01-03T23 → 2019-01-02T23" in said
    assert "`extract-region-data`: its code changed" in said
    assert "step 'gone' is not there any more" in said
    assert said.endswith("or add --force to carry on with what is there now.")
    assert carry_on(tmp_path, force=True)[1]["transform"] == "executed"


def stored_identity(out: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store:
        ((identity,),) = store.execute("SELECT identity FROM runs").fetchall()
    found = msgspec.json.decode(identity)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"transform": {"version": 1}}', "text"])
def test_a_damaged_record_is_an_error_in_words(server: ReplayServer, tmp_path: Path, damage: object) -> None:
    start(server, tmp_path)
    change(tmp_path, "UPDATE runs SET identity = ?", damage)
    with pytest.raises(RawDataError, match=r"is damaged.*what is finished is kept"):
        stopped_run(tmp_path, "latest", force=True)


def test_settings_of_another_version_are_an_error_in_words(server: ReplayServer, tmp_path: Path) -> None:
    start(server, tmp_path)
    recipe = {"pipeline": "hourly", "settings": {"batch_dyas": 45}, "name_region": None}
    change(tmp_path, "UPDATE runs SET recipe = ?", msgspec.json.encode(recipe))
    with pytest.raises(ConfigError, match="`batch_dyas` is not a setting"):
        stopped_run(tmp_path, "latest", force=True)


def test_a_run_at_work_is_refused(server: ReplayServer, tmp_path: Path) -> None:
    run_id = start(server, tmp_path)
    cut_off(tmp_path, run_id, "transform", alive=True)
    for force in (False, True):
        with pytest.raises(UsageError, match=f"The run {run_id} is still at work. Stop it first"):
            stopped_run(tmp_path, "latest", force=force)


def test_one_that_may_be_at_work_on_another_machine_needs_force(server: ReplayServer, tmp_path: Path) -> None:
    run_id = start(server, tmp_path)
    cut_off(tmp_path, run_id, "transform")
    owner = msgspec.json.encode({"host": "far-away", "pid": 1, "started": ""})
    change(tmp_path, "UPDATE runs SET owner = ?", owner)
    with pytest.raises(UsageError, match=r"on another machine, far-away, .* If it is not, add --force\."):
        stopped_run(tmp_path, "latest", force=False)

    assert carry_on(tmp_path, run_id, force=True)[1]["transform"] == "executed"


def test_a_run_of_a_program_is_refused_in_words(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a"))
    run_id = dag.execute().run_id
    with pytest.raises(
        UsageError, match=f"The run {run_id} cannot be built again from its id: .* Start that"
    ):
        stopped_run(tmp_path, "latest", force=False)


def test_without_its_key_it_says_so(
    server: ReplayServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(server, tmp_path)
    monkeypatch.delenv("EIA_API_KEY")
    with pytest.raises(KeyMissingError):
        stopped_run(tmp_path, "latest", force=False)


def test_unknown_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There are no runs in"):
        stopped_run(tmp_path / "nothing", "latest", force=False)
    (tmp_path / "runs" / "20190101T000000-aaaaaa").mkdir(parents=True)
    with pytest.raises(RawDataError, match="run the same command again to carry on"):
        stopped_run(tmp_path, "latest", force=False)


def test_a_moved_folder_is_carried_on_where_it_is(
    server: ReplayServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cut_off(Path("here"), start(server, Path("here")), "transform")
    Path("here").rename("there")

    assert carry_on(tmp_path / "there")[1]["transform"] == "executed"
    assert not Path("here").exists()
    assert len(list(Path("there/hourly").iterdir())) == 1


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "hourly").mkdir()
    return write(tmp_path / "hourly" / "t.parquet", {("CAR", "D"): ramp(200), ("PACW", "D"): ramp(200)}).path


def load(table: Path, out: Path) -> str:
    config = MLXDatasetConfig(name="t", context=24, horizon=2, respondents=("CAR",), scaling="robust")
    result = build_load(prepare_load(table, config, out)).execute()
    result.raise_for_failure()
    return result.run_id


def carry_on_with(out: Path, build_again: Callable[[Any], PipelineDAG]) -> dict[str, str]:
    result = build_again(stopped_run(out, "latest", force=False).prepared).execute()
    result.raise_for_failure()
    return {name: step.outcome.value for name, step in result.steps.items()}


def test_a_load_is_carried_on_with_its_settings(table: Path, tmp_path: Path) -> None:
    run_id = load(table, tmp_path)
    files = [tmp_path / "tensors" / "t" / name for name in ("tensors.safetensors", "dataset.json")]
    before = [file.read_bytes() for file in files]
    cut_off(tmp_path, run_id, "load")
    files[0].unlink()

    assert carry_on_with(tmp_path, build_load) == {"hourly-file": "cached", "load": "executed"}
    assert [file.read_bytes() for file in files] == before


def test_shards_are_carried_on_where_everything_has_moved(table: Path, tmp_path: Path) -> None:
    load(table, tmp_path)
    config = RingAttentionPrepConfig(ranks=2, layout=Layout.STRIPED, length=100, by="respondent")
    result = build_ring(prepare_ring(tmp_path / "tensors" / "t", config, tmp_path)).execute()
    before = (tmp_path / "ring" / "t" / "layout.json").read_bytes()
    cut_off(tmp_path, result.run_id, "ring")
    tmp_path.rename(there := tmp_path.with_name("there"))

    assert carry_on_with(there, build_ring)["ring"] == "executed"
    assert (there / "ring" / "t" / "layout.json").read_bytes() == before


def test_a_load_of_a_table_that_is_another_one_is_refused(table: Path, tmp_path: Path) -> None:
    cut_off(tmp_path, load(table, tmp_path), "load")
    write(table, {("CAR", "D"): ramp(200, 1.0)})
    with pytest.raises(UsageError, match=r"cannot be carried on as it was: .*hourly-file.* `digest`"):
        stopped_run(tmp_path, "latest", force=False)

    table.unlink()
    with pytest.raises(UsageError, match="There is no file"):
        stopped_run(tmp_path, "latest", force=True)
