"""What only a process of its own can show: exit codes, signals, pipes, and what stays silent."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.e2e.processes import Started, gridloom, start
from tests.e2e.servers import sample_part

DAY = ["--start", "2019-01-01T00", "--end", "2019-01-01T23"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "two.parquet"
    sample_part(["PACW"], ["D"], days=2).write_parquet(path)
    return path


@pytest.fixture
def replay(tmp_path: Path, data: Path) -> Iterator[tuple[Started, str]]:
    """A running ``gridloom replay`` and the URL that it printed."""
    started = start("replay", "--port", "0", "--data", data, cwd=tmp_path)
    assert started.process.stdout is not None
    try:
        yield started, started.process.stdout.readline().strip()
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.communicate()


def test_python_m_gridloom_is_the_command(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("gridloom")
    command = subprocess.run([script, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert gridloom("--version", cwd=tmp_path).out == command.stdout


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")], ids=["SIGINT", "SIGTERM"]
)
def test_replay_prints_its_url_answers_and_ends_cleanly(
    number: int, name: str, replay: tuple[Started, str]
) -> None:
    started, url = replay
    rows = httpx2.get(
        f"{url}/electricity/rto/region-data/data",
        params={"api_key": "any", "frequency": "hourly", "data[0]": "value"},
        trust_env=False,
    ).json()["response"]["data"]

    started.send(number)
    done = started.done()

    assert len(rows) == 48
    assert done.code == 0, name
    assert done.out == ""
    assert "Stopped after 1 requests." in done.err


def test_replay_is_a_source_for_a_run(replay: tuple[Started, str], tmp_path: Path) -> None:
    _, url = replay
    done = gridloom(
        "year", "--regions", "PACW", "--series", "D", *DAY, "--base-url", url, "-q", cwd=tmp_path, key="any"
    )

    assert (done.code, done.out, done.err) == (0, "", "")
    assert gridloom("check", *(tmp_path / "data" / "hourly").iterdir(), cwd=tmp_path).code == 0


def test_a_port_that_is_taken(replay: tuple[Started, str], tmp_path: Path) -> None:
    port = replay[1].split(":")[2].removesuffix("/v2")
    done = gridloom("replay", "--port", port, cwd=tmp_path)

    assert done.code == 2
    assert done.error.startswith(f"Port {port} is already in use.")
    assert done.out == ""


def test_a_client_that_goes_away_is_no_error_of_the_server(tmp_path: Path, data: Path) -> None:
    started = start("replay", "--port", "0", "--data", data, "--latency-ms", "200", cwd=tmp_path)
    assert started.process.stdout is not None
    url = started.process.stdout.readline().strip()
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{url}/electricity/rto", params={"api_key": "any"}, timeout=0.05, trust_env=False)
    answer = httpx2.get(f"{url}/electricity/rto", params={"api_key": "any"}, trust_env=False)
    started.send(signal.SIGINT)
    done = started.done()

    assert answer.status_code == 200
    assert done.code == 0
    assert "xception" not in done.err


@pytest.mark.parametrize("arguments", [["regions"], ["year", "--year", "0"]], ids=["answer", "error"])
def test_a_reader_that_goes_away_gets_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    started = start(*arguments, "--json", cwd=tmp_path)
    with started.process as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == 1
    assert said == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [["regions"], ["regions", "--json"], ["year", "--smaple", "--json"]])
def test_an_answer_that_cannot_be_written_is_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gridloom", *arguments],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "gridloom: error: The answer could not be written: No space"
    )
    assert "Traceback" not in done.stderr
