"""A hit needs everything to match; anything else runs again and says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, SecretStr
from tests.dag.toys import CachedWork, Note, Rows, Work, chain, pipeline

from gridloom.dag import BaseStep, CacheableStep, PipelineDAG, RunResult, StepConfig, StepContext, operational
from gridloom.dag.inventory import forget, list_entries
from gridloom.errors import ConfigError
from gridloom.files import digest_bytes
from gridloom.finding import Finding


def build(out: Path, texts: tuple[str, str, str] = ("", "", ""), **settings: Any) -> PipelineDAG:
    dag = pipeline(out, **settings)
    chain(dag, [CachedWork(name, text=text) for name, text in zip("abc", texts, strict=True)])
    return dag


def run(out: Path, *args: Any, **settings: Any) -> RunResult:
    result = build(out, *args, **settings).execute()
    result.raise_for_failure()
    return result


def outcomes(result: RunResult) -> list[str]:
    return [step.outcome.value for step in result.steps.values()]


def record_of(out: Path, step_id: str) -> bytes:
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store:
        ((record,),) = store.execute("SELECT record FROM manifests WHERE step_id = ?", (step_id,)).fetchall()
    return bytes(record)


def replace_record(out: Path, step_id: str, record: bytes, *, checksum: bool = False) -> None:
    """Writes other bytes into the record store behind the engine's back."""
    with closing(sqlite3.connect(out / ".gridloom" / "runs.db")) as store, store:
        store.execute("UPDATE manifests SET record = ? WHERE step_id = ?", (record, step_id))
        if checksum:
            ((key,),) = store.execute("SELECT key FROM manifests WHERE step_id = ?", (step_id,)).fetchall()
            digest = digest_bytes(key.encode() + b"\0" + record)
            store.execute("UPDATE manifests SET checksum = ? WHERE step_id = ?", (digest, step_id))


def test_an_unchanged_rerun_runs_nothing_and_gives_the_same(tmp_path: Path) -> None:
    first = run(tmp_path)
    note = tmp_path / "steps" / "c" / "note.txt"
    written = note.stat().st_mtime_ns
    again = run(tmp_path)
    assert outcomes(first) == ["executed"] * 3
    assert outcomes(again) == ["cached"] * 3
    assert again["c"].output == first["c"].output
    assert again["c"].reason == f"unchanged since run {first.run_id}"
    assert note.stat().st_mtime_ns == written
    assert again["a"].attempts == 0


def test_a_changed_setting_reruns_the_step_and_what_depends_on_it_only(tmp_path: Path) -> None:
    run(tmp_path)
    result = run(tmp_path, ("", "new", ""))
    assert outcomes(result) == ["cached", "executed", "executed"]
    assert result["b"].reason == "config `text` '' → new"
    assert result["c"].reason == "input `notes` differs"
    assert outcomes(run(tmp_path, ("", "new", ""))) == ["cached"] * 3


def test_going_back_to_older_settings_says_what_changed_last(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, ("", "", "new"))
    result = run(tmp_path)
    assert outcomes(result) == ["cached", "cached", "executed"]
    assert result["c"].reason == "config `text` new → ''"


def test_a_rerun_that_gives_the_same_bytes_stops_there(tmp_path: Path) -> None:
    class Constant(CachedWork):
        def _execute(self, ctx: StepContext) -> Note:
            ctx.path("note.txt").write_text("always the same")
            return Note.of(ctx.path("note.txt"))

    for text, expected in (("x", ["executed", "executed"]), ("y", ["executed", "cached"])):
        dag = pipeline(tmp_path)
        chain(dag, [Constant("a", text=text), CachedWork("b")])
        assert outcomes(dag.execute()) == expected


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (truncate, "note.txt was truncated to 5 of 6 bytes"),
        (flip, "note.txt has other content than was written"),
        (Path.unlink, "note.txt was deleted"),
    ],
)
def test_a_torn_output_is_made_again(tmp_path: Path, harm: Callable[[Path], None], reason: str) -> None:
    whole = run(tmp_path)["b"].output.path
    content = whole.read_bytes()
    harm(whole)
    result = run(tmp_path)
    assert outcomes(result) == ["cached", "executed", "cached"], "the same bytes again: c stays"
    assert result["b"].reason == reason
    assert whole.read_bytes() == content


