"""Where a file comes from: down to where nothing is known, each record once, whatever happened since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.dag.toys import CachedWork, Note, WorkConfig, chain, pipeline

from gridloom.dag import CacheableStep, StepConfig, StepContext
from gridloom.dag.lineage import find_out, trace
from gridloom.errors import RawDataError, UsageError


def run(out: Path, text: str = "", **settings: Any) -> str:
    dag = pipeline(out, **settings)
    chain(dag, [CachedWork("a"), CachedWork("b", text=text), CachedWork("c")])
    result = dag.execute()
    result.raise_for_failure()
    return result.run_id


def note(out: Path, step_id: str) -> Path:
    return out / "steps" / step_id / "note.txt"


def test_it_leads_down_to_the_first_step(tmp_path: Path) -> None:
    run_id = run(tmp_path, "!")
    found = trace(tmp_path, note(tmp_path, "c"))

    assert found["path"] == "steps/c/note.txt"
    assert found["state"] == "unchanged"
    assert found["digest"].startswith("sha256:")
    steps, made = [], found["made_by"]
    while True:
        steps.append((made["step_id"], made["run_id"], made["settings"]["text"]))
        assert made["type"] == "tests.dag.toys.CachedWork"
        assert made["version"] == "1"
        assert made["code"]["digest"].startswith("sha256:")
        assert any("write_note" in part for part in made["code"]["parts"])
        if not made["inputs"]:
            break
        (given,) = made["inputs"]
        assert given["parameter"] == "notes"
        assert given["path"] == f"steps/{given['made_by']['step_id']}/note.txt"
        made = given["made_by"]
    assert steps == [("c", run_id, ""), ("b", run_id, "!"), ("a", run_id, "")]


def test_it_goes_deeper_than_python_calls_functions(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [CachedWork(f"s{number}") for number in range(400)])
    dag.execute().raise_for_failure()
    made, depth = trace(tmp_path, note(tmp_path, "s399"))["made_by"], 1
    while made["inputs"]:
        (given,) = made["inputs"]
        made, depth = given["made_by"], depth + 1

    assert (made["step_id"], depth) == ("s0", 400)


def test_a_changed_and_a_gone_file_still_tell_where_they_came_from(tmp_path: Path) -> None:
    run(tmp_path)
    note(tmp_path, "b").write_text("changed")
    note(tmp_path, "c").unlink()

    assert trace(tmp_path, note(tmp_path, "b"))["state"] == "changed"
    gone = trace(tmp_path, note(tmp_path, "c"))
    assert (gone["state"], gone["made_by"]["step_id"]) == ("gone", "c")


def test_of_several_records_of_a_place_the_one_of_its_content_counts(tmp_path: Path) -> None:
    run(tmp_path, "one")
    kept = note(tmp_path, "b").read_text()
    run(tmp_path, "two")

    assert trace(tmp_path, note(tmp_path, "b"))["made_by"]["settings"]["text"] == "two"
    note(tmp_path, "b").write_text(kept)
    found = trace(tmp_path, note(tmp_path, "b"))
    assert (found["state"], found["made_by"]["settings"]["text"]) == ("unchanged", "one")


class Folder(CacheableStep[StepConfig]):
    def _execute(self, ctx: StepContext) -> Note:
        for name in ("one", "deep/two"):
            ctx.path(f"folder/{name}").write_text(name)
        return Note.of(ctx.path("folder"))


def test_a_file_in_a_folder_comes_from_who_made_the_folder(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    dag.add_step(Folder(StepConfig(step_id="folder")))
    dag.execute().raise_for_failure()
    home = tmp_path / "steps" / "folder" / "folder"

    for place in (home, home / "one", home / "deep" / "two", home / "deep"):
        assert trace(tmp_path, place)["path"] == "steps/folder/folder"
    (home / "one").write_text("x")
    assert trace(tmp_path, home / "deep" / "two")["state"] == "changed"


class Copies(CacheableStep[WorkConfig]):
    """Gives the same bytes as the step that it takes them from."""

    def _execute(self, notes: list[Note], ctx: StepContext) -> Note:
        ctx.path("note.txt").write_text(notes[0].text)
        return Note.of(ctx.path("note.txt"))


def test_a_step_that_gives_what_it_takes_does_not_come_from_itself(tmp_path: Path) -> None:
    dag = pipeline(tmp_path)
    chain(dag, [CachedWork("a"), Copies(WorkConfig(step_id="copy")), Copies(WorkConfig(step_id="again"))])
    dag.execute().raise_for_failure()
    made = trace(tmp_path, note(tmp_path, "again"))["made_by"]

    assert made["step_id"] == "again"
    assert made["inputs"][0]["made_by"]["step_id"] == "copy"
    assert made["inputs"][0]["made_by"]["inputs"][0]["made_by"]["step_id"] == "a"


def test_also_if_what_it_takes_was_made_anew_since(tmp_path: Path) -> None:
    run(tmp_path)
    dag = pipeline(tmp_path, force=True)
    dag.add_step(CachedWork("a"))
    dag.execute().raise_for_failure()
    made = trace(tmp_path, note(tmp_path, "b"))["made_by"]

    assert made["inputs"][0]["made_by"]["step_id"] == "a"


class Named(CacheableStep[WorkConfig]):
    """Gives its name, whatever it takes."""

    def _execute(self, notes: list[Note] | None, ctx: StepContext) -> Note:
        ctx.path("note.txt").write_text(self.step_id)
        return Note.of(ctx.path("note.txt"))


def test_what_many_take_is_told_once(tmp_path: Path) -> None:
    """Told again for each of 9 layers of 9 steps, it would be told a hundred million times."""
    dag, layer = pipeline(tmp_path), list[str]()
    for depth in range(9):
        names = [f"s{depth}-{number}" for number in range(9)]
        for name in names:
            dag.add_step(Named(WorkConfig(step_id=name)), layer)
        layer = names
    dag.execute().raise_for_failure()
    found = trace(tmp_path, note(tmp_path, "s8-0"))
    text = repr(found)

    assert text.count("'settings'") == 8 * 9 + 1
    again = found["made_by"]["inputs"][1]["made_by"]["inputs"][0]
    assert again["made_by"] == {
        "step_id": "s6-0",
        "run_id": found["made_by"]["run_id"],
        "told_above": True,
    }


def test_a_value_or_a_file_from_outside_is_only_its_digest(tmp_path: Path) -> None:
    class Value(CacheableStep[StepConfig]):
        def _execute(self) -> int:
            return 7

    class Uses(CacheableStep[StepConfig]):
        def _execute(self, value: int, ctx: StepContext) -> Note:
            ctx.path("note.txt").write_text(f"{value}")
            return Note.of(ctx.path("note.txt"))

    dag = pipeline(tmp_path)
    chain(dag, [Value(StepConfig(step_id="value")), Uses(StepConfig(step_id="uses"))])
    dag.execute().raise_for_failure()
    (given,) = trace(tmp_path, note(tmp_path, "uses"))["made_by"]["inputs"]

    assert given.keys() == {"parameter", "digest"}


def test_a_file_from_nowhere_is_an_error_in_words(tmp_path: Path) -> None:
    run(tmp_path / "out")
    with pytest.raises(
        UsageError, match=r"No step made .*mine\.txt, as far as .* `gridloom cache list --out"
    ):
        trace(tmp_path / "out", tmp_path / "out" / "mine.txt")
    with pytest.raises(UsageError, match="No step made"):
        trace(tmp_path / "out", tmp_path / "elsewhere.txt")
    with pytest.raises(UsageError, match=r"lies in no output folder of GridLoom.* with --out"):
        find_out(tmp_path / "elsewhere.txt")


def test_a_damaged_store_is_an_error_in_words(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / ".gridloom" / "runs.db").write_bytes(b"x" * 5000)
    with pytest.raises(RawDataError, match=r"The record store of .* is damaged"):
        trace(tmp_path, note(tmp_path, "c"))


def test_the_folder_is_found_and_any_spelling_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "Übung data"
    run(out)
    (tmp_path / "link").symlink_to(out, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    spelled = [
        Path("Übung data/steps/c/note.txt"),
        Path("link/steps/c/note.txt"),
        Path("Übung data/../Übung data/steps/./c/note.txt"),
        note(out, "c"),
    ]
    for file in spelled:
        for folder in (find_out(file), out, Path("link"), Path("Übung data"), Path("link/../Übung data")):
            assert trace(folder, file)["path"] == "steps/c/note.txt", (folder, file)
    monkeypatch.chdir(out / "steps")
    assert trace(find_out(Path("c/note.txt")), Path("c/note.txt"))["made_by"]["step_id"] == "c"
    assert find_out(Path("c/note.txt")).samefile(out)


def test_a_moved_folder_tells_the_same(tmp_path: Path) -> None:
    run(tmp_path / "here")
    before = trace(tmp_path / "here", note(tmp_path / "here", "c"))
    (tmp_path / "here").rename(tmp_path / "there")

    assert trace(tmp_path / "there", note(tmp_path / "there", "c")) == before
