"""What holds for every kind of listener: it never tells a secret, and it changes nothing about a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from pydantic import SecretStr
from tests.e2e.canary import CANARY, files_with_a_key, held
from tests.monitor.runs import Numbers, pipeline
from tests.support.listening import KINDS, sent
from tests.support.receivers import receiver

from gridloom.dag import (
    BaseStep,
    CacheableStep,
    PipelineDAG,
    PipelineDAGConfig,
    RunOutcome,
    RunResult,
    StepConfig,
    StepContext,
)
from gridloom.dag.events import Event, LogWritten, decode
from gridloom.dag.history import load_run
from gridloom.errors import RawDataError
from gridloom.finding import Finding
from gridloom.monitor.console import ConsoleMonitor
from gridloom.pipelines.listener_options import ListenerOptions
from gridloom.pipelines.listeners import listening
from gridloom.pipelines.reporting import run_reported

VIEWS: Mapping[str, Callable[[Path, str], bytes]] = {
    "record": lambda out, run_id: str(load_run(out, run_id)).encode(),
}
"""What shows a run afterwards and is no file of it, from an output folder and the id of a run."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def options(kind: str, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> ListenerOptions:
    for name, value in KINDS[kind].environ(folder, url).items():
        monkeypatch.setenv(name, value)
    return ListenerOptions.of(KINDS[kind].flags(folder, url), environ={})


class SpillConfig(StepConfig):
    """Settings that hold the key, openly and not."""

    word: str = f"the key is {CANARY}"
    token: SecretStr = SecretStr(CANARY)


class Spill(CacheableStep[SpillConfig]):
    """Says the key in every way in which a step can say anything; its first attempt fails."""

    version = "1"
    tried = False

    def _execute(self, ctx: StepContext) -> Numbers:
        ctx.log(f"The key is {CANARY}.", "warning")
        ctx.metric(f"of {CANARY}", 1.0, CANARY)
        ctx.progress(1, 2, CANARY)
        ctx.request(f"http://host/{quote(CANARY, safe='')}?api_key={CANARY}", 403, 0.1)
        ctx.finding(Finding(name=CANARY, why=CANARY, required=False, passed=False, detail=CANARY))
        if not self.tried:
            self.tried = True
            raise RawDataError(f"The server said: {CANARY}.")
        path = ctx.path("numbers.txt")
        path.write_text("1 2 3")
        return Numbers.of(path)


class Scraped(BaseStep[StepConfig]):
    """Asks for the metrics while the run works, then fails with the key."""

    port = 0
    got = b""

    def _execute(self, numbers: Numbers) -> int:
        while self.port and b"gridloom_findings" not in self.got:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
                self.got = answer.read()
        raise ValueError(f"{numbers.path}?api_key={CANARY}")


@pytest.mark.parametrize("kind", KINDS)
def test_it_tells_nobody_the_key(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    dag = PipelineDAG(PipelineDAGConfig(pipeline_name=f"Spills {CANARY}", output_dir=tmp_path / "out"))
    spill = dag.add_step(Spill(SpillConfig(step_id="spill", retries=1, retry_backoff_s=0.0)))
    scraped = Scraped(StepConfig(step_id="scraped"))
    dag.add_step(scraped, dependencies=[spill])
    with receiver() as server:
        listeners = options(kind, tmp_path, server.url, monkeypatch)
        scraped.port = listeners.metrics_port[1] if listeners.metrics_port else 0
        with ConsoleMonitor(verbose=True) as console:
            result, report = run_reported(dag, console, listeners)
        told = list(sent(server))

    assert result.outcome is RunOutcome.failed
    out, err = capfd.readouterr()
    seen = {name: view(tmp_path / "out", result.run_id) for name, view in VIEWS.items()}
    seen |= {
        "scrape": scraped.got,
        "printed": f"{out}{err}{report}".encode(),
        "result": repr(result).encode(),
    }
    assert files_with_a_key(tmp_path) == []
    assert [name for name, data in seen.items() if held(data)] == []
    assert [data for data in told if held(data)] == []
    assert bool(told) == KINDS[kind].sends
    assert bool(scraped.got) == bool(scraped.port)


def test_the_search_finds_what_a_listener_would_tell(tmp_path: Path) -> None:
    with receiver() as server, urlopen(f"{server.url}/?key={quote(CANARY, safe='')}") as answer:
        answer.read()
        told = list(sent(server))

    assert any(held(data) for data in told)


def warnings(result: RunResult) -> list[str]:
    lines = (result.run_dir / "events.jsonl").read_text(encoding="utf-8").splitlines()
    said = [event for event in map(decode, lines) if isinstance(event, LogWritten)]
    return [event.message for event in said if event.level == "warning"]


def ends(result: RunResult) -> dict[str, Any]:
    """What a run gave, without when and where."""
    return {
        step_id: (
            step.outcome,
            step.attempts,
            [getattr(made, "digest", made) for made in step.artifacts.values()],
        )
        for step_id, step in result.steps.items()
    }


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, Any]:
    result, _ = run_reported(pipeline(tmp_path / "alone"), [].append)
    return ends(result)


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.dag.sinks._PATIENCE_S", 0.3)
    monkeypatch.setattr("gridloom.monitor.tracking._KEEP_S", 0.3)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type], None]]:
    """Makes listeners of a class hang with the first event that they hear, until the test ends."""
    gate = threading.Event()

    def hang(_self: object, _event: Event) -> None:
        gate.wait(60)

    yield lambda listener: monkeypatch.setattr(listener, "__call__", hang)
    gate.set()


def classes(kind: str, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> list[type]:
    dag = pipeline(folder / "unused")
    with listening(options(kind, folder, url, monkeypatch), dag) as sinks:
        return [type(sink) for sink in sinks]


@pytest.mark.usefixtures("_no_patience")
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_hangs_changes_nothing(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hanging: Callable[[type], None],
    undisturbed: dict[str, Any],
) -> None:
    with receiver() as server:
        for each in classes(kind, tmp_path, server.url, monkeypatch):
            hanging(each)
        listeners = options(kind, tmp_path, server.url, monkeypatch)
        result, report = run_reported(pipeline(tmp_path / "out"), [].append, listeners)

    assert ends(result) == undisturbed
    assert report["report"].exists()
    (warning,) = warnings(result)
    assert "did not hear" in warning


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_raises_changes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    def raises(_self: object, _event: Event) -> None:
        raise RuntimeError("something nobody thought of")

    with receiver() as server:
        for each in classes(kind, tmp_path, server.url, monkeypatch):
            monkeypatch.setattr(each, "__call__", raises)
        listeners = options(kind, tmp_path, server.url, monkeypatch)
        result, report = run_reported(pipeline(tmp_path / "out"), [].append, listeners)

    assert ends(result) == undisturbed
    assert report["report"].exists()
    (warning,) = warnings(result)
    assert "was dropped because it raised RuntimeError" in warning


@pytest.mark.usefixtures("_no_patience")
@pytest.mark.parametrize("how", ["refuses", "hangs"])
@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.sends])
def test_a_receiver_that_refuses_or_hangs_changes_nothing(
    kind: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: dict[str, Any]
) -> None:
    with receiver(status=500 if how == "refuses" else 200, hangs=how == "hangs") as server:
        listeners = options(kind, tmp_path, server.url, monkeypatch)
        result, report = run_reported(pipeline(tmp_path / "out"), [].append, listeners)

    assert ends(result) == undisturbed
    assert report["report"].exists()
    assert len(warnings(result)) == 1
