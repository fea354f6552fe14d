from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.report.runs import HOSTILE, run

from gridloom.dag.events import RunStarted
from gridloom.errors import RawDataError, UsageError
from gridloom.report.source import read_source


def test_a_finished_run_is_read_whole(tmp_path: Path) -> None:
    result = run(tmp_path)
    source = read_source(tmp_path, "latest")

    assert source.record.run_id == result.run_id
    assert [step.depends_on for step in source.record.steps] == [[], ["first"], ["middle"]]
    assert source.record.settings["middle"]["retry_backoff_s"] == 0.01
    assert source.record.environment["packages"]["gridloom"]
    assert isinstance(source.events[0], RunStarted)
    assert source.coverage is None


def test_a_run_that_was_killed_is_put_together_from_journal_and_events(tmp_path: Path) -> None:
    result = run(tmp_path)
    (result.run_dir / "results.json").unlink()
    events = result.run_dir / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-40])

    source = read_source(tmp_path, result.run_id)

    assert [step.depends_on for step in source.record.steps] == [[], ["first"], ["middle"]]
    assert [check.passed for check in source.record.steps[0].findings] == [False, True]
    assert source.record.steps[0].metrics["requests"] == 4
    assert source.record.settings == {}
    assert type(source.events[-1]).__name__ == "StepFinished"


def test_no_folder_of_the_machine_is_left(tmp_path: Path) -> None:
    elsewhere = Path("/") / "opt" / "somebody" / "thing.txt"
    run(tmp_path, ValueError(f"{elsewhere} is like {tmp_path / 'runs' / 'x.json'}"))

    source = read_source(tmp_path, "latest")

    assert source.record.error is not None
    assert source.record.error.message.endswith(": …/thing.txt is like runs/x.json")
    for text in (str(source.record), str(source.events)):
        assert str(tmp_path) not in text
        assert "somebody" not in text
        assert 'File "/' not in text


def test_a_damaged_coverage_is_no_coverage(tmp_path: Path) -> None:
    result = run(tmp_path)
    (result.run_dir / "coverage.json").write_bytes(b'{"table": 1}')

    assert read_source(tmp_path, "latest").coverage is None


def test_a_record_of_another_shape_is_said_to_be_one(tmp_path: Path) -> None:
    result = run(tmp_path)
    path = result.run_dir / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "steps": [{"step_id": HOSTILE}]}))

    with pytest.raises(RawDataError, match="is not one of this version"):
        read_source(tmp_path, "latest")


def test_an_unknown_run_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There are no runs in"):
        read_source(tmp_path, "x")
