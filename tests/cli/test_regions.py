from __future__ import annotations

import shlex

import pytest
from tests.cli.conftest import Call

from gridloom.grid.respondents import ALIASES, STANDARD_EIGHT, Kind, all_respondents


def test_every_code_is_listed_and_the_default_ones_are_marked(call: Call) -> None:
    done = call("regions")
    first = [line.split()[0] for line in done.out.splitlines()[1:] if line and line[0].isupper()]

    assert done.code == 0
    assert [code.rstrip("*") for code in first] == list(all_respondents())
    assert {code.rstrip("*") for code in first if code.endswith("*")} == set(STANDARD_EIGHT)
    assert all(f"{wrong} is {right}" in done.out for wrong, right in ALIASES.items())


def test_as_json(call: Call) -> None:
    found = call("regions", "--json").json

    assert [item["code"] for item in found["regions"]] == list(all_respondents())
    assert found["aliases"]["SPP"] == "SWPP"
    assert found["regions"][0].keys() == {
        "code",
        "kind",
        "name",
        "region",
        "time_zone",
        "generation_only",
        "first_data",
        "retired",
        "standard",
        "note",
    }


@pytest.mark.parametrize("kind", list(Kind))
def test_one_kind_only(kind: Kind, call: Call) -> None:
    found = call("regions", "--kind", kind.value, "--json").json["regions"]

    assert {item["kind"] for item in found} == {kind.value}
    assert len(found) == sum(item.kind is kind for item in all_respondents().values())


def test_the_example_in_the_help_works(call: Call) -> None:
    example = call("regions", "--help").out.split("Example:")[1]

    assert call(*shlex.split(example)[1:]).code == 0


def test_verbose_adds_notes_and_quiet_says_nothing(call: Call) -> None:
    noted = next(item.note for item in all_respondents().values() if item.note)

    assert noted not in call("regions").out
    assert noted in call("regions", "-v").out
    assert call("regions", "-q").out == ""
