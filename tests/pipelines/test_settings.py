from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gridloom.errors import ConfigError, UnknownCodeError
from gridloom.grid.respondents import OPTIMIZED_FOUR, STANDARD_EIGHT
from gridloom.pipelines.places import load_settings
from gridloom.pipelines.settings import HourlySettings

NEXT_YEAR = datetime.now(UTC).year + 1


def load(
    flags: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    *,
    folder: Path,
    file: str | None = None,
) -> HourlySettings:
    if file is not None:
        (folder / "gridloom.toml").write_text(file)
    return load_settings(flags or {}, environ=environ or {}, folder=folder)


def span(**values: Any) -> str:
    return str(HourlySettings.of(values).hours())


# --- precedence ---------------------------------------------------------------------------------


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    settings = load(folder=tmp_path)
    resolved = settings.resolved()

    assert (resolved.hours.first_label, resolved.hours.last_label) == ("2024-01-01T00", "2024-12-31T23")
    assert resolved.regions == STANDARD_EIGHT
    assert resolved.series == ("D", "NG.all")
    assert resolved.batch_days == 45
    assert settings.records_per_request == 5000
    assert settings.out == Path("data")
    assert settings.through == "transform"


def test_flags_beat_environment_and_environment_beats_file(tmp_path: Path) -> None:
    file = 'out = "from-file"\nbase_url = "http://127.0.0.1:1/v2"\nbatch_days = 60\nconcurrency = 3\n'
    environ = {"GRIDLOOM_OUT": "from-environment", "GRIDLOOM_BASE_URL": "http://127.0.0.1:2/v2"}

    only_file = load(folder=tmp_path, file=file)
    with_environment = load({}, environ, folder=tmp_path)
    with_flags = load({"out": "from-flag", "batch_days": "90"}, environ, folder=tmp_path)

    assert (only_file.out, only_file.base_url) == (Path("from-file"), "http://127.0.0.1:1/v2")
    assert (with_environment.out, with_environment.base_url) == (
        Path("from-environment"),
        "http://127.0.0.1:2/v2",
    )
    assert with_environment.batch_days == 60
    assert with_flags.out == Path("from-flag")
    assert with_flags.base_url == "http://127.0.0.1:2/v2"
    assert (with_flags.batch_days, with_flags.concurrency) == (90, 3)


def test_empty_environment_and_flags_that_are_not_given_do_not_count(tmp_path: Path) -> None:
    settings = load(
        {"out": None, "batch_days": None},
        {"GRIDLOOM_OUT": " ", "GRIDLOOM_BASE_URL": ""},
        folder=tmp_path,
        file='out = "mine"\nbatch_days = 7\n',
    )

    assert (settings.out, settings.batch_days, settings.base_url) == (Path("mine"), 7, None)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"year": "2020"}, "2020-01-01T00 to 2020-12-31T23"),
        ({"start": "2020-02-01T00", "end": "2020-02-01T05"}, "2020-02-01T00 to 2020-02-01T05"),
        ({"start_year": "2020", "end_year": "2021"}, "2020-01-01T00 to 2021-12-31T23"),
    ],
)
@pytest.mark.parametrize("file", ["year = 2022", 'start = "2022-01-01T00"\nend = "2022-01-01T01"'])
def test_a_span_on_the_command_line_replaces_the_one_in_the_file(
    flags: dict[str, str], expected: str, file: str, tmp_path: Path
) -> None:
    assert str(load(flags, folder=tmp_path, file=file).hours()) == expected


def test_the_nearer_of_two_sources_counts(tmp_path: Path) -> None:
    url = "http://127.0.0.1:1/v2"

    sample_flag = load({"sample": True}, {"GRIDLOOM_BASE_URL": url}, folder=tmp_path)
    url_flag = load({"base_url": url}, folder=tmp_path, file="sample = true")
    url_environment = load({}, {"GRIDLOOM_BASE_URL": url}, folder=tmp_path)

    assert (sample_flag.sample, sample_flag.base_url) == (True, None)
    assert (url_flag.sample, url_flag.base_url) == (False, url)
    assert (url_environment.sample, url_environment.base_url) == (False, url)


def test_lists_and_numbers_may_be_written_as_toml_does(tmp_path: Path) -> None:
    file = 'regions = ["PACW", "ERCO"]\nseries = ["D", "NG.*"]\nrate_limit = 2\noptimized = true\n'
    resolved = load(folder=tmp_path, file=file).resolved()

    assert resolved.regions == ("PACW", "ERCO")
    assert resolved.series == ("D", "NG.all")
    assert resolved.batch_days == 90


