from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom import errors
from gridloom.errors import GridLoomError, InterruptedRunError, UsageError, did_you_mean

CLASSES = [
    value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and value.__module__ == errors.__name__
]


def test_the_drawing_shows_the_tree_as_it_is() -> None:
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        word = next((part for part in line.split() if part.endswith(("Error", "Error:"))), "")
        if not word or line.startswith(("Every", "Each")):
            continue
        indent = line.index(word)
        while path and path[-1][0] >= indent:
            path.pop()
        drawn[word] = path[-1][1] if path else ""
        path.append((indent, word))

    assert drawn == {cls.__name__: "" if cls is GridLoomError else cls.__base__.__name__ for cls in CLASSES}


@pytest.mark.parametrize("cls", CLASSES)
def test_exit_codes_follow_the_contract(cls: type[GridLoomError]) -> None:
    expected = 2 if issubclass(cls, UsageError) else 130 if cls is InterruptedRunError else 1

    assert cls.exit_code == expected
    assert issubclass(cls, GridLoomError)
    assert cls.__doc__


def test_all_of_them_are_public() -> None:
    assert sorted([*(cls.__name__ for cls in CLASSES), "did_you_mean"]) == sorted(errors.__all__)


@given(valid=st.lists(st.text(min_size=1, max_size=6), min_size=1))
def test_a_valid_word_is_its_own_nearest(valid: list[str]) -> None:
    assert did_you_mean(valid[0], valid).startswith(f" Did you mean {valid[0]}")


@given(valid=st.lists(st.text(min_size=1, max_size=6)), data=st.data())
def test_suggestions_do_not_depend_on_the_order(valid: list[str], data: st.DataObject) -> None:
    assert did_you_mean("PACW", valid) == did_you_mean("PACW", data.draw(st.permutations(valid)))


def test_nothing_near_is_no_sentence() -> None:
    assert did_you_mean("QQQ", ["PACW"]) == ""
    assert did_you_mean("PACW", []) == ""
