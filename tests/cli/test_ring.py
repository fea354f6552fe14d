from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call
from tests.support.datasets import make_dataset

DATASET = "data/tensors/small"
PREP = ["ring", "prep", DATASET]


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / DATASET, 50).path


def test_it_says_what_was_made_and_how_to_use_it(call: Call) -> None:
    done = call(*PREP)

    assert done.code == 0
    assert "\ndata/ring/small\n" in done.out
    assert (
        "50 hours from 2019-01-01T00 to 2019-01-03T01 UTC x 5 features, zigzag on 4 ranks of 14 steps"
        in done.out
    )
    assert "rank-00-of-04.safetensors  0 to 6, 49 to 49          6" in done.out
    assert 'shard = RingShard.open("data/ring/small", rank=0)' in done.out
    assert "tensor-folder executed, ring executed." in done.out
    assert "tensor-folder cached, ring cached." in call(*PREP).out


def test_the_lines_of_python_that_it_prints_work(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    lines = call(*PREP).out.partition("each rank its own:\n")[2]

    exec("\n".join(line.strip() for line in lines.splitlines()))

    assert capsys.readouterr().out.startswith("(14, 5) (14, 5) [ 0  1  2  3  4  5  6 49 -1 -1")


def test_json_has_every_shard(call: Call, tmp_path: Path) -> None:
    done = call(*PREP, "--ranks", "2", "--layout", "striped", "--length", "9", "--out", "there", "--json")

    assert done.code == 0
    found = done.json
    assert found["outcome"] == "succeeded"
    assert found["ring"] == "there/ring/small"
    assert [found[name] for name in ("ranks", "layout", "length", "padded_length", "rank_length")] == [
        2,
        "striped",
        9,
        10,
        5,
    ]
    assert found["shards"][1] == {
        "rank": 1,
        "file": "there/ring/small/rank-01-of-02.safetensors",
        "positions": [{"first": 1, "last": 7, "every": 2}],
        "padding": 1,
    }
    assert [step["step_id"] for step in found["steps"]] == ["tensor-folder", "ring"]
    described = json.loads((tmp_path / "there" / "ring" / "small" / "layout.json").read_bytes())
    assert (described["ranks"], described["layout"], described["length"]) == (2, "striped", 9)


def test_respondents_in_a_folder_of_their_own(call: Call) -> None:
    done = call(*PREP, "--by", "respondent", "--name", "each", "--layout", "contiguous")

    assert done.code == 0
    assert "x 3 features of each of 2 respondents, contiguous on 4 ranks of 13 steps" in done.out
    assert "data/ring/each" in done.out


def test_quiet_says_nothing(call: Call) -> None:
    done = call(*PREP, "-q")

    assert (done.code, done.out, done.err) == (0, "", "")


BAD = {
    "no ranks": ([*PREP, "--ranks", "0"], "ConfigError", "--ranks cannot be 0: it has to be 1 or more"),
    "more ranks than steps": ([*PREP, "--ranks", "51"], "ConfigError", "51 ranks are more than the 50 steps"),
    "more ranks than the length": (
        [*PREP, "--length", "3"],
        "ConfigError",
        "4 ranks are more than the 3 steps",
    ),
    "longer than the data": ([*PREP, "--length", "51"], "ConfigError", "Give a --length from 1 to 50"),
    "no length": ([*PREP, "--length", "0"], "ConfigError", "--length cannot be 0: it has to be 1 or more"),
    "no such layout": ([*PREP, "--layout", "spiral"], "UsageError", "'zigzag'"),
    "a name with a folder": (
        [*PREP, "--name", "../up"],
        "ConfigError",
        "--name cannot be '../up': it may hold letters",
    ),
    "nothing there": (["ring", "prep", "data/tensors/none"], "FileFormatError", "gridloom load"),
    "no dataset": (["ring", "prep", "data"], "FileFormatError", "is not a tensor dataset"),
}


@pytest.mark.parametrize(("arguments", "kind", "words"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_before_any_work(
    arguments: list[str], kind: str, words: str, call: Call, tmp_path: Path
) -> None:
    done = call(*arguments, "--json")

    assert done.code == 2
    assert done.json["error"]["type"] == kind
    assert words in done.json["error"]["message"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["tensors"]


def test_a_damaged_dataset_is_bad_input(call: Call, dataset: Path) -> None:
    tensors = dataset / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])

    done = call(*PREP, "--json")

    assert done.code == 2
    assert "is not a whole safetensors file" in done.json["error"]["message"]


def test_a_missing_extra_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridloom.extras.find_spec", lambda _name: None)

    done = call(*PREP)

    assert done.code == 2
    assert "pip install 'gridloom[tensors]'" in done.error