@pytest.mark.parametrize(
    "harmed", [lambda data: data[:-1], lambda data: data[:-5] + b"x" + data[-4:], lambda _: b""]
)
def test_a_damaged_record_is_not_believed(tmp_path: Path, harmed: Callable[[bytes], bytes]) -> None:
    run(tmp_path)
    replace_record(tmp_path, "b", harmed(record_of(tmp_path, "b")))
    result = run(tmp_path)
    assert outcomes(result) == ["cached", "executed", "cached"]
    assert result["b"].reason == "the record of the last run is damaged"
    assert outcomes(run(tmp_path)) == ["cached"] * 3


def test_every_single_byte_of_a_record_is_guarded(tmp_path: Path) -> None:
    run(tmp_path)
    whole = record_of(tmp_path, "a")
    for place in range(0, len(whole), 7):
        harmed = bytearray(whole)
        harmed[place] ^= 0x01
        replace_record(tmp_path, "a", bytes(harmed))
        assert build(tmp_path).plan()["a"].decision == "run", f"byte {place} of {whole!r}"


def test_a_record_under_another_key_is_not_believed(tmp_path: Path) -> None:
    run(tmp_path, ("one", "", ""))
    run(tmp_path, ("two", "", ""))
    with closing(sqlite3.connect(tmp_path / ".gridloom" / "runs.db")) as store, store:
        one, two = (
            number
            for (number,) in store.execute("SELECT number FROM manifests WHERE step_id = 'a' ORDER BY number")
        )
        copied = "(SELECT {0} FROM manifests WHERE number = ?)"
        store.execute(
            f"UPDATE manifests SET record = {copied.format('record')}, checksum = {copied.format('checksum')}"
            " WHERE number = ?",
            (one, one, two),
        )
    result = run(tmp_path, ("two", "", ""))
    assert (result["a"].outcome.value, result["a"].reason) == (
        "executed",
        "the record of the last run is damaged",
    )


def test_a_store_that_is_no_database_is_set_aside_and_everything_runs(tmp_path: Path) -> None:
    run(tmp_path)
    store = tmp_path / ".gridloom" / "runs.db"
    store.write_bytes(b"not a database, whatever its name says" * 100)
    assert {step.decision for step in build(tmp_path).plan().steps} == {"run"}
    assert store.read_bytes().startswith(b"not a database"), "a plan changes nothing"
    result = run(tmp_path)
    assert outcomes(result) == ["executed"] * 3
    assert store.with_name("runs.db.damaged-1").exists()
    assert outcomes(run(tmp_path)) == ["cached"] * 3


def test_force_runs_everything_and_tells_the_steps(tmp_path: Path) -> None:
    run(tmp_path)
    told: list[bool] = []
    dag = pipeline(tmp_path, force=True)
    dag.add_step(CachedWork("a", lambda ctx: told.append(ctx.force)))
    result = dag.execute()
    assert (result["a"].outcome.value, result["a"].reason, told) == ("executed", "forced", [True])


def test_a_raised_version_is_a_reason(tmp_path: Path) -> None:
    class Versioned(CachedWork):
        version: ClassVar[str] = "1"

    for version, reason in (("1", "never ran before"), ("2", "version 1 → 2")):
        Versioned.version = version
        dag = pipeline(tmp_path)
        dag.add_step(Versioned("a"))
        assert dag.execute()["a"].reason == reason


def test_another_class_under_the_same_id_is_a_reason(tmp_path: Path) -> None:
    class Other(CachedWork):
        pass

    for step in (CachedWork("a"), Other("a")):
        dag = pipeline(tmp_path)
        dag.add_step(step)
        result = dag.execute()
    assert "the step was tests.dag.toys.CachedWork and is now" in result["a"].reason


def test_a_plain_step_runs_every_time(tmp_path: Path) -> None:
    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(Work("a"))
        assert dag.execute()["a"].reason == "it runs every time"


