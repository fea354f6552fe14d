"""YAML with lines: what is read, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import ConfigError, CycleError
from gridloom.pipelines.lines import Node, Problem, raise_problems, read_lines


def read(folder: Path, text: str | bytes) -> Node:
    path = folder / "p.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_lines(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("2019-01-01T00", "2019-01-01T00"),
        ("2019-01-01", "2019-01-01"),
        ("12:30:45", "12:30:45"),
        ("007", "007"),
        ("5_000", "5_000"),
        ("0x10", "0x10"),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
        (".inf", ".inf"),
        ("'7'", "7"),
        ('"true"', "true"),
        ("|\n  7\n", "7\n"),
        ("7", 7),
        ("-7", -7),
        ("+0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("[a, 1, [b]]", ["a", 1, ["b"]]),
        ("{a: 1, b: {c: null}}", {"a": 1, "b": {"c": None}}),
    ],
)
def test_values_are_what_they_look_like(text: str, value: object, tmp_path: Path) -> None:
    plain = read(tmp_path, f"key: {text}\n").plain()["key"]

    assert plain == value
    assert type(plain) is type(value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_python_writes_them(number: float) -> None:
    from gridloom.pipelines.lines import _plain

    assert _plain(repr(number)) == number
    assert type(_plain(repr(number))) is type(number)


def test_every_value_knows_its_line(tmp_path: Path) -> None:
    root = read(tmp_path, "# a comment\na: 1\nb:\n  c:\n    - x\n    -\n      y\n  d: {e: 2}\n")

    assert root.value["b"].line == 3
    assert root.line_at(["b", "c", 1]) == 7
    assert root.line_at(["b", "d", "e"]) == 8
    assert root.line_at(["b", "c", 9]) == root.line_at(["b", "c", "x", "y"]) == 4
    assert root.line_at(["nothing"]) == root.line == 2
    assert [key for key, _ in root.walk()] == ["a", "b", "c", "", "", "d", "e"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b: c\n", "p.yaml:1:5: this cannot be read as YAML: mapping values are not allowed here."),
        ("a: 1\n  b: 2\n", "p.yaml:2:4: this cannot be read as YAML: mapping values are not allowed here."),
        (
            "a: [1,\nb: 2\n",
            "p.yaml:3:1: this cannot be read as YAML: while parsing a flow sequence, expected",
        ),
        ("a: [1,\nb: 2\n", "but got '<stream end>' (it began in line 1)."),
        ("a: 'x\n", "p.yaml:2:1: this cannot be read as YAML: while scanning a quoted scalar, found"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: this cannot be read as YAML: expected a single document"),
        ("a: \x07\n", "p.yaml cannot be read as YAML: unacceptable character"),
        ("a: 1\nb: 2\na: 3\n", "p.yaml:3: `a` stands here for the second time, after line 1."),
        ("a: &x 1\nb: *x\n", "p.yaml:1:4: this cannot be read as YAML: anchors are not read here; settings"),
        ("<<: *x\n", "p.yaml:1:5: this cannot be read as YAML: anchors are not read here"),
        ("a: !!python/object:os.system x\n", "p.yaml:1:4: this cannot be read as YAML: tags are not read"),
        ("a: ${KEY}\n", "p.yaml:1: `${…}` is not replaced in a pipeline file."),
        ("a:\n  - 'x ${KEY} y'\n", "p.yaml:2: `${…}` is not replaced"),
        ("? [a]\n: 1\n", "p.yaml:1: a list or mapping stands where a name is needed."),
        (b"a: \xff\n", "is not a text in UTF-8"),
        ("", "p.yaml is empty. A pipeline file has `steps`."),
        ("# only a comment\n", "is empty"),
        ("[" * 5000, "is nested too deeply"),
    ],
)
def test_what_is_wrong_is_shown_where_it_stands(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)

    assert said in str(caught.value)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\r\n").plain() == {"a": 1}


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"(There is no file|is a folder).* Give the path of a pipeline file"
    ):
        read_lines(tmp_path / name)


def test_all_problems_are_said_once_in_the_order_of_lines() -> None:
    path = Path("p.yaml")
    with pytest.raises(ConfigError) as caught:
        raise_problems(path, [Problem(9, "b."), Problem(2, "a.", CycleError), Problem(9, "b.")])
    with pytest.raises(CycleError, match=r"^p\.yaml:2: a\.$"):
        raise_problems(path, [Problem(2, "a.", CycleError)])

    assert str(caught.value) == "p.yaml:2: a.\np.yaml:9: b."
    assert type(caught.value) is ConfigError
    raise_problems(path, [])
