"""Texts of numbers and JSON as the API writes them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gridloom.extract.replay.render import to_json, value_text

ORACLE = re.compile(r"-?(?:[1-9]\d*(?:\.\d*[1-9])?|\.\d*[1-9]|0)")


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(-0.0)
@example(1e22)
@example(5e-324)
@example(1.7976931348623157e308)
def test_a_value_survives_its_text(value):
    assert float(value_text(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(-0.0)
@example(10.05)
def test_a_value_has_no_exponent_no_leading_zero_and_no_idle_digit(value):
    assert ORACLE.fullmatch(value_text(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.3, ".3"),
        (-0.21, "-.21"),
        (-0.1, "-.1"),
        (-0.35, "-.35"),
        (10.5, "10.5"),
        (0.0, "0"),
        (417669.0, "417669"),
    ],
)
def test_recorded_spellings(value, text):
    assert value_text(value) == text


@given(st.text())
def test_json_is_escaped_and_ascii(text):
    written = to_json({"name": text})
    assert json.loads(written) == {"name": text}
    assert written.isascii()
    assert not re.search(r"(?<!\\)/", written)
