from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gridloom.words import count, duration, short, size


@given(st.text(), st.integers(1, 50))
def test_a_short_text_is_short(text: str, most: int) -> None:
    assert len(short(text, most)) <= most


@given(st.floats(0, 1e15))
def test_numbers_are_written_out(value: float) -> None:
    said = count(value)

    assert "e" not in said or value < 1e-4
    assert abs(float(said.replace(",", "")) - value) <= max(value * 0.006, 0)


@given(st.floats(0, 1e9))
def test_a_length_of_time_has_two_units_at_most(seconds: float) -> None:
    assert re.fullmatch(r"[\d.]+ (ms|s|min|h|d)( \d+ (s|min|h))?", duration(seconds))


@given(st.floats(0, 1e15))
def test_a_size_has_few_figures(size_bytes: float) -> None:
    assert re.fullmatch(r"[\d.]{1,6} (B|kB|MB|GB|TB)", size(size_bytes))
