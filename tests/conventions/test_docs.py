"""The documents cannot drift: links resolve, commands, options and targets that they show exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import pytest

from gridloom.cli import cli


@pytest.fixture(scope="session")
def check_docs(tool: Callable[[str], ModuleType]) -> ModuleType:
    return tool("check_docs")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout that is in order; each test spoils one thing of it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "Makefile").write_text("demo: .venv\n\ttrue\n", encoding="utf-8")
    (tmp_path / "README.md").write_text(
        "# The loom\n\nSee [the page](docs/page.md#two-words) and [named].\n\n[named]: docs/page.md\n\n"
        "```\nmake demo\n$ loom weave --width 3 | head   # [no](link)\n```\n\n"
        "Also `loom wind up` and `loom -h`.\n",
        encoding="utf-8",
    )
    (tmp_path / "docs" / "page.md").write_text("## Two *words*\n\n[up](../README.md)\n", encoding="utf-8")
    return tmp_path


@click.group()
def loom() -> None: ...


@loom.command()
@click.option("--width", type=int)
@click.option("--dry/--wet")
def weave(width: int, dry: bool) -> None: ...


@loom.group()
def wind() -> None: ...


@wind.command()
def up() -> None: ...


@loom.command(hidden=True)
def secret() -> None: ...


def found(check_docs: ModuleType, checkout: Path) -> list[str]:
    for document in check_docs.documents(checkout):
        text = document.read_text(encoding="utf-8")
        document.write_text(text.replace("loom ", "gridloom "), encoding="utf-8")
    return list(check_docs.problems(checkout, check_docs.commands_of(loom)))


def add(checkout: Path, text: str, name: str = "docs/page.md") -> None:
    with (checkout / name).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")


def test_the_documents_agree_with_the_project(check_docs: ModuleType, root: Path) -> None:
    assert check_docs.problems(root, check_docs.commands_of(cli)) == []


def test_there_are_documents_and_commands_to_check(check_docs: ModuleType, root: Path) -> None:
    names = {path.name for path in check_docs.documents(root)}

    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "architecture.md"} <= names
    assert {"year", "demo", "plan", "check", "load", "regions", "replay", "runs list", "runs show"} <= set(
        check_docs.commands_of(cli)
    )


def test_commands_and_options_are_read_from_the_command_line(check_docs: ModuleType) -> None:
    commands = check_docs.commands_of(loom)

    assert set(commands) == {"", "weave", "wind", "wind up"}
    assert {"--width", "--dry", "--wet"} <= commands["weave"]


def test_a_checkout_in_order_has_no_problems(check_docs: ModuleType, checkout: Path) -> None:
    assert found(check_docs, checkout) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[x](nowhere.md)", "the link nowhere.md leads to no file."),
        ("![x](no%20picture.png)", "the link no%20picture.png leads to no file."),
        ("[x]: ../nowhere", "the link ../nowhere leads to no file."),
        ("[x](../README.md#cellar)", "the link ../README.md#cellar leads to no heading of README.md."),
        ("[x](#attic)", "the link #attic leads to no heading of page.md."),
        (
            "[x](/README.md)",
            "the link /README.md starts at the root of a file system; write it relative to the document.",
        ),
        ("`loom unweave`", "`gridloom unweave` shows the command 'unweave', which does not exist."),
        ("`loom wind down`", "`gridloom wind down` shows the command 'down', which does not exist."),
        (
            "`loom weave --length=4`",
            "`gridloom weave --length=4` shows the option --length, which 'gridloom weave' does not take.",
        ),
        ("`make tea`", "`make tea` names the target 'tea', which the Makefile does not have."),
    ],
)
def test_what_is_wrong_is_a_sentence(check_docs: ModuleType, checkout: Path, text: str, problem: str) -> None:
    add(checkout, text)

    assert found(check_docs, checkout) == [f"docs/page.md: {problem}"]


def test_an_undocumented_command_is_a_sentence(check_docs: ModuleType, checkout: Path) -> None:
    readme = checkout / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("`loom wind up`", "more"), encoding="utf-8")

    assert found(check_docs, checkout) == [
        "'gridloom wind' is documented nowhere: show it in README.md or docs.",
        "'gridloom wind up' is documented nowhere: show it in README.md or docs.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[x](https://example.org/nowhere) and [y](mailto:me@example.org)",
        "```\n[x](nowhere.md)\n```",
        "`[x](nowhere.md)`",
        "    $ not checked here",
        "`loom weave FILE.csv -h | sort --reverse`",
        "```sh\nloom weave \\\n  --width 3 --wet\n```",
        "`make PYTHON=python3.13 demo`",
        "Looms make tea and loom weave --away in prose.",
    ],
)
def test_what_is_right_is_let_through(check_docs: ModuleType, checkout: Path, text: str) -> None:
    add(checkout, text)

    assert found(check_docs, checkout) == []


def test_the_changelog_may_speak_of_the_past(check_docs: ModuleType, checkout: Path) -> None:
    add(checkout, "`loom spin` and `make tea` are gone.", "CHANGELOG.md")

    assert found(check_docs, checkout) == []


@pytest.fixture(scope="session")
def paste_examples(tool: Callable[[str], ModuleType]) -> ModuleType:
    return tool("paste_examples")


def test_the_documents_show_the_examples_as_they_are(paste_examples: ModuleType, root: Path) -> None:
    assert paste_examples.stale(root) == {}


def test_an_example_is_pasted_once_and_stays(paste_examples: ModuleType, checkout: Path) -> None:
    (checkout / "examples").mkdir()
    (checkout / "examples" / "one.py").write_text('print(r"\\1")\n', encoding="utf-8")
    add(checkout, "<!-- example: examples/one.py -->\n```python\nold\n```\n<!-- end example -->", "README.md")

    changed = paste_examples.stale(checkout)
    text = changed[checkout / "README.md"]

    assert '<!-- example: examples/one.py -->\n```python\nprint(r"\\1")\n```\n<!-- end example -->\n' in text
    assert "old" not in text
    assert paste_examples.pasted(text, checkout) == text
