from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from gridloom.errors import MissingExtraError
from gridloom.extras import _LIBRARIES, need


def test_what_is_installed_is_not_missed() -> None:
    need("tensors", "A test")


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ({"holidays"}, "A test needs holidays, which is not installed. Run: pip install 'gridloom[tensors]'"),
        ({"holidays", "numpy"}, "A test needs numpy and holidays, which are not installed."),
    ],
)
def test_what_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, absent: set[str], said: str
) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda name: None if name in absent else True)

    with pytest.raises(MissingExtraError) as caught:
        need("tensors", "A test")
    assert str(caught.value).startswith(said)
    assert caught.value.exit_code == 2


def test_the_extras_are_those_of_the_project(pytestconfig: pytest.Config) -> None:
    project = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]

    for extra, libraries in _LIBRARIES.items():
        asked = " ".join([*extras[extra], *(extras["tensors"] if extra == "mlx" else ())])
        assert all(re.sub(r"[._]", "-", library) in asked for library in libraries)


BARE = """
import sys
sys.modules.update(dict.fromkeys(("numpy", "holidays", "mlx"), None))
from gridloom import *
from gridloom.pipelines import training
"""


def test_every_public_name_is_there_without_any_extra() -> None:
    subprocess.run([sys.executable, "-c", BARE], check=True, timeout=60)
