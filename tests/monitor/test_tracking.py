"""What MLflow's own client reads back of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from tests.monitor.runs import pipeline, run
from tests.support.receivers import receiver

from gridloom.artifact import Artifact
from gridloom.dag import BaseStep, PipelineDAG, PipelineDAGConfig, RunOutcome, StepConfig, StepContext
from gridloom.dag.events import LogWritten, RunFinished, decode
from gridloom.errors import ConfigError, ListenerError, MissingExtraError
from gridloom.monitor.tracking import MlflowSink
from gridloom.pipelines.listener_options import ListenerOptions
from gridloom.pipelines.reporting import run_reported


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of runs is made where it is named, its files beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "store").as_uri()


def read(uri: str, experiment: str) -> Run:
    """The only run of an experiment."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    return run


def files(uri: str, run: Run, folder: str = "") -> set[str]:
    return {each.path for each in MlflowClient(uri).list_artifacts(run.info.run_id, folder)}


def reported(out: Path, uri: str, **how: Any) -> dict[str, Any]:
    _, report = run_reported(pipeline(out, **how), [].append, ListenerOptions(mlflow=uri))
    return report


def test_a_run_has_its_settings_numbers_and_files(store: str, tmp_path: Path) -> None:
    report = reported(tmp_path, store, failures=1)

    found = read(store, "small-one")
    assert found.info.status == "FINISHED"
    assert found.info.run_name == report["report"].parent.name == found.data.tags["gridloom.run_id"]
    assert found.data.params["make.failures"] == "1"
    assert "make.retries" not in found.data.params
    numbers = found.data.metrics
    assert numbers["make/mean"] == 4.5
    assert (numbers["requests"], numbers["steps_executed"], numbers["findings"]) == (4, 2, 1)
    assert numbers["duration_s"] > 0
    assert found.data.tags["gridloom.outcome"] == "succeeded"
    assert files(store, found) == {"report.html", "results.json"}
    assert "listener_problem" not in report


def test_a_failed_run_is_failed_and_says_why(store: str, tmp_path: Path) -> None:
    reported(tmp_path, store, breaks="It broke.")

    found = read(store, "small-one")
    assert found.info.status == "FAILED"
    assert found.data.tags["gridloom.error"] == "It broke."
    assert files(store, found) == {"report.html", "results.json"}


class TrainConfig(StepConfig):
    """How to train."""

    learning_rate: float = 0.1


class Weights(Artifact):
    """What was learned."""


class Train(BaseStep[TrainConfig]):
    """Learns nothing, in five steps."""

    def _execute(self, ctx: StepContext) -> Weights:
        for step in range(5):
            ctx.metric("loss", 1.0 / (step + 1))
        path = ctx.path("weights.bin")
        path.write_bytes(b"1234")
        return Weights.of(path)


def training(out: Path) -> PipelineDAG:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name="Training", output_dir=out))
    dag.add_step(Train(TrainConfig(step_id="train", learning_rate=0.5)))
    return dag


def test_a_training_has_its_params_the_history_of_its_loss_and_what_it_made(
    store: str, tmp_path: Path
) -> None:
    run_reported(training(tmp_path), [].append, ListenerOptions(mlflow=store))

    found = read(store, "training")
    assert found.data.params == {"train.learning_rate": "0.5"}
    history = MlflowClient(store).get_metric_history(found.info.run_id, "train/loss")
    assert [(each.step, each.value) for each in history] == [(step, 1.0 / (step + 1)) for step in range(5)]
    assert files(store, found, "outputs/train") == {"outputs/train/weights.bin"}


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own use of SQLAlchemy 2.1
def test_a_store_in_sqlite_reads_the_same(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run_reported(training(tmp_path), [].append, ListenerOptions(mlflow=uri))

    found = read(uri, "training")
    assert (found.info.status, found.data.params) == ("FINISHED", {"train.learning_rate": "0.5"})
    assert files(uri, found) == {"outputs", "report.html", "results.json"}


def test_the_environment_names_the_experiment(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "nightly")
    run(tmp_path, MlflowSink(store))
    run(tmp_path, MlflowSink(store))

    client = MlflowClient(store)
    found = client.get_experiment_by_name("nightly")
    assert found is not None
    assert len(client.search_runs([found.experiment_id])) == 2


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's own patience is minutes."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.usefixtures("_at_once")
def test_a_server_that_refuses_is_said_once_and_changes_nothing(tmp_path: Path) -> None:
    with receiver(status=500) as server:
        uri = server.url.replace("//", "//user:secret-word@")
        result, report = run_reported(dag := pipeline(tmp_path), [].append, ListenerOptions(mlflow=uri))

    assert result.outcome is RunOutcome.succeeded
    said = [line for line in (result.run_dir / "events.jsonl").read_text().splitlines() if '"log"' in line]
    (warning,) = [line for line in said if "warning" in line]
    assert "MLflow at http://127.0.0.1" in warning
    assert "secret-word" not in warning + str(report) + str(dag)


@pytest.mark.usefixtures("_at_once")
def test_a_server_that_hangs_does_not_hold_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.dag.sinks._PATIENCE_S", 0.2)
    with receiver(hangs=True) as server:
        run(tmp_path, MlflowSink(server.url))

    (log,) = tmp_path.glob("runs/*/events.jsonl")
    events = [decode(line) for line in log.read_text().splitlines()]
    assert [event.outcome for event in events if isinstance(event, RunFinished)] == ["succeeded"]
    (warning,) = [each.message for each in events if isinstance(each, LogWritten) and each.level == "warning"]
    assert "MlflowSink did not hear" in warning


@pytest.mark.usefixtures("_at_once")
def test_files_that_are_not_taken_in_time_are_said(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MlflowSink(store)
    run(tmp_path, sink)
    monkeypatch.setattr("gridloom.monitor.tracking._KEEP_S", 0.1)
    with receiver(hangs=True) as server:
        sink._client = MlflowClient(server.url)
        with pytest.raises(ListenerError, match=r"did not take the run's files within"):
            sink.keep([(tmp_path, "")])


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("nothing://user:secret-word@host/x", "--mlflow takes .* Write http://HOST:PORT, sqlite:///FILE"),
        ("htp:/secret-word", "--mlflow takes .* Write http://HOST:PORT"),
        ("secret-word", "--mlflow takes .* MLFLOW_ALLOW_FILE_STORE=true"),
        ("postgresql://user:secret-word@host/x", "MLflow at postgresql://.* needs the module 'psycopg"),
    ],
)
def test_a_store_that_cannot_be_opened_stops_before_any_work(
    uri: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=said) as raised:
        reported(out, uri)

    assert "secret-word" not in str(raised.value)
    assert not out.exists()


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)

    with pytest.raises(MissingExtraError, match=r"pip install 'gridloom\[mlflow\]'"):
        MlflowSink("sqlite://")
