from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.report.words import share, without_places

OUT = Path("/") / "data" / "out"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Could not write {OUT}/hourly/x.parquet: full.", "Could not write hourly/x.parquet: full."),
        ('File "/opt/py/lib/step.py", line 3', 'File "…/step.py", line 3'),
        ("first\n/opt/py/step.py", "first\n…/step.py"),
        ("http://127.0.0.1:8930/v2/electricity is asked", "http://127.0.0.1:8930/v2/electricity is asked"),
        ("raw/sample/x.json and requests/s, 3/4", "raw/sample/x.json and requests/s, 3/4"),
        ("/ and a / b", "/ and a / b"),
    ],
)
def test_only_folders_of_a_machine_are_left_out(text: str, shown: str) -> None:
    assert without_places(text, OUT) == shown
    assert without_places({"a": [text, 1]}, OUT) == {"a": [shown, 1]}


@given(st.lists(st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True), min_size=2, max_size=6))
def test_no_folder_of_a_path_is_left(parts: list[str]) -> None:
    path = "/" + "/".join(parts)

    assert without_places(f"In {path}: nothing", OUT) == f"In …/{parts[-1]}: nothing"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_share_says_all_or_nothing_only_if_it_is(part: int, more: int) -> None:
    said = share(part, part + more)

    assert (said == "0 %") == (part == 0)
    assert said != "100 %"
