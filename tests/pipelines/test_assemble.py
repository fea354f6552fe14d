"""From a pipeline file to a DAG: steps found, settings checked, everything before any work."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
from tests.pipelines import own_steps

from gridloom.dag import StepConfig
from gridloom.errors import (
    ConfigError,
    KeyMissingError,
    MissingExtraError,
    NoDataError,
    UnknownCodeError,
    UsageError,
    WiringError,
)
from gridloom.extract.steps import EIAExtractStep
from gridloom.pipelines.assemble import Assembled, assemble
from gridloom.pipelines.file import read_pipeline
from gridloom.pipelines.hourly import build, prepare
from gridloom.pipelines.registry import STEPS, config_class, find_step
from gridloom.pipelines.settings import HourlySettings
from gridloom.transform.steps import TransformConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def made(folder: Path, text: str, **flags: object) -> Assembled:
    path = folder / "p.yaml"
    path.write_text(dedent(text))
    file = read_pipeline(path)
    return assemble(file, file.settings({"out": str(folder / "out"), **flags}, environ={}))


def wrong(folder: Path, text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        made(folder, text)
    assert not (folder / "out").exists()
    return caught.value


def extract(settings: str) -> str:
    hours = "first: 2019-01-01T00, last: 2019-01-01T23, sample: true"
    return f"steps:\n  raw:\n    uses: extract\n    settings: {{series: D, {hours}, {settings}}}\n"


def count(settings: str) -> str:
    step = "steps:\n  a:\n    uses: tests.pipelines.own_steps:Count\n    settings:\n"
    return f"{step}      {settings}\n      retries: 1\n"


@pytest.mark.parametrize("name", STEPS)
def test_every_registered_step_is_there_with_settings_of_its_own(name: str, tmp_path: Path) -> None:
    config = config_class(find_step(name, tmp_path))

    assert issubclass(config, StepConfig)
    assert config is not StepConfig


@pytest.mark.parametrize(
    ("step", "config"),
    [
        (own_steps.Count, own_steps.CountConfig),
        (own_steps.Child, own_steps.CountConfig),
        (own_steps.Grandchild, own_steps.CountConfig),
        (own_steps.Bare, StepConfig),
    ],
)
def test_the_settings_of_a_step_are_found(step: type, config: type) -> None:
    assert config_class(step) is config


def test_the_example_is_the_pipeline_of_year_with_the_sample() -> None:
    file = read_pipeline(ROOT / "examples" / "year.yaml")
    example = assemble(file, file.settings({}, environ={}))
    year = build(prepare(HourlySettings.of({"sample": True})))

    def steps(dag):
        return {
            node.step_id: (type(node.step), node.step.config.model_copy(update={"step_id": ""}))
            for node in dag._graph
        }

    assert steps(example.dag) == steps(year)
    assert example.dag.config.model_copy(update={"recipe": year.config.recipe}) == year.config
    assert example.warnings == ()


def test_steps_of_ones_own_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "beside_the_file.py").write_text(
        "from gridloom import CacheableStep, StepConfig\n"
        "class Seven(CacheableStep[StepConfig]):\n    def _execute(self) -> int: return 7\n"
    )
    text = "steps:\n  a: {uses: 'beside_the_file:Seven'}\n"
    result = made(tmp_path, text).dag.execute()
    again = made(tmp_path, text, executor="process", force=True).dag.execute()

    assert result["a"].output == 7
    assert (again["a"].output, again["a"].reason) == (7, "forced")


def test_shared_settings_go_to_the_steps_that_have_them(tmp_path: Path) -> None:
    dag = made(
        tmp_path,
        """\
        shared:
          retries: 3
          start: 5
        steps:
          a: {uses: 'tests.pipelines.own_steps:Count'}
          b: {uses: 'tests.pipelines.own_steps:Count', settings: {start: 6}}
          c: {uses: 'tests.pipelines.own_steps:Bare', after: [a]}
        """,
    ).dag
    configs = {node.step_id: node.step.config for node in dag._graph}

    assert [config.retries for config in configs.values()] == [3, 3, 3]
    assert [configs[name].start for name in "ab"] == [5, 6]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (count("strat: 5"), "p.yaml:5: step 'a': there is no setting `strat`. Did you mean start?"),
        (
            count("start: -1"),
            "p.yaml:5: step 'a': `start`: Input should be greater than or equal to 0 (got -1).",
        ),
        (count("start: 2019-01"), "p.yaml:5: step 'a': `start`: Input should be a valid integer"),
        (count("words: [a, '']"), "p.yaml:5: step 'a': `words`: no word is empty"),
        (
            count("words:\n        - a\n        - 7"),
            "p.yaml:7: step 'a': `words.1`: Input should be a valid str",
        ),
        (count("start: 13"), "p.yaml:2: step 'a': Thirteen is no start."),
        (count("start: 14"), "p.yaml:2: step 'a': fourteen is neither."),
        (count("token: s3cret"), "p.yaml:5: step 'a': `token` is a secret, and a file is no place for one."),
        (
            "steps:\n  a: {uses: extrakt}\n",
            "p.yaml:2: step 'a': there is no step `extrakt`. Did you mean extract?",
        ),
        (
            "steps:\n  a: {uses: zzz}\n",
            "Steps are extract, transform, load, ring-prep; one of your own is written `package.module",
        ),
        (
            "steps:\n  a: {uses: 'no_such:X'}\n",
            "the module `no_such` cannot be imported: ModuleNotFoundError",
        ),
        (
            "steps:\n  a: {uses: 'tests.pipelines.own_steps:Cuont'}\n",
            "`tests.pipelines.own_steps` has no step class `Cuont`. Did you mean Count?",
        ),
        (
            "steps:\n  a: {uses: 'tests.pipelines.own_steps:NotAStep'}\n",
            "has no step class `NotAStep`. It has Count, Family, Child, Grandchild, Bare, Two.",
        ),
        ("steps:\n  a: {uses: 'tests.pipelines.own_steps:Two'}\n", "it is not made of its settings alone: "),
        (
            "steps:\n  a b: {uses: 'tests.pipelines.own_steps:Count'}\n",
            "p.yaml:2: step 'a b': step_id 'a b' cann",
        ),
        (
            "shared:\n  strat: 5\nsteps:\n  a: {uses: 'tests.pipelines.own_steps:Count'}\n",
            "p.yaml:2: no step has the shared setting `strat`. Did you mean start?",
        ),
        ("steps:\n  a:\n    uses: transform\n", "p.yaml:2: step 'a': `name`: Field required."),
        (
            extract("respondents: [PACW], batch_dayz: 3"),
            "p.yaml:4: step 'raw': there is no setting `batch_dayz`.",
        ),
        (extract("respondents: [PACW], batch_days: 0"), "p.yaml:"),
        (extract("respondents: []"), "p.yaml:"),
    ],
)
def test_what_is_wrong_is_shown_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    error = wrong(tmp_path, text)

    assert said in str(error)
    assert "s3cret" not in str(error)


def test_a_step_whose_extra_is_not_installed_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)
    error = wrong(tmp_path, "steps:\n  tensors:\n    uses: load\n    settings: {name: t}\n")

    assert isinstance(error, MissingExtraError)
    assert "p.yaml:3: step 'tensors': a step that uses load needs numpy and holidays" in str(error)
    assert "pip install 'gridloom[tensors]'" in str(error)


def test_wiring_that_does_not_fit_is_shown_with_the_step(tmp_path: Path) -> None:
    error = wrong(
        tmp_path,
        """\
        steps:
          words: {uses: 'tests.pipelines.own_steps:Child'}
          count: {uses: 'tests.pipelines.own_steps:Count'}
        """,
    )

    assert isinstance(error, WiringError)
    assert "p.yaml:2: step 'words' wants int (parameter `count`)" in str(error)


def test_everything_that_is_wrong_with_the_settings_is_said_at_once(tmp_path: Path) -> None:
    text = "steps:\n" + "".join(
        f"  {name}: {{uses: 'tests.pipelines.own_steps:Count', settings: {{start: x, top: 1}}}}\n"
        for name in "ab"
    )

    assert len(str(wrong(tmp_path, text)).splitlines()) == 4


def test_codes_that_are_meant_are_corrected_with_a_warning(tmp_path: Path) -> None:
    assembled = made(tmp_path, extract("respondents: [ercot, PACW]"))
    (node,) = assembled.dag._graph

    assert isinstance(node.step, EIAExtractStep)
    assert node.step.config.respondents == ("ERCO", "PACW")
    assert len(assembled.warnings) == 1
    assert "'ERCOT' is not a code of EIA-930; using 'ERCO'" in assembled.warnings[0]


def test_codes_may_stand_in_one_text_and_series_too(tmp_path: Path) -> None:
    text = """\
    steps:
      table:
        uses: transform
        needs: [raw]
        settings: {name: t, first: 2019-01-01T00, last: 2019-01-01T23, series: 'D', respondents: 'PACW,ERCO'}
    """
    raw = extract("respondents: 'PACW,ERCO'").replace("steps:\n", "")
    dag = made(tmp_path, dedent(text) + raw).dag
    config = next(node.step.config for node in dag._graph if node.step_id == "table")

    assert isinstance(config, TransformConfig)
    assert config.respondents == ("ERCO", "PACW")


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ("respondents: [PACV]", UnknownCodeError, "'PACV' is not a respondent of EIA-930. Did you mean"),
        ("respondents: [PACW], last: 2020-01-01T00", ConfigError, "stands here for the second time"),
    ],
)
def test_codes_and_keys_are_checked_before_any_work(
    settings: str, kind: type[UsageError], said: str, tmp_path: Path
) -> None:
    error = wrong(tmp_path, extract(settings))

    assert type(error) is kind
    assert said in str(error)
    assert "p.yaml:" in str(error)


def test_a_missing_key_and_hours_that_the_source_has_not_are_said_before_any_work(tmp_path: Path) -> None:
    live = extract("respondents: [PACW]").replace(", sample: true", "")
    late = extract("respondents: [PACW]").replace("2019-", "2021-")

    assert type(wrong(tmp_path, live)) is KeyMissingError
    assert type(wrong(tmp_path, late)) is NoDataError


def test_the_key_of_the_environment_is_used_and_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EIA_API_KEY", "key-of-the-tests")
    assembled = made(tmp_path, extract("respondents: [PACW]").replace(", sample: true", ""))
    (node,) = assembled.dag._graph

    assert node.step.config.api_key.get_secret_value() == "key-of-the-tests"
    assert assembled.dag.redact("a key-of-the-tests b") == "a *** b"
