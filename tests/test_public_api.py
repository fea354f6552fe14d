"""The public surface: what `gridloom` names is all there is, and each name is there and documented."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import gridloom


def test_names_are_sorted_and_named_once() -> None:
    assert list(gridloom.__all__) == sorted(set(gridloom.__all__))


def test_dir_shows_the_names_and_the_version_only() -> None:
    assert sorted(dir(gridloom)) == sorted([*gridloom.__all__, "__version__"])


def test_a_star_import_gives_exactly_the_names() -> None:
    names: dict[str, object] = {}
    exec("from gridloom import *", names)

    assert set(names) - {"__builtins__"} == set(gridloom.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(gridloom.__file__).read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").startswith("gridloom.")]
    seen = {alias.name for node in ours for alias in node.names}

    assert seen == set(gridloom.__all__)


@pytest.mark.parametrize("name", gridloom.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    value = getattr(gridloom, name)

    assert value.__name__ == name
    assert value.__module__.startswith("gridloom.")
    assert value.__doc__
    assert not value.__doc__.startswith(f"{name}(")  # what dataclass makes up where there is none
    assert value.__doc__.splitlines()[0].endswith((".", "!"))


@pytest.mark.parametrize("name", gridloom.__all__)
def test_every_name_has_a_documented_public_surface(name: str) -> None:
    value = getattr(gridloom, name)
    members = vars(value) if inspect.isclass(value) else {}
    bare = [
        member
        for member, attribute in members.items()
        if not member.startswith("_")
        and (inspect.isfunction(attribute) or isinstance(attribute, property | classmethod | staticmethod))
        and not inspect.getdoc(attribute)
    ]

    assert bare == []


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gridloom' has no attribute 'PipelineDog'"):
        _ = gridloom.PipelineDog


def test_the_version_is_that_of_the_project(pytestconfig: pytest.Config) -> None:
    text = (pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8")

    assert f'\nversion = "{gridloom.__version__}"\n' in text
