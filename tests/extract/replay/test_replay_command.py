"""``gridloom replay``: what it says about versions and faults is what the server has."""

from __future__ import annotations

from click.testing import CliRunner

from gridloom.cli.replay import replay
from gridloom.errors import ConfigError
from gridloom.extract.replay import FAULT_NAMES, VERSIONS


def test_the_help_names_every_version_and_every_fault():
    from gridloom.cli.replay import _FAULTS, _VERSIONS

    assert tuple(_FAULTS.split(", ")) == FAULT_NAMES
    assert tuple(_VERSIONS) == tuple(VERSIONS)


def test_faults_help_explains_them():
    answer = CliRunner().invoke(replay, ["--faults", "help"], standalone_mode=False)
    assert answer.exception is None
    assert all(f"  {name} " in answer.output for name in FAULT_NAMES)


def test_an_unknown_fault_is_found_before_anything_is_served():
    answer = CliRunner().invoke(replay, ["--faults", "bogus=1"], standalone_mode=False)
    assert isinstance(answer.exception, ConfigError)


def test_an_unknown_version_is_refused():
    assert CliRunner().invoke(replay, ["--api-version", "3"]).exit_code == 2