class Inner(BaseModel):
    depth: int = 1
    speed: int = operational(1)


class ManyConfig(StepConfig):
    days: int = 45
    regions: frozenset[str] = frozenset()
    file: Path = Path("x")
    inner: Inner = Inner()
    speed: int = operational(5, ge=1)
    key: SecretStr = SecretStr("one")


class Many(CacheableStep[ManyConfig]):
    def _execute(self, ctx: StepContext) -> int:
        return self.config.days


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"speed": 9}, None),
        ({"step_name": "Another name"}, None),
        ({"key": SecretStr("two")}, None),
        ({"inner": Inner(speed=3)}, None),
        ({"regions": frozenset({"MISO", "PACW", "ERCO"})}, None),
        ({"days": 90}, "config `days` 45 → 90"),
        ({"inner": Inner(depth=2)}, "config `inner` "),
        ({"regions": frozenset({"PJM"})}, "config `regions` "),
        ({"days": 1, "file": Path("y")}, "config `days` 45 → 1, config `file` x → y"),
    ],
)
def test_only_settings_that_mean_something_count(
    tmp_path: Path, settings: dict[str, Any], reason: str | None
) -> None:
    base = {"regions": frozenset({"PACW", "ERCO", "MISO"}), "step_id": "many"}
    for chosen in (base, {**base, **settings}):
        dag = pipeline(tmp_path)
        dag.add_step(Many(ManyConfig(**chosen)))
        result = dag.execute()
    if reason is None:
        assert result["many"].outcome.value == "cached"
    else:
        assert result["many"].outcome.value == "executed"
        assert result["many"].reason.startswith(reason)


def test_the_id_of_a_step_does_not_count_but_its_record_is_its_own(tmp_path: Path) -> None:
    from gridloom.dag.fingerprint import fingerprint_of

    one, two = (
        fingerprint_of(Many(ManyConfig(step_id=name)), {}, frozenset()).key for name in ("one", "two")
    )
    assert one == two


def test_a_setting_without_a_json_form_is_named(tmp_path: Path) -> None:
    class OddConfig(StepConfig):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: object

    class Odd(CacheableStep[OddConfig]):
        def _execute(self) -> int:
            return 1

    dag = pipeline(tmp_path)
    dag.add_step(Odd(OddConfig(thing=object())))
    result = dag.execute()
    assert isinstance(result.error, ConfigError)
    assert "A setting of step 'odd' (OddConfig) cannot be fingerprinted" in str(result.error)


