import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.extract.fake_api import CANARY

from gridloom.extract.keys import resolve_key
from gridloom.extract.secret import Scrubber, quiet_logs


def scrubber(key):
    return Scrubber(SecretStr(key))


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        quote(CANARY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        CANARY.replace("/", "\\/"),
    ],
)
def test_every_form_of_a_key_is_taken_out_of_messages_and_bodies(form):
    assert (
        scrubber(CANARY).text(f"asked https://x/v2?api_key={form}&a=1")
        == "asked https://x/v2?api_key=***&a=1"
    )
    assert scrubber(CANARY).text(f"the key {form} was refused") == "the key *** was refused"
    body = b'{"response":{"data":[{"a":"' + form.encode() + b'"}]},"note":"' + form.encode() + b'"}'
    assert form.encode() not in scrubber(CANARY).body(body)


def test_an_echo_is_masked_by_its_name_whatever_the_key():
    body = (
        b'{"response":{"total":"5","data":[{"type":"D","value":"5"}]},"request":{"params":{"api_key":"D"}}}'
    )
    expected = body.replace(b'"api_key":"D"', b'"api_key":"***"')
    assert scrubber("D").body(body) == expected
    assert scrubber("5").body(body) == expected
    assert Scrubber(None).body(body) == expected


def test_a_key_that_is_a_word_of_the_data_does_not_change_rows():
    rows = b'"data":[{"value":"1","value-units":"megawatthours"}]'
    body = (
        b'{"response":{'
        + rows
        + b'},"request":{"params":{"api_key":"megawatthours","note":"megawatthours"}}}'
    )
    clean = scrubber("megawatthours").body(body)
    assert rows in clean
    assert clean.count(b"megawatthours") == 1


def test_a_body_without_the_key_is_the_same_object():
    body = b'{"response":{"data":[]}}'
    assert scrubber(CANARY).body(body) is body
    assert scrubber("data").body(body) is body


def test_a_short_key_is_masked_as_a_word_only():
    assert scrubber("a").text("a bad day for a key") == "*** bad day for *** key"


@given(st.text(min_size=16, max_size=40), st.text(), st.text())
def test_no_long_key_survives_in_a_json_body(key, before, after):
    body = json.dumps({"note": before + key + after}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    clean = scrubber(key).body(body).decode("utf-8", "surrogatepass")
    written = json.dumps(key, ensure_ascii=False)[1:-1]
    assert written not in clean.replace("***", "\0")


@pytest.mark.parametrize(
    ("given_key", "environ", "expected"),
    [
        (" a ", {"EIA_API_KEY": "b"}, "a"),
        (None, {"EIA_API_KEY": " b\n"}, "b"),
        (None, {"EIA_API_KEY": "  "}, None),
        (None, {}, None),
        ("", {"EIA_API_KEY": "b"}, "b"),
    ],
)
def test_the_key_is_what_was_given_else_the_environments(given_key, environ, expected):
    key = resolve_key(SecretStr(given_key) if given_key is not None else None, environ)
    assert (key.get_secret_value() if key else None) == expected


def test_the_http_librarys_log_shows_no_key(caplog):
    quiet_logs()
    quiet_logs()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx2").info("GET %s", f"https://x/v2?a=1&api_key={CANARY}&b=2")
    assert caplog.messages == ["GET https://x/v2?a=1&api_key=***&b=2"]
