"""A run as MLflow knows it: params, metrics over time, tags, and its files as artefacts.

The experiment is the pipeline, unless ``MLFLOW_EXPERIMENT_NAME`` says another. Numbers that steps name
themselves, such as the loss of a training step, become metrics ``<step>/<name>`` with their history.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gridloom import __version__
from gridloom.dag.events import (
    Event,
    FindingReported,
    MetricReported,
    RunFinished,
    RunStarted,
    StepFinished,
)
from gridloom.dag.outcome import RunOutcome, StepOutcome
from gridloom.errors import ConfigError, ListenerError
from gridloom.extras import need
from gridloom.monitor.post import checked_url, shown_url
from gridloom.monitor.tally import COUNTED, counts

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag

__all__ = ["MlflowSink"]

_T = TypeVar("_T")
_SEND_EVERY_S: Final = 5.0
_BATCH: Final = 1000
_PARAMS_AT_ONCE: Final = 100
_MOST_PARAMS: Final = 1000
_LONGEST_PARAM: Final = 500
_LONGEST_NAME: Final = 250
_LONGEST_TAG: Final = 5000
_KEEP_S: Final = 60.0
"""How long the end waits for a server to take the run's files, in seconds."""
_UNFIT: Final = re.compile(r"[^\w.\-/ ]")
"""What no version of MLflow takes in the name of a metric or param."""
_KNOWN: Final = re.compile(r"(https?|databricks|sqlite|postgresql|mysql|mssql)\b[^/]*:")
"""Stores of which MLflow's own words say more; a database may have its driver in the name."""
_SQLITE: Final = "sqlite:///"
_STOPPED: Final = "InterruptedRunError"