def test_a_step_may_decline_its_cache_with_a_reason(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    class Fussy(CachedWork):
        def should_use_cache(self, cached):
            seen.append(dict(cached))
            return "the source may have revised it"

    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(Fussy("a"))
        result = dag.execute()
    assert result["a"].outcome.value == "executed"
    assert result["a"].reason == "the source may have revised it"
    assert seen == [{"output": result["a"].output}]


class Parts(NamedTuple):
    table: Rows
    hours: int
    names: list[str]


class GivesParts(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Parts:
        ctx.path("data/table.txt").write_text("1\n2\n")
        ctx.path("readme.txt").write_text("beside it")
        ctx.finding(Finding(name="rows", why="because", required=True, passed=True, detail="2 of 2"))
        ctx.add(rows_received=5, requests=2)
        return Parts(Rows.of(ctx.path("data/table.txt"), rows=2), 24, ["a", "b"])


def parts(out: Path) -> RunResult:
    dag = pipeline(out)
    dag.add_step(GivesParts(StepConfig(step_id="parts")))
    result = dag.execute()
    result.raise_for_failure()
    return result


def test_several_outputs_findings_and_rows_come_back_from_the_record(tmp_path: Path) -> None:
    first, again = parts(tmp_path), parts(tmp_path)
    assert again["parts"].outcome.value == "cached"
    assert dict(again["parts"].artifacts) == dict(first["parts"].artifacts)
    assert again["parts"].findings == first["parts"].findings
    assert (again["parts"].metrics.rows, again["parts"].metrics.rows_received) == (2, 0)
    assert again.totals["requests"] == 0


def test_a_file_that_no_artifact_describes_is_guarded_too(tmp_path: Path) -> None:
    parts(tmp_path)
    (tmp_path / "steps" / "parts" / "readme.txt").unlink()
    result = parts(tmp_path)
    assert (result["parts"].outcome.value, result["parts"].reason) == ("executed", "readme.txt was deleted")


def test_a_record_of_other_outputs_is_a_miss(tmp_path: Path) -> None:
    parts(tmp_path)
    record = msgspec.json.decode(record_of(tmp_path, "parts"))
    record["outputs"]["hours"]["value"] = "many"
    replace_record(tmp_path, "parts", msgspec.json.encode(record), checksum=True)
    result = parts(tmp_path)
    assert "the record of output `hours` cannot be used" in result["parts"].reason


def test_a_moved_output_folder_is_still_a_hit(tmp_path: Path) -> None:
    run(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    result = run(tmp_path / "there")
    assert outcomes(result) == ["cached"] * 3
    assert result["c"].output.path == tmp_path / "there" / "steps" / "c" / "note.txt"


def test_a_subclass_comes_back_as_what_it_was(tmp_path: Path) -> None:
    dag_results = []
    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(GivesSpecial(StepConfig(step_id="a")))
        dag_results.append(dag.execute()["a"])
    assert dag_results[1].outcome.value == "cached"
    assert type(dag_results[1].output) is Special


class Special(Note):
    pass


class GivesSpecial(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Note:
        ctx.path("n.txt").write_text("n")
        return Special.of(ctx.path("n.txt"))


def shout(_ctx: StepContext) -> str:
    return "!"


def whisper(_ctx: StepContext) -> str:
    return "..."


def test_what_a_step_is_handed_beside_its_settings_counts(tmp_path: Path) -> None:
    reasons = []
    for action in (shout, shout, whisper):
        dag = pipeline(tmp_path)
        dag.add_step(CachedWork("a", action))
        reasons.append(dag.execute()["a"].reason)
    assert reasons[0] == "never ran before"
    assert reasons[1].startswith("unchanged since run")
    assert reasons[2].startswith("attribute `tests.dag.toys.CachedWork.action` changed")


def test_failed_steps_are_not_remembered(tmp_path: Path) -> None:
    def action(_ctx: StepContext) -> None:
        raise RuntimeError("once")

    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a", action))
    assert dag.execute()["a"].outcome.value == "failed"
    dag = pipeline(tmp_path)
    dag.add_step(CachedWork("a"))
    assert dag.execute()["a"].reason == "its last run failed"


def test_a_step_whose_record_was_cleared_is_told_from_one_that_never_ran(tmp_path: Path) -> None:
    reasons = []
    for _ in range(2):
        dag = pipeline(tmp_path)
        dag.add_step(CachedWork("a"))
        reasons.append(dag.execute()["a"].reason)
        forget(tmp_path, list_entries(tmp_path))
    assert reasons == ["never ran before", "no record of its last run is left"]


def test_a_dry_step_does_not_work_and_a_cached_one_is_used(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a"), CachedWork("b", dry_run=True), CachedWork("c")])
    result = dag.execute()
    assert [(step.outcome.value, step.reason) for step in result.steps.values()] == [
        ("executed", "never ran before"),
        ("skipped", "dry run; otherwise: never ran before"),
        ("skipped", "`b` was a dry run"),
    ]
    assert result.outcome.value == "planned"
    run(tmp_path)
    assert outcomes(dag.execute()) == ["cached"] * 3


def test_base_steps_and_cached_steps_mix(tmp_path: Path) -> None:
    class Fresh(BaseStep[StepConfig]):
        def _execute(self, ctx: StepContext) -> Note:
            ctx.path("n").write_text("constant")
            return Note.of(ctx.path("n"))

    for expected in ("executed", "cached"):
        dag = pipeline(tmp_path)
        chain(dag, [Fresh(StepConfig(step_id="fresh")), CachedWork("kept")])
        assert dag.execute()["kept"].outcome.value == expected