# --- the settings file --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("regoins = 'PACW'", "gridloom.toml: `regoins` is not a setting. Did you mean regions"),
        ("[year]\nregions = 'PACW'", "`year` cannot be"),
        ("batch_days = 0", "`batch_days` cannot be 0: it has to be 1 or more."),
        ("batch_days =", "gridloom.toml is not valid TOML"),
        ("api_key = 'abc-secret'", "gridloom.toml holds an api_key. Keys belong in the environment"),
        ("EIA_API_KEY = 'abc-secret'", "gridloom.toml: `EIA_API_KEY` is not a setting."),
    ],
)
def test_a_bad_file_is_said_in_words_and_no_secret_of_it_is_shown(
    file: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(folder=tmp_path, file=file)

    assert said in str(caught.value)
    assert "abc-secret" not in str(caught.value)


def test_a_file_that_is_not_text_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "gridloom.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="not valid TOML"):
        load(folder=tmp_path)


# --- presets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "regions", "batch_days"),
    [
        ({"optimized": True}, OPTIMIZED_FOUR, 90),
        ({"all_regions": True}, STANDARD_EIGHT, 45),
        ({"optimized": True, "all_regions": True}, STANDARD_EIGHT, 90),
        ({"optimized": True, "regions": "CISO"}, ("CISO",), 90),
        ({"optimized": True, "batch_days": 60}, OPTIMIZED_FOUR, 60),
        ({"all_regions": True, "regions": "CISO"}, ("CISO",), 45),
    ],
)
def test_presets_fill_what_is_not_given(
    given: dict[str, Any], regions: tuple[str, ...], batch_days: int
) -> None:
    resolved = HourlySettings.of(given).resolved()

    assert (resolved.regions, resolved.batch_days) == (regions, batch_days)


# --- spans --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"year": 2020}, "2020-01-01T00 to 2020-12-31T23"),
        ({"start_year": 2019, "end_year": 2023}, "2019-01-01T00 to 2023-12-31T23"),
        ({"start": "2020-02-29T23", "end": "2020-02-29T23"}, "2020-02-29T23 to 2020-02-29T23"),
        ({"sample": True}, "2019-01-01T00 to 2019-12-31T23"),
        ({"sample": True, "year": 2019}, "2019-01-01T00 to 2019-12-31T23"),
        ({"year": NEXT_YEAR - 1}, f"{NEXT_YEAR - 1}-01-01T00 to {NEXT_YEAR - 1}-12-31T23"),
    ],
)
def test_spans(given: dict[str, Any], expected: str) -> None:
    assert span(**given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"year": 2020, "start": "2020-01-01T00"}, "--year and --start/--end contradict each other"),
        ({"year": 2020, "end_year": 2021}, "--year and --start-year/--end-year contradict each other"),
        ({"start": "2020-01-01T00"}, "--start and --end belong together"),
        ({"end": "2020-01-01T00"}, "--start and --end belong together"),
        ({"end_year": 2020}, "--start-year and --end-year belong together"),
        ({"start_year": 2020}, "--start-year and --end-year belong together"),
        ({"start_year": 2021, "end_year": 2020}, "The end year 2020 lies before the start year 2021"),
        ({"start": "2020-01-02T00", "end": "2020-01-01T00"}, "lies before the start"),
        ({"start": "2020-01-01", "end": "2020-01-02"}, "'2020-01-01' is not an hour"),
        ({"start": "2020-13-01T00", "end": "2021-01-01T00"}, "There is no hour '2020-13-01T00'"),
        ({"year": NEXT_YEAR}, "lies in the future"),
        ({"year": 0}, "0 is not a year"),
        ({"year": 19}, "19 is not a year"),
        ({"year": 99999}, "99999 is not a year"),
    ],
)
def test_spans_that_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        span(**given)

    assert said in str(caught.value)


def test_sample_and_base_url_together_are_refused() -> None:
    both = HourlySettings.of({"sample": True, "base_url": "http://127.0.0.1:1/v2"})

    with pytest.raises(ConfigError, match="name two sources"):
        both.resolved()


