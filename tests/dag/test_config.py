"""Settings explain what is wrong with them, and ids are names of folders."""

from __future__ import annotations

import pytest
from pydantic import Field, SecretStr, model_validator

from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, StepConfig, operational
from gridloom.dag.config import kebab, masked_settings, secrets_in, semantic_settings
from gridloom.errors import ConfigError


class Config(StepConfig):
    days: int = Field(default=45, ge=1)
    workers: int = operational(5, ge=1)
    key: SecretStr = Field(default=SecretStr(""), min_length=0, max_length=8)

    @model_validator(mode="after")
    def _known(self) -> Config:
        if self.days == 13:
            raise ValueError("13 days bring bad luck")
        return self


class EIAThingStep(BaseStep[Config]):
    def _execute(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"days": 0}, "Config: `days`: Input should be greater than or equal to 1 (got 0)."),
        ({"days": "many"}, "(got 'many')"),
        ({"dayz": 3}, "Config: there is no setting `dayz`. Did you mean days?"),
        ({"qqqqqq": 3}, "there is no setting `qqqqqq`. There are step_id, step_name"),
        ({"days": 13}, "Config: 13 days bring bad luck."),
        ({"retries": -1}, "`retries`"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config(**settings)
    assert text in str(caught.value)
    assert caught.value.exit_code == 2
    with pytest.raises(ConfigError):
        Config.model_validate(settings)


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Config(key="canary-much-too-long")
    assert "canary" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_settings_are_frozen_and_masked() -> None:
    config = Config(key="hush")
    with pytest.raises(Exception, match="frozen"):
        config.days = 3
    assert "hush" not in repr(config) + str(masked_settings(config))
    assert list(secrets_in(config)) == ["hush"]


def test_operational_settings_and_the_id_do_not_count() -> None:
    assert set(semantic_settings(Config(step_id="x"))) == {"days", "key"}


def test_an_operational_setting_keeps_its_checks_and_may_be_required() -> None:
    class Needs(StepConfig):
        place: str = operational(description="Where.", json_schema_extra={"unit": "m"})

    with pytest.raises(ConfigError, match="`place`: Field required"):
        Needs()
    assert Needs.model_fields["place"].json_schema_extra == {"unit": "m", "operational": True}


def test_ids_come_from_the_settings_or_the_class() -> None:
    class Named(EIAThingStep):
        default_id = "named"

    assert EIAThingStep(Config()).step_id == "eia-thing"
    assert Named(Config()).step_id == "named"
    assert Named(Config(step_id="mine")).step_id == "mine"
    assert Named(Config()).step_name == "named"
    assert Named(Config(step_name="Nice")).step_name == "Nice"


@pytest.mark.parametrize("step_id", ["../up", "a/b", ".hidden", "a b", "x" * 101])
def test_an_id_that_is_no_folder_name_is_refused(step_id: str) -> None:
    with pytest.raises(ConfigError, match="letters, digits"):
        EIAThingStep(Config(step_id=step_id))


def test_a_step_takes_its_settings() -> None:
    with pytest.raises(ConfigError, match="EIAThingStep takes a StepConfig, got dict"):
        EIAThingStep({})  # type: ignore[arg-type]


def test_a_pipeline_is_named_after_what_a_person_reads() -> None:
    assert PipelineDAGConfig(pipeline_name="Peak hours, 2024").pipeline_id == "peak-hours-2024"
    assert PipelineDAGConfig(pipeline_name="x", pipeline_id="own").pipeline_id == "own"
    assert PipelineDAGConfig(pipeline_name="---").pipeline_id == "pipeline"
    with pytest.raises(ConfigError, match="max_parallel_steps"):
        PipelineDAGConfig(max_parallel_steps=0)
    with pytest.raises(ConfigError, match="executor"):
        PipelineDAGConfig(executor="fork")
    with pytest.raises(ConfigError, match="takes a PipelineDAGConfig, got str"):
        PipelineDAG("peaks")  # type: ignore[arg-type]


def test_names_become_ids() -> None:
    assert [kebab(name) for name in ("PeakHours", "EIAExtract", "MLXDataset", "x")] == [
        "peak-hours",
        "eia-extract",
        "mlx-dataset",
        "x",
    ]
