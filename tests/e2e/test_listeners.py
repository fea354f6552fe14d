"""With everybody listening, errors of the source provoked: the key is in nothing written, sent or printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tests.e2e.canary import CANARY, WRONG, files_with_a_key, held, said_a_key
from tests.e2e.processes import Done, gridloom
from tests.e2e.servers import Answer, arguments, serve
from tests.support.listening import KINDS, sent
from tests.support.receivers import receiver

# of two kinds with one option the one is enough here
TOGETHER = ("scraped", "textfile", "pushgateway", "otel", "lineage server", "mlflow", "notify")


@dataclass(frozen=True)
class Ran:
    """How a run ended, its working folder, and what its listeners sent."""

    done: Done
    folder: Path
    told: tuple[bytes, ...]


def echo(request: Request) -> Response | None:
    """Refuses the fuels with an error that repeats all that was sent."""
    if "fuel-type-data" not in request.url.path:
        return None
    sent = f"{request.headers.get('x-api-key')} {request.url}"
    return JSONResponse({"error": f"Not today: {sent}", "code": 400}, status_code=400)


CASES: Mapping[str, tuple[str, str | None, Answer | None, int]] = {
    "all good": (CANARY, CANARY, None, 0),
    "wrong key": (WRONG, CANARY, None, 1),
    "key repeated by errors": (CANARY, None, echo, 3),
}


def run(name: str, frame: pl.DataFrame, folder: Path, *, status: int = 200, user: str = "") -> Ran:
    key, accepts, first, _ = CASES[name]
    with serve(frame, first=first, key=accepts) as source, receiver(status=status) as server:
        url = server.url.replace("//", f"//{user}")
        environ = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization={user}"} if user else {}
        flags = ["--continue-on-failure", "-v", "--json"]
        for kind in map(KINDS.__getitem__, TOGETHER):
            environ |= kind.environ(folder, server.url)
            for option, value in kind.flags(folder, url).items():
                flags += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
        done = gridloom(*arguments(source.url), *flags, cwd=folder, key=key, environ=environ)
        return Ran(done, folder, tuple(sent(server)))


@pytest.mark.parametrize("name", CASES)
def test_the_key_is_told_to_nobody(name: str, frame: pl.DataFrame, tmp_path: Path) -> None:
    ran = run(name, frame, tmp_path)

    assert ran.done.code == CASES[name][3], ran.done.err
    assert files_with_a_key(tmp_path) == []
    assert said_a_key([ran.done]) == []
    assert [data for data in ran.told if held(data)] == []
    paths = {data.split()[1].split(b"?")[0] for data in ran.told if data[:5] in {b"POST ", b"PUT /"}}
    assert paths >= {
        b"/v1/traces",
        b"/v1/metrics",
        b"/api/v1/lineage",
        b"/metrics/job/gridloom/pipeline/hourly",
    }
    assert list(tmp_path.glob("mlflow/*/*/artifacts/report.html"))


def test_what_is_secret_in_addresses_is_not_repeated_where_they_fail(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    ran = run("key repeated by errors", frame, tmp_path, status=500, user="user:canary-secret@")

    assert ran.done.code == 3, ran.done.err
    assert "canary-secret" not in ran.done.out + ran.done.err
    held_by = [
        path for path in tmp_path.rglob("*") if path.is_file() and b"canary-secret" in path.read_bytes()
    ]
    assert held_by == []
    assert ran.done.err.count("The listener ") == 4, ran.done.err
