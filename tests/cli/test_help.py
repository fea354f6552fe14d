from __future__ import annotations

import re
import shlex

import click
import pytest
from tests.cli.conftest import Call

from gridloom import __version__
from gridloom.cli import cli
from gridloom.pipelines.settings import HourlySettings

CONTEXT = click.Context(cli)


def commands(group: click.Group, *parents: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(CONTEXT):
        command = group.get_command(CONTEXT, name)
        found.append((*parents, name))
        if isinstance(command, click.Group):
            found += commands(command, *parents, name)
    return found


GROUPS = {("runs",), ("bench",), ("ring",), ("cache",)}
SERVERS = {("replay",), ("ui",)}
ALL = commands(cli)
NAMES = [" ".join(path) for path in ALL]


def test_every_command_of_the_contract_that_is_built_is_there() -> None:
    assert NAMES == [
        "year",
        "demo",
        "run",
        "plan",
        "check",
        "load",
        "ring",
        "ring prep",
        "regions",
        "resume",
        "runs",
        "runs compare",
        "runs list",
        "runs show",
        "report",
        "ui",
        "cache",
        "cache clear",
        "cache list",
        "cache prune",
        "cache show",
        "lineage",
        "replay",
        "bench",
        "bench batches",
        "doctor",
    ]


@pytest.mark.parametrize("path", ALL, ids=NAMES)
def test_every_command_has_help_with_an_example_of_itself(path: tuple[str, ...], call: Call) -> None:
    done = call(*path, "--help")

    assert done.code == 0
    assert done.err == ""
    example = re.search(r"Example:\s+(gridloom .+)", done.out)
    assert example
    assert shlex.split(example[1])[1 : 1 + len(path)] == list(path)


@pytest.mark.parametrize("path", [path for path in ALL if path not in GROUPS], ids=str)
def test_every_command_takes_v_and_q_and_the_short_help(path: tuple[str, ...], call: Call) -> None:
    done = call(*path, "-h")

    assert done.code == 0
    assert "-v, --verbose" in done.out
    assert "-q, --quiet" in done.out


@pytest.mark.parametrize("path", [path for path in ALL if path not in {*GROUPS, *SERVERS}], ids=str)
def test_every_command_that_answers_takes_json(path: tuple[str, ...], call: Call) -> None:
    assert "--json" in call(*path, "--help").out


def test_every_setting_is_a_flag_of_year_with_its_own_text(call: Call) -> None:
    text = " ".join(call("year", "--help").out.split())

    for name, field in HourlySettings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in text
        assert " ".join((field.description or "").split()[:4]) in text


def test_the_overview_names_every_command(call: Call) -> None:
    done = call("--help")

    assert done.code == 0
    assert all(re.search(rf"^  {name} ", done.out, re.MULTILINE) for name in NAMES if " " not in name)


def test_the_version(call: Call) -> None:
    done = call("--version")

    assert (done.code, done.out) == (0, f"gridloom {__version__}\n")


@pytest.mark.parametrize("arguments", [[], ["runs"]], ids=str)
def test_without_a_command_it_shows_the_help_and_exits_2(arguments: list[str], call: Call) -> None:
    done = call(*arguments)

    assert done.code == 2
    assert "Usage: gridloom" in done.err
    assert done.out == ""
