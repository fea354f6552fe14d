"""The gate: who may pass, in which words others are refused, and that no key is remembered."""

from __future__ import annotations

import pytest

from gridloom.extract.replay.gate import KEY_INVALID, KEY_MISSING


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_refused_at_the_gate(api, key):
    answer = api.get("/region-data", key=key)
    assert (answer.status_code, answer.text) == (403, KEY_MISSING)
    assert answer.json()["error"]["code"] == "API_KEY_MISSING"


def test_a_wrong_key_is_refused_by_the_gateway_itself(serve):
    client = serve(key="right")
    answer = client.get("/region-data", key="wrong")
    assert (answer.status_code, answer.text) == (403, KEY_INVALID)
    assert answer.text.startswith('{\n  "error": {\n    "code": "API_KEY_INVALID"')
    assert answer.headers["x-frame-options"] == "DENY"
    assert "x-xss-protection" in answer.headers
    assert "age" not in answer.headers
    assert client.get("/region-data", key="right").status_code == 200


def test_the_gate_comes_before_everything_else(api):
    assert api.get("/bogus", key=None).status_code == 403
    assert api.get("/region-data/data", ("facets[x][]", "y"), key=None).status_code == 403


def test_a_key_in_the_header_is_taken_and_not_repeated(serve):
    client = serve(key="canary-77")
    answer = client.get("/region-data/data/", key=None, headers={"X-Api-Key": "canary-77"}, length="1")
    assert answer.status_code == 200
    assert answer.json()["request"]["params"] == {"length": "1"}
    assert "canary-77" not in answer.text


def test_a_key_in_the_query_is_repeated_in_the_answer(api):
    assert api.get("/region-data/data/", key="canary-77").json()["request"]["params"] == {
        "api_key": "canary-77"
    }


def test_a_server_that_does_not_see_the_header_says_that_the_key_is_missing(serve):
    client = serve(key_in_header=False)
    refused = client.get("/region-data", key=None, headers={"X-Api-Key": "any"})
    assert (refused.status_code, refused.text) == (403, KEY_MISSING)
    assert client.get("/region-data", key="any").status_code == 200


def test_the_key_is_in_neither_the_log_nor_the_options(serve):
    client = serve(key="canary-77")
    client.get("/region-data/data/", key="canary-77", length="1")
    client.get("/region-data/data/", key="canary-77-wrong")
    assert [entry.key_in for entry in client.server.requests] == ["query", ""]
    assert "canary-77" not in repr(client.server.requests)
    assert "canary-77" not in repr(vars(client.server))
