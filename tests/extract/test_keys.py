import logging
import sys
import types

import pytest
from pydantic import SecretStr

from gridloom.extract import keys
from gridloom.extract.keys import KEY_WAYS, read_env_file, resolve_key

READ_KEYRING = keys.read_keyring  # tests see another one by default, see conftest


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


def test_the_order_is_given_environment_file_keyring(env_file):
    env_file.write_text("EIA_API_KEY=of-the-file\n")

    def found(given=None, environ=None, file=env_file):
        key = resolve_key(
            SecretStr(given) if given is not None else None, environ or {}, file, lambda: "of-the-keyring"
        )
        return key.get_secret_value()

    assert found("given", {"EIA_API_KEY": "of-the-environment"}) == "given"
    assert found(" ", {"EIA_API_KEY": " of-the-environment "}) == "of-the-environment"
    assert found(None, {"EIA_API_KEY": " "}) == "of-the-file"
    env_file.write_text("EIA_API_KEY=\n")
    assert found() == "of-the-keyring"


def test_where_there_is_none_there_is_none(env_file):
    assert resolve_key(None, {}, env_file, str) is None
    assert resolve_key(None) is None


def test_the_keyring_is_not_opened_where_a_key_stands_elsewhere(env_file):
    def never():
        raise AssertionError

    assert resolve_key(SecretStr("k"), {}, env_file, never).get_secret_value() == "k"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("EIA_API_KEY=abc", "abc"),
        ("export EIA_API_KEY=abc\n", "abc"),
        ("  EIA_API_KEY = abc  \r\n", "abc"),
        ('EIA_API_KEY="a b#c"', "a b#c"),
        ("EIA_API_KEY='a\"b' # comment", 'a"b'),
        ("EIA_API_KEY=abc # comment", "abc"),
        ("EIA_API_KEY=abc\t# comment", "abc"),
        ("EIA_API_KEY=a#c=$HOME", "a#c=$HOME"),
        ("EIA_API_KEY= # nothing", ""),
        ("# EIA_API_KEY=abc", ""),
        ("MY_EIA_API_KEY=abc\nEIA_API_KEYS=abc\nEIA_API_KEY", ""),
        ("EIA_API_KEY=first\nOTHER=x\nEIA_API_KEY=last", "last"),
        ('EIA_API_KEY="unfinished', '"unfinished'),
        ("", ""),
    ],
)
def test_a_line_of_a_file_is_read_as_shells_do(env_file, text, key):
    env_file.write_text(text)
    assert read_env_file(env_file) == key


def test_what_cannot_be_read_is_no_key(tmp_path, env_file):
    assert read_env_file(tmp_path) == ""
    env_file.write_bytes(b"\xef\xbb\xbfEIA_API_KEY=abc\n\xff\xfe")
    assert read_env_file(env_file) == "abc"


def keyring_that(monkeypatch, answer):
    fake = types.ModuleType("keyring")
    fake.get_password = answer
    monkeypatch.setitem(sys.modules, "keyring", fake)


def test_the_keyring_is_asked_under_the_documented_names(monkeypatch):
    asked = []
    keyring_that(monkeypatch, lambda *names: asked.append(names) or "of-the-keyring")
    assert READ_KEYRING() == "of-the-keyring"
    assert asked == [("gridloom", "EIA_API_KEY")]
    keyring_that(monkeypatch, lambda *_: None)
    assert READ_KEYRING() == ""


def test_a_keyring_that_fails_is_one_debug_line(monkeypatch, caplog):
    def fail(*_):
        raise OSError("the bus is gone; secret=CANARY")

    keyring_that(monkeypatch, fail)
    with caplog.at_level(logging.DEBUG):
        assert READ_KEYRING() == ""
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
    assert "CANARY" not in caplog.text


def test_without_the_extra_there_is_no_keyring(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with caplog.at_level(logging.DEBUG):
        assert READ_KEYRING() == ""
    assert not caplog.records


def test_all_ways_are_named():
    for way in (
        "environment variable EIA_API_KEY",
        ".env",
        "keyring set gridloom EIA_API_KEY",
        "register.php",
    ):
        assert way in KEY_WAYS