# --- single values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_days": 0}, "`batch_days` cannot be 0: it has to be 1 or more."),
        ({"batch_days": "x"}, "`batch_days` cannot be 'x': it has to be a whole number or 'auto'."),
        ({"batch_days": "1.5"}, "`batch_days` cannot be '1.5': it has to be a whole number or 'auto'."),
        ({"records_per_request": 6000}, "`records_per_request` cannot be 6000: it has to be 5000 or less."),
        ({"records_per_request": 0}, "`records_per_request` cannot be 0: it has to be 1 or more."),
        (
            {"through": "train"},
            "`through` cannot be 'train': it has to be 'extract', 'transform', 'load' or 'ring'.",
        ),
        ({"concurrency": 0}, "`concurrency` cannot be 0: it has to be 1 or more."),
        ({"concurrency": 101}, "`concurrency` cannot be 101: it has to be 100 or less."),
        ({"max_parallel": 0}, "`max_parallel` cannot be 0: it has to be 1 or more."),
        ({"refresh_days": -1}, "`refresh_days` cannot be -1: it has to be 0 or more."),
        ({"rate_limit": "fast"}, "`rate_limit` cannot be 'fast': it has to be a number or 'off'."),
        ({"regions": " , "}, "`regions` cannot be ' , ': it has to name at least one region, such as PACW."),
        ({"name": "a/b"}, "`name` cannot be 'a/b': it may hold letters, digits, '.', '_' and '-' only"),
        ({"name": ".hidden"}, "`name` cannot be '.hidden'"),
        ({"name": "a" * 201}, "at most 200 characters"),
        ({"base_url": " "}, "`base_url` cannot be ' ': it has to be a URL"),
        ({"out": ""}, "`out` cannot be '': it has to name a file or folder"),
        ({"out": 3}, "`out` cannot be 3: it has to be a path"),
        ({"regions": "PACW ERCO"}, "`regions` cannot be 'PACW ERCO': codes have commas between them"),
        ({"max_parallel": 99_999}, "`max_parallel` cannot be 99999: it has to be 1024 or less"),
        ({"year": "next"}, "`year` cannot be 'next': it has to be a whole number."),
    ],
)
def test_a_value_out_of_range_names_flag_value_and_what_is_allowed(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        HourlySettings.of(given)

    assert said in str(caught.value)


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        HourlySettings.of({"batch_days": 0, "concurrency": 0})

    assert "`batch_days`" in str(caught.value)
    assert "`concurrency`" in str(caught.value)


PLACES = {
    "a flag": ({"max_parallel": "0"}, {}, None, "--max-parallel cannot be '0'"),
    "the environment": ({}, {"GRIDLOOM_OUT": "~nobody-of-that-name/x"}, None, "GRIDLOOM_OUT cannot be"),
    "the file": ({}, {}, "max_parallel = 0", "gridloom.toml: `max_parallel` cannot be 0"),
}


@pytest.mark.parametrize(("flags", "environ", "file", "said"), PLACES.values(), ids=PLACES)
def test_what_is_wrong_is_named_as_where_it_was_given(
    flags: dict[str, Any], environ: dict[str, str], file: str | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(flags, environ, folder=tmp_path, file=file)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("given", ["flag", "environment", "file"])
def test_the_home_folder_may_be_written_with_a_tilde(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = load(
        {"out": "~/x"} if given == "flag" else {},
        {"GRIDLOOM_OUT": "~/x"} if given == "environment" else {},
        folder=tmp_path,
        file='out = "~/x"' if given == "file" else None,
    )

    assert settings.out == tmp_path / "home" / "x"


def test_the_settings_file_may_be_yaml(tmp_path: Path) -> None:
    (tmp_path / "gridloom.yaml").write_text("regions: [PACW, ERCO]\nyear: 2019\nname:\n")
    settings = load(folder=tmp_path)

    assert (settings.regions, settings.year, settings.name) == (("PACW", "ERCO"), 2019, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- year", "has to be settings with their values"),
        ("yaer: 2019", "gridloom.yaml: `yaer` is not a setting"),
    ],
)
def test_a_yaml_file_of_something_else_is_said_in_words(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "gridloom.yaml").write_text(text)

    with pytest.raises(ConfigError, match=said):
        load(folder=tmp_path)


def test_two_settings_files_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "gridloom.yaml").write_text("year: 2019")

    with pytest.raises(ConfigError, match=r"two settings files, gridloom\.toml and gridloom\.yaml"):
        load(folder=tmp_path, file="year = 2020")


@pytest.mark.parametrize(
    ("series", "said"), [("D,WND", "Did you mean NG.WND?"), ("X", "'X' is not a series."), ("", "No series")]
)
def test_a_series_that_is_none_is_said(series: str, said: str) -> None:
    with pytest.raises(UnknownCodeError) as caught:
        HourlySettings.of({"series": series})

    assert said in str(caught.value)


def test_a_name_may_be_given_with_its_ending() -> None:
    assert HourlySettings.of({"name": "mine.parquet"}).name == "mine"
