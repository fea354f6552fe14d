"""Pipeline files: what they say, and what is wrong in which line."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError, CycleError, UnknownStepError, UsageError
from gridloom.pipelines.file import PipelineFile, read_pipeline


def read(folder: Path, text: str) -> PipelineFile:
    path = folder / "p.yaml"
    path.write_text(dedent(text))
    return read_pipeline(path)


GOOD = """\
pipeline: peaks
out: elsewhere
max_parallel: 2
executor: process
continue_on_failure: true
shared:
  first: 2019-01-01T00
steps:
  last:
    uses: c
    needs: [first]
    after: middle
    settings:
      top: 10
      names:
        - a
        - b
  first:
    uses: a
  middle: {uses: b}
"""


def test_what_a_file_says(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD)

    assert file.name == "peaks"
    assert [(step.step_id, step.uses.value) for step in file.steps] == [
        ("first", "a"),
        ("middle", "b"),
        ("last", "c"),
    ]
    assert (file.steps[2].needs, file.steps[2].after, file.steps[2].line) == (("first",), ("middle",), 9)
    assert file.steps[2].settings["names"].plain() == ["a", "b"]
    assert file.shared["first"].plain() == "2019-01-01T00"


def test_a_file_may_say_next_to_nothing(tmp_path: Path) -> None:
    file = read(tmp_path, "steps:\n  a:\n    uses: x\n    needs:\n    settings:\n")

    assert (file.name, file.run, file.shared) == ("p", {}, {})
    assert (file.steps[0].needs, file.steps[0].settings) == ((), {})


def test_settings_are_those_of_flags_then_environment_then_file(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD)

    alone = file.settings({"out": None, "force": None}, environ={})
    within = file.settings({}, environ={"GRIDLOOM_OUT": "outside"})
    told = file.settings({"out": "told", "max_parallel": "7"}, environ={"GRIDLOOM_OUT": "outside"})

    assert (alone.out, alone.max_parallel, alone.executor) == (Path("elsewhere"), 2, "process")
    assert (alone.continue_on_failure, alone.force) == (True, False)
    assert within.out == Path("outside")
    assert (told.out, told.max_parallel) == (Path("told"), 7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]\n", "p.yaml:1: a pipeline file is a mapping of names to values; got a list."),
        ("just words\n", "p.yaml:1: a pipeline file is a mapping of names to values; got 'just words'."),
        ("pipeline: x\n", "p.yaml:1: there are no steps. Name at least one below `steps`."),
        ("steps:\n", "there are no steps."),
        ("stepps:\n  a: {uses: x}\n", "p.yaml:1: a pipeline file has no `stepps`. Did you mean steps?"),
        (
            "retries: 3\nsteps: {a: {uses: x}}\n",
            "p.yaml:1: a pipeline file has no `retries`. It has pipeline,",
        ),
        ("steps: [a]\n", "p.yaml:1: `steps` is a mapping of names to values; got a list."),
        ("steps:\n  a: x\n", "p.yaml:2: step 'a' is a mapping of names to values; got 'x'."),
        ("steps:\n  a:\n", "p.yaml:2: step 'a' has no `uses`, which says what kind of step it is."),
        ("steps:\n  a:\n    uses: 7\n", "p.yaml:3: `uses` is a text; got 7."),
        ("steps:\n  a:\n    uses:\n", "p.yaml:3: `uses` is a text; got nothing."),
        (
            "steps:\n  a:\n    uses: x\n    need: [b]\n",
            "p.yaml:4: step 'a' has no `need`. Did you mean needs?",
        ),
        (
            "steps:\n  a:\n    uses: x\n    needs: 7\n",
            "p.yaml:4: step 'a': `needs` is a list of step ids, such",
        ),
        ("steps:\n  a:\n    uses: x\n    needs: [1]\n", "p.yaml:4: step 'a': `needs` is a list of step ids"),
        (
            "steps:\n  abc: {uses: x}\n  b:\n    uses: x\n    needs: [abd]\n",
            "p.yaml:3: step 'b' depends on 'abd', which is no step of the file. Did you mean abc?",
        ),
        (
            "steps:\n  a: {uses: x, after: qq}\n",
            "p.yaml:2: step 'a' depends on 'qq', which is no step of the file. There are a.",
        ),
        (
            "steps:\n  a:\n    uses: x\n    settings: {step_id: b}\n",
            "p.yaml:4: step 'a': `step_id` is the name below `steps`.",
        ),
        (
            "steps:\n  a:\n    uses: x\n    settings: [top]\n",
            "p.yaml:4: step 'a': `settings` is a mapping of names to values; got a list.",
        ),
        (
            "max_parallel: 0\nsteps: {a: {uses: x}}\n",
            "p.yaml:1: `max_parallel` cannot be 0: it has to be 1 or",
        ),
        ("executor: forks\nsteps: {a: {uses: x}}\n", "p.yaml:1: `executor` cannot be 'forks': it has to be"),
        ("pipeline: [x]\nsteps: {a: {uses: x}}\n", "p.yaml:1: `pipeline` is a text; got a list."),
        ("shared: 3\nsteps: {a: {uses: x}}\n", "p.yaml:1: `shared` is a mapping of names to values; got 3."),
        (
            "steps: {a: {uses: x}}\n\napi_key: s3cret\n",
            "p.yaml:3: an `api_key` does not belong in a file. Set EIA_API_KEY in the environment instead.",
        ),
        ("shared:\n  api_key: s3cret\nsteps: {a: {uses: x}}\n", "p.yaml:2: an `api_key` does not belong"),
        (
            "steps:\n  a:\n    uses: x\n    settings:\n      api_key: s3cret\n",
            "p.yaml:5: an `api_key` does not",
        ),
    ],
)
def test_what_is_wrong_is_shown_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)

    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "max_paralel: 3\nsteps:\n  a: {use: x}\n  b: {uses: x, needs: [c]}\n")

    lines = [re.sub(r".*p\.yaml", "p.yaml", line) for line in str(caught.value).splitlines()]
    assert [line.split(":")[1] for line in lines] == ["1", "3", "3", "4"]


def test_one_problem_keeps_its_kind(tmp_path: Path) -> None:
    with pytest.raises(UnknownStepError):
        read(tmp_path, "steps:\n  a: {uses: x, needs: [b]}\n")


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("steps:\n  a: {uses: x, needs: [a]}\n", "a"),
        (
            """\
            steps:
              z: {uses: x}
              a: {uses: x, needs: b}
              b: {uses: x, after: [c, z]}
              c: {uses: x, needs: [a]}
            """,
            "abc",
        ),
    ],
)
def test_a_circle_is_shown_as_a_path_with_the_line_of_its_first_step(
    text: str, circle: str, tmp_path: Path
) -> None:
    with pytest.raises(CycleError) as caught:
        read(tmp_path, text)
    shown = re.search(r"p.yaml:(\d): .* in a circle: (.+) \(each needs the next one\)", str(caught.value))

    assert shown is not None
    path = shown[2].split(" -> ")
    # where a circle begins is nobody's business
    turned = "".join(path[:-1]) * 2
    assert path[0] == path[-1]
    assert len(path) == len(circle) + 1
    assert circle in turned
    assert dedent(text).splitlines()[int(shown[1]) - 1].strip().startswith(f"{path[0]}:")


@given(order=st.permutations("abcdef"))
def test_steps_come_after_what_they_depend_on(order: list[str], tmp_path_factory) -> None:
    needs = {"b": ["a"], "d": ["b", "c"], "f": ["d"]}
    steps = "".join(f"  {name}: {{uses: x, needs: {needs.get(name, [])}}}\n" for name in order)
    file = read(tmp_path_factory.mktemp("file"), f"steps:\n{steps}".replace("'", ""))
    found = [step.step_id for step in file.steps]

    assert sorted(found) == list("abcdef")
    assert all(found.index(before) < found.index(name) for name in needs for before in needs[name])
