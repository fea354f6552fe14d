"""Whose code it is: the user's counts by source, packages, Python and this engine by version."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests.dag.code.workshop import STEP, take, write

import gridloom
from gridloom.dag.code import changed_parts, code_of
from gridloom.dag.code.origins import Whose, origin_of
from gridloom.transform.steps import TransformStep

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2], sys.argv[2] + "/site-packages"]
from tests.dag.code.portable import load
code_of = load()
sys.path.insert(0, sys.argv[2])
import steps
print(json.dumps(dict(code_of(steps.Step).parts)))
"""
PLAIN = "import helpers\nclass Step:\n    def run(self): return helpers.work(1)\n"


def parts(folder: Path) -> dict[str, str]:
    """Returns the parts of a step in a process of its own, with the folder's site-packages."""
    command = [sys.executable, "-c", PROGRAM, str(ROOT), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def install(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    site = folder / "site-packages"
    shutil.rmtree(site, ignore_errors=True)
    write(site, files)
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{path.relative_to(site)},,\n" for path in site.rglob("*.py")))


@pytest.mark.parametrize(("package", "module"), [("looms", "looms"), ("the-looms", "looms")])
def test_a_package_counts_by_its_version(package: str, module: str, tmp_path: Path) -> None:
    helpers = f"import {module}\ndef work(x): return {module}.weave(x)\n"
    write(tmp_path, {"steps": PLAIN, "helpers": helpers})
    install(tmp_path, package, "1.0", {module: "def weave(x): return x\n"})
    before = parts(tmp_path)
    install(tmp_path, package, "1.0", {module: "def weave(x): return -x\n"})
    same = parts(tmp_path)
    install(tmp_path, package, "1.1", {module: "def weave(x): return -x\n"})
    after = parts(tmp_path)

    assert changed_parts(before, same) == ""
    assert changed_parts(before, after) == f"package {package} 1.0 → 1.1"


def test_a_package_that_is_not_installed_counts_as_such(tmp_path: Path) -> None:
    helpers = "def work(x):\n    import looms\n    return looms.weave(x)\n"
    write(tmp_path, {"steps": PLAIN, "helpers": helpers})
    before = parts(tmp_path)
    install(tmp_path, "looms", "1.0", {"looms": "def weave(x): return x\n"})

    assert changed_parts(before, parts(tmp_path)) == "package looms none → 1.0"


def test_what_a_package_decorates_counts(tmp_path: Path) -> None:
    text = "import contextlib\nfrom looms import kept\n@kept\ndef work(x): return x + 1\n"
    write(tmp_path, {"steps": PLAIN, "helpers": text})
    install(tmp_path, "looms", "1.0", {"looms": "def kept(f):\n    def w(*a): return f(*a)\n    return w\n"})
    before = parts(tmp_path)
    write(tmp_path, {"helpers": text.replace("x + 1", "x + 2")})

    assert changed_parts(before, parts(tmp_path)) == "function `helpers.work` changed"


def test_files_without_a_package_count_by_source_wherever_they_are(tmp_path: Path) -> None:
    write(tmp_path, {"steps": PLAIN, "helpers": "import looms\ndef work(x): return looms.weave(x)\n"})
    write(tmp_path / "site-packages", {"looms": "def weave(x): return x\n"})

    assert "function looms.weave" in parts(tmp_path)


def test_a_compiled_module_of_the_user_counts_by_its_file(tmp_path: Path) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    compiled = Path(sysconfig.get_path("stdlib")) / "lib-dynload" / f"xxlimited{suffix}"
    if not compiled.exists():
        pytest.skip("this Python has no small compiled module to borrow")
    shutil.copy(compiled, tmp_path)
    write(
        tmp_path, {"steps": PLAIN, "helpers": "import xxlimited\ndef work(x): return xxlimited.foo(x, 1)\n"}
    )
    before = parts(tmp_path)
    with (tmp_path / compiled.name).open("ab") as stream:
        stream.write(b"\0")

    assert changed_parts(before, parts(tmp_path)) == "extension `xxlimited` changed"


def test_a_module_that_has_the_name_of_a_standard_one_is_the_users(tmp_path: Path) -> None:
    write(tmp_path, {"steps": PLAIN, "helpers": "import this\ndef work(x): return this.more(x)\n"})
    write(tmp_path, {"this": "def more(x): return x\n"})

    assert "function this.more" in parts(tmp_path)


def test_every_record_has_the_version_of_python_and_the_engine(tmp_path: Path) -> None:
    write(tmp_path, {"steps": STEP, "helpers": "def work(x): return x\n"})
    record = take(tmp_path)

    assert record.parts["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert record.parts["package gridloom"] == gridloom.__version__


def test_the_engine_counts_by_version_and_the_rooms_of_a_checkout_by_source() -> None:
    record = code_of(TransformStep)

    assert "function gridloom.transform.complete.complete" in record.parts
    assert not any("gridloom." in name and origin_of(name.split()[-1]).part for name in record.parts)
    assert {"package polars", "package gridloom"} <= set(record.parts)
    assert not record.unstable


def test_the_standard_library_is_python() -> None:
    assert {origin_of(name).whose for name in ("sys", "json", "os.path", "_json", "builtins")} == {
        Whose.standard
    }
