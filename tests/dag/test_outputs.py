"""What a step gives: checked against its annotation, written aside, moved to its place."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pydantic
import pytest
from tests.dag.toys import Note, Work, fail, pipeline

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, CacheableStep, RunResult, StepConfig, StepContext, StepOutcome
from gridloom.dag.staging import Staging, remove_dead
from gridloom.errors import (
    CheckFailedError,
    ConfigError,
    GraphError,
    StepFailedError,
    StorageError,
    UsageError,
)
from gridloom.finding import Finding


class Step(BaseStep[StepConfig]):
    """Gives whatever it was handed."""

    def __init__(self, given: Any = None, step_id: str = "s") -> None:
        super().__init__(StepConfig(step_id=step_id))
        self.given = given

    def value(self, ctx: StepContext) -> Any:
        return self.given(ctx) if callable(self.given) else self.given


class GivesNote(Step):
    def _execute(self, ctx: StepContext) -> Note:
        return self.value(ctx)


class GivesInt(Step):
    def _execute(self, ctx: StepContext) -> int:
        return self.value(ctx)


class GivesFloat(Step):
    def _execute(self, ctx: StepContext) -> float:
        return self.value(ctx)


class GivesTable(Step):
    def _execute(self, ctx: StepContext) -> dict[str, list[float]]:
        return self.value(ctx)


class GivesNothing(Step):
    def _execute(self, ctx: StepContext) -> None:
        return self.value(ctx)


class Pair(NamedTuple):
    left: Note
    right: Note


class GivesPair(Step):
    def _execute(self, ctx: StepContext) -> Pair:
        return self.value(ctx)


class Model(pydantic.BaseModel):
    alpha: float = 0.5


class GivesModel(Step):
    def _execute(self, ctx: StepContext) -> Model:
        return self.value(ctx)


def run(out: Path, *steps: BaseStep[Any]) -> RunResult:
    dag = pipeline(out, stop_on_failure=False)
    for step in steps:
        dag.add_step(step)
    return dag.execute()


def note(ctx: StepContext, name: str = "note.txt", text: str = "text") -> Note:
    ctx.path(name).write_text(text)
    return Note.of(ctx.path(name))


def ghost(ctx: StepContext) -> Note:
    return Note(path=ctx.path("never-written.txt"), digest="sha256:0", size_bytes=0)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (GivesNote(), "Step 's' should give Note, but it gave None. Return the artifact of what it wrote."),
        (GivesNote("a path"), "Step 's' should give Note, but it gave an object of type str."),
        (GivesNote(ghost), "Step 's' should give Note, but there is no file at"),
        (
            GivesNote(lambda ctx: Artifact.of(note(ctx).path)),
            "should give Note, but it gave an object of type Artifact",
        ),
        (GivesPair(note), "Step 's' should give Pair, but it gave an object of type Note."),
        (GivesPair(lambda ctx: Pair(note(ctx), None)), "should give Note as `right`, but it gave None"),  # type: ignore[arg-type]
        (GivesInt("3"), "The output of step 's' should be int, but is str"),
        (GivesInt(True), "should be int, but is bool"),
        (GivesFloat(float("nan")), "should be float, but is float"),
        (GivesTable({"a": [1.0, "x"]}), "should be dict[str, list[float]], but is dict"),
        (GivesTable({"a": [0.5] * 400_000}), "takes 1,600,007 bytes as JSON"),
        (GivesTable({"a": object()}), "object has no JSON form"),
        (GivesModel({"alpha": 1.0}), "should be Model, but is dict"),
        (GivesNothing(3), "Step 's' should give nothing, but it gave an object of type int."),
    ],
)
def test_what_is_not_as_annotated_fails_by_name(tmp_path: Path, step: Step, text: str) -> None:
    result = run(tmp_path, step)
    assert isinstance(result.error, StepFailedError)
    assert text in str(result.error)
    assert not (tmp_path / "steps").exists(), "nothing is published"


def test_a_step_may_give_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, GivesNothing(lambda ctx: ctx.path("side.txt").write_text("x") and None))
    assert result["s"].outcome is StepOutcome.executed
    assert (tmp_path / "steps" / "s" / "side.txt").read_text() == "x"
    with pytest.raises(UsageError, match="Step 's' has no output: it is executed"):
        _ = result["s"].output


def test_values_are_what_their_record_gives_back(tmp_path: Path) -> None:
    result = run(
        tmp_path, GivesFloat(3, "f"), GivesTable({"b": (1, 2)}, "t"), GivesModel(Model(alpha=2), "m")
    )
    assert result["f"].output == 3.0
    assert type(result["f"].output) is float
    assert result["t"].output == {"b": [1.0, 2.0]}
    assert result["m"].output == Model(alpha=2)


def test_what_else_lies_in_staging_is_not_published(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> Note:
        made = note(ctx, "note.txt")
        (made.path.parent / "scratch").write_text("of no use to others")
        return made

    run(tmp_path, GivesNote(action))
    assert [path.name for path in (tmp_path / "steps" / "s").iterdir()] == ["note.txt"]


def test_a_first_attempts_folder_becomes_the_steps_and_later_ones_leave_the_rest_of_it(
    tmp_path: Path,
) -> None:
    run(tmp_path, GivesNote(lambda ctx: note(ctx, "sub/note.txt")))
    (tmp_path / "steps" / "s" / "mine.txt").write_text("of a person")
    result = run(tmp_path, GivesNote(lambda ctx: note(ctx, "note.txt")))
    assert result["s"].output.path == tmp_path / "steps" / "s" / "note.txt"
    assert sorted(path.name for path in (tmp_path / "steps" / "s").iterdir()) == [
        "mine.txt",
        "note.txt",
        "sub",
    ]


def test_outputs_stand_in_their_folder_and_staging_is_gone(tmp_path: Path) -> None:
    class Placed(GivesNote):
        def output_folder(self) -> str:
            return "hourly"

    seen: list[Path] = []
    result = run(tmp_path, Placed(lambda ctx: seen.append(ctx.path("x")) or note(ctx, "sub/note.txt")))
    assert result["s"].output.path == tmp_path / "hourly" / "sub" / "note.txt"
    assert result["s"].output.mismatch() is None
    assert seen[0].is_relative_to(tmp_path / ".gridloom" / "staging" / result.run_id / "s")
    assert not (tmp_path / "hourly" / "x").exists()
    assert list((tmp_path / ".gridloom" / "staging").iterdir()) == []


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    def folder(*names: str) -> Any:
        def action(ctx: StepContext) -> Note:
            for name in names:
                (ctx.path("set") / name).parent.mkdir(parents=True, exist_ok=True)
                (ctx.path("set") / name).write_text(name)
            return Note.of(ctx.path("set"))

        return action

    run(tmp_path, GivesNote(folder("one", "deep/two")))
    result = run(tmp_path, GivesNote(folder("three")))
    assert [path.name for path in (tmp_path / "steps" / "s" / "set").iterdir()] == ["three"]
    assert result["s"].output.mismatch() is None
    assert run(tmp_path, GivesNote(lambda ctx: note(ctx, "set")))["s"].output.path.is_file()
    assert run(tmp_path, GivesNote(folder("four")))["s"].output.path.is_dir()


def test_an_artifact_that_stands_at_its_place_stays_there(tmp_path: Path) -> None:
    def landed(ctx: StepContext) -> Note:
        path = ctx.out / "raw" / "page.txt"
        path.parent.mkdir()
        path.write_text("landed")
        return Note.of(path)

    assert run(tmp_path, GivesNote(landed))["s"].output.path == tmp_path / "raw" / "page.txt"


def test_two_steps_do_not_write_the_same_file(tmp_path: Path) -> None:
    class Shared(GivesNote):
        def output_folder(self) -> str:
            return "shared"

    result = run(tmp_path, Shared(note, "one"), Shared(note, "two"))
    failed = [step for step in result.steps.values() if step.outcome is StepOutcome.failed]
    assert len(failed) == 1
    assert "Steps '" in failed[0].reason
    assert "both write" in failed[0].reason


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/x", "a/../../b", ""])
def test_an_output_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    result = run(tmp_path / "out", GivesNote(lambda ctx: note(ctx, name)))
    assert isinstance(result.error, UsageError)
    assert "Give a name below its output folder" in str(result.error)


def test_a_failed_step_publishes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> None:
        ctx.path("half.txt").write_text("half")
        raise RuntimeError("broke in the middle")

    result = run(tmp_path, GivesNote(action))
    assert isinstance(result.error, RuntimeError)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["events.jsonl", "results.json", "runs.db", "staging.lock"]


def test_a_failed_required_check_keeps_outputs_from_being_published(tmp_path: Path) -> None:
    def action(ctx: StepContext) -> Note:
        ctx.finding(Finding(name="rows", why="w", required=True, passed=False, detail="8,599 of 8,760"))
        ctx.finding(Finding(name="gaps", why="w", required=False, passed=False))
        return note(ctx)

    result = run(tmp_path, GivesNote(action))
    assert isinstance(result.error, CheckFailedError)
    assert "rows: 8,599 of 8,760" in str(result.error)
    assert "gaps" not in str(result.error)
    assert [finding.name for finding in result["s"].findings] == ["rows", "gaps"]
    assert not (tmp_path / "steps").exists()


def test_an_unusable_output_folder_is_found_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ran: list[str] = []
    dag = pipeline(tmp_path / "file" / "out")
    dag.add_step(Work("a", lambda ctx: ran.append(ctx.step_id)))
    with pytest.raises(ConfigError, match=r"Could not create .*is a file, not a folder"):
        dag.execute()
    assert ran == []


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    result = run(tmp_path, GivesNote(lambda _ctx: full.write_text("x")))
    assert isinstance(result.error, StorageError)
    assert "The disk is full. Free some space" in str(result.error)
    assert isinstance(result.error.__cause__, OSError)


def test_errors_of_other_files_stay_as_they_are(tmp_path: Path) -> None:
    result = run(tmp_path, GivesNote(lambda _ctx: Path("/nowhere/at/all").read_text()))
    assert isinstance(result.error, FileNotFoundError)


def test_staging_of_dead_runs_is_removed_and_that_of_live_ones_stays(tmp_path: Path) -> None:
    live, dead = Staging(tmp_path, "live"), Staging(tmp_path, "dead")
    home = tmp_path / ".gridloom" / "staging"
    owner = msgspec.json.decode((home / "dead" / ".owner").read_bytes())
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    (home / "dead" / ".owner").write_bytes(msgspec.json.encode({**owner, "pid": pid}))
    (home / "dead" / "step").mkdir()
    (home / "torn").mkdir()
    (home / "recycled").mkdir()
    (home / "recycled" / ".owner").write_bytes(msgspec.json.encode({**owner, "started": "long ago"}))
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / ".owner").write_bytes(msgspec.json.encode({**owner, "host": "another", "pid": pid}))
    remove_dead(tmp_path)
    assert sorted(path.name for path in home.iterdir()) == ["elsewhere", "live"]
    live.remove()
    assert dead.folder("x", 1).name == "x"


def test_a_run_clears_up_after_dead_ones(tmp_path: Path) -> None:
    (tmp_path / ".gridloom" / "staging" / "torn").mkdir(parents=True)
    run(tmp_path, GivesNote(note))
    assert list((tmp_path / ".gridloom" / "staging").iterdir()) == []


def test_a_context_may_be_made_without_a_run(tmp_path: Path) -> None:
    ctx = StepContext(out=tmp_path, step_id="s", staging=tmp_path / "staging")
    ctx.log("nobody hears it")
    ctx.progress(1, 2)
    ctx.metric("x", 1.0)
    ctx.add(rows=2)
    assert GivesNote(note).run({}, ctx).text == "text"
    assert ctx.counters["rows"] == 2
    assert not ctx.cancelled


def test_a_result_is_asked_by_step(tmp_path: Path) -> None:
    result = run(tmp_path, Work("transform", fail()))
    with pytest.raises(UsageError, match=r"no step 'tansform'\. Did you mean transform"):
        _ = result["tansform"]
    with pytest.raises(
        StepFailedError, match="Step 'transform' failed with RuntimeError: it broke"
    ) as caught:
        result.raise_for_failure()
    assert caught.value.__cause__ is result.error


class Kept(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Note:
        return note(ctx)


def test_our_own_errors_are_raised_as_they_are(tmp_path: Path) -> None:
    result = run(tmp_path, GivesNote(None))
    with pytest.raises(StepFailedError) as caught:
        result.raise_for_failure()
    assert caught.value is result.error
    run(tmp_path, Kept(StepConfig())).raise_for_failure()


def test_an_artifact_with_an_absolute_path_is_moved_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(Path("out"), GivesNote(lambda ctx: Note.of(note(ctx).path.resolve())))
    assert result["s"].output.path == Path("out/steps/s/note.txt")
    assert result["s"].output.mismatch() is None


def test_an_output_folder_stays_inside(tmp_path: Path) -> None:
    class Escapes(GivesNote):
        def output_folder(self) -> str:
            return "../elsewhere"

    with pytest.raises(GraphError, match=r"output folder '\.\./elsewhere' of step 's' leads out"):
        pipeline(tmp_path).add_step(Escapes())