class MlflowSink:
    """A sink of events that logs them as one run of MLflow.

    Args:
        uri: Of the tracking store: a server's URL, ``sqlite:///FILE``, or what else MLflow takes.
        params: Settings of the steps, without secrets.
        environ: ``MLFLOW_EXPERIMENT_NAME`` is read from it.

    Attributes:
        kinds: The events that it wants.

    Raises:
        MissingExtraError: If MLflow is not installed.
        ConfigError: If it cannot open the store.
    """

    def __init__(
        self, uri: str, *, params: Mapping[str, str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._uri = checked_url(uri, "--mlflow") if uri.startswith(("http:", "https:")) else uri
        self._params = params or {}
        self._experiment = environ.get("MLFLOW_EXPERIMENT_NAME", "")
        self._client = self._opened()
        self._run = ""
        self._counted: Counter[str] = Counter()
        self._outcomes: Counter[StepOutcome] = Counter()
        self._points: Counter[str] = Counter()
        self._waiting: list[Metric] = []
        self._sent_s = time.monotonic()
        self._hear: Mapping[type[Event], Callable[[Any], None]] = {
            RunStarted: lambda event: self._tried(partial(self._begin, event)),
            MetricReported: self._measured,
            FindingReported: self._found,
            StepFinished: self._step_finished,
            RunFinished: lambda event: self._tried(partial(self._end, event)),
        }
        self.kinds = tuple(self._hear)

    def __call__(self, event: Event) -> None:
        """Hears one event; the last one ends MLflow's run.

        Raises:
            ListenerError: If MLflow does not take it.
        """
        self._hear[type(event)](event)

    def _measured(self, event: MetricReported) -> None:
        self._add(f"{event.step_id}/{event.name}", event.value, int(event.at.timestamp() * 1000))
        if len(self._waiting) >= _BATCH or time.monotonic() - self._sent_s > _SEND_EVERY_S:
            self._tried(self._send)

    def _found(self, event: FindingReported) -> None:
        self._counted["findings"] += not event.passed

    def _step_finished(self, event: StepFinished) -> None:
        self._outcomes[event.outcome] += 1
        counted = counts(event)
        if any(counted):
            self._counted.update(dict(zip(COUNTED, counted, strict=True)))

    def keep(self, files: Sequence[tuple[Path, str]]) -> None:
        """Logs files and folders as artefacts of the run that has ended.

        Args:
            files: Each with the folder of artefacts that it goes to; empty for the top.

        Raises:
            ListenerError: If MLflow does not take them, or not in time.
        """
        if not self._run:
            return
        failed: list[ListenerError] = []

        def upload() -> None:
            try:
                for path, folder in files:
                    self._tried(partial(self._upload, path, folder))
            except ListenerError as error:
                failed.append(error)

        # a daemon, as a listener's thread is: a server that hangs must not keep the process alive
        thread = threading.Thread(target=upload, name="gridloom-mlflow-files", daemon=True)
        thread.start()
        thread.join(_KEEP_S)
        if thread.is_alive():
            raise ListenerError(f"{self._named()} did not take the run's files within {_KEEP_S:.0f} s.")
        for error in failed:
            raise error

    def _upload(self, path: Path, folder: str) -> None:
        log = self._client.log_artifacts if path.is_dir() else self._client.log_artifact
        log(self._run, str(path), folder or None)

    def _opened(self) -> MlflowClient:
        need("mlflow", "A run with MLflow")
        if trouble := _unopened(self._uri):
            raise ConfigError(f"--mlflow: {self._named()} cannot be opened ({trouble}). Name another file.")
        ours = "mlflow" not in sys.modules
        if ours:
            # whoever asked for this run asked for this store to be told, and nobody else
            os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient  # noqa: PLC0415 - comes with an extra, and is heavy
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        if ours and "MLFLOW_LOGGING_LEVEL" not in os.environ:
            logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of each table that it makes
        try:
            return MlflowClient(self._uri)
        except ImportError as error:
            problem = f"--mlflow: {self._named()} needs the module '{error.name}'. Install it."
        except (MlflowException, OSError) as error:
            if _KNOWN.match(self._uri):
                problem = f"--mlflow: {self._problem(error)}"
            else:
                problem = (
                    "--mlflow takes the address of an MLflow store, got something else (not repeated here, "
                    "for it may hold a secret). Write http://HOST:PORT, sqlite:///FILE.db or a database; "
                    "for file:///FOLDER, MLflow wants MLFLOW_ALLOW_FILE_STORE=true as well."
                )
        # raised out here: the library's own errors may hold the address
        raise ConfigError(problem)

    def _begin(self, event: RunStarted) -> None:
        from mlflow.entities import Param, RunTag  # noqa: PLC0415

        tags = {
            "mlflow.source.name": "gridloom",
            "mlflow.source.type": "JOB",
            "gridloom.run_id": event.run_id,
            "gridloom.pipeline": event.pipeline_name,
            "gridloom.version": __version__,
        }
        params = [Param(_name(name), text[:_LONGEST_PARAM]) for name, text in self._params.items()]
        if len(params) > _MOST_PARAMS:
            tags["gridloom.params"] = f"{_MOST_PARAMS:,} of {len(params):,}; all are in results.json"
        run = self._client.create_run(
            self._experiment_id(self._experiment or event.pipeline_id),
            start_time=int(event.at.timestamp() * 1000),
            run_name=event.run_id,
        )
        self._run = run.info.run_id
        # not with the run: a store in files would look its run up for each of them
        first, *more = _some(params[:_MOST_PARAMS], _PARAMS_AT_ONCE) or [()]
        self._client.log_batch(self._run, params=first, tags=[RunTag(*each) for each in tags.items()])
        for some in more:
            self._client.log_batch(self._run, params=some)

    def _experiment_id(self, name: str) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return self._client.create_experiment(name)
            except MlflowException:
                # another run was faster, or something is wrong that asking again says
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _add(self, name: str, value: float, at_ms: int) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415

        name = _name(name)
        self._waiting.append(Metric(name, value, at_ms, self._points[name]))
        self._points[name] += 1

    def _send(self, tags: Sequence[RunTag] = ()) -> None:
        waiting, self._waiting = self._waiting, []
        # metrics, params and tags together may be so many at once
        for some in _some(waiting, _BATCH - len(tags)):
            self._client.log_batch(self._run, metrics=some, tags=tags)
        self._sent_s = time.monotonic()

    def _end(self, event: RunFinished) -> None:
        from mlflow.entities import RunTag  # noqa: PLC0415

        at_ms = int(event.at.timestamp() * 1000)
        steps = {f"steps_{outcome}": number for outcome, number in self._outcomes.items()}
        run = {"rows": event.rows, "duration_s": event.duration_s}
        for name, number in {**steps, **self._counted, **run}.items():
            if number:
                self._add(name, number, at_ms)
        good = event.outcome in {RunOutcome.succeeded, RunOutcome.planned}
        tags = [RunTag("gridloom.outcome", event.ended_as)]
        tags += [] if good else [RunTag("gridloom.error", event.message[:_LONGEST_TAG])]
        self._send(tags)
        ended = "FINISHED" if good else "KILLED" if event.error_type == _STOPPED else "FAILED"
        self._client.set_terminated(self._run, ended, at_ms)

    def _tried(self, call: Callable[[], _T]) -> _T:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            return call()
        except (MlflowException, OSError) as error:
            problem = self._problem(error)
        # raised out here: the library's own errors may hold the address
        raise ListenerError(f"{problem} What it should have got is lost.")

    def _named(self) -> str:
        return f"MLflow at {shown_url(self._uri)}" if "://" in self._uri else "MLflow"

    def _problem(self, error: Exception) -> str:
        """Returns a sentence without what the address may hold."""
        words = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
        held = self._uri.partition("://")[2].rpartition("@")[0]
        safe = "" if held and held in words else f": {words}"
        return f"{self._named()} said {type(error).__name__}{safe}."


def _unopened(uri: str) -> str:
    """Returns why a database in a file cannot be opened, which MLflow tries for minutes; empty if it can."""
    if not uri.startswith(_SQLITE):
        return ""
    try:
        with closing(sqlite3.connect(uri.removeprefix(_SQLITE).partition("?")[0], timeout=1.0)) as database:
            database.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        return str(error)
    return ""


def _name(text: str) -> str:
    return _UNFIT.sub("_", text)[:_LONGEST_NAME]


def _some(items: Sequence[_T], at_once: int) -> list[Sequence[_T]]:
    return [items[start : start + at_once] for start in range(0, len(items), at_once)]
