import json
from datetime import UTC, datetime

import pytest

from gridloom.extract.answers import Verdict, judge, retry_after_s

DATA = b'{"response":{"total":"0","data":[]},"apiVersion":"2.1.8"}'
GATE = '{{\n  "error": {{\n    "code": "{}",\n    "message": "An invalid api_key was supplied."\n  }}\n}}'


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, DATA, Verdict.DATA),
        (403, GATE.format("API_KEY_INVALID"), Verdict.KEY_REFUSED),
        (403, GATE.format("API_KEY_MISSING"), Verdict.KEY_MISSING),
        (403, GATE.format("OVER_RATE_LIMIT"), Verdict.THROTTLED),
        (200, GATE.format("OVER_RATE_LIMIT"), Verdict.THROTTLED),
        (200, "OVER_RATE_LIMIT", Verdict.THROTTLED),
        (429, "", Verdict.THROTTLED),
        (429, "<html>slow down</html>", Verdict.THROTTLED),
        (500, "Something unexpected happened.", Verdict.FAULT),
        (500, '{"error":"Not found.","code":404}', Verdict.LOST),
        (404, '{"error":"Not found.","code":404}', Verdict.NOT_FOUND),
        (404, "<!DOCTYPE html><html></html>", Verdict.NOT_FOUND),
        (404, "gone", Verdict.NOT_FOUND),
        (503, "<HTML><HEAD></HEAD></HTML>", Verdict.PAGE),
        (200, "\n<!doctype html>", Verdict.PAGE),
        (400, '{"error":"Invalid sort \'bogus\' provided.","code":400}', Verdict.REFUSED),
        (400, '{"error":"Error getting data.","code":400}', Verdict.GENERIC),
        (403, "<html>OVER_RATE_LIMIT</html>", Verdict.THROTTLED),
        (503, '{"error":"OVER_RATE_LIMIT"}', Verdict.THROTTLED),
        (403, '{"error":"Your key is temporarily suspended."}', Verdict.THROTTLED),
        (403, "<html><h1>Access Denied</h1></html>", Verdict.PAGE),
        (502, "<html>502</html>", Verdict.PAGE),
        (425, "", Verdict.FAULT),
        (200, '{"error":"Invalid data.","code":400}', Verdict.REFUSED),
        (200, '{"error":"?"}', Verdict.GARBLED),
        (405, "{}", Verdict.REFUSED),
        (302, "", Verdict.REFUSED),
        (401, "no", Verdict.KEY_REFUSED),
        (504, "", Verdict.FAULT),
        (408, "", Verdict.FAULT),
        (200, "", Verdict.GARBLED),
        (200, "[1, 2]", Verdict.GARBLED),
        (200, '{"hello":"world"}', Verdict.GARBLED),
        (200, DATA[:-9], Verdict.GARBLED),
        (200, b"\xff\xfe", Verdict.GARBLED),
    ],
)
def test_every_shape_of_an_answer_is_understood(status, body, verdict):
    judgement = judge(status, body if isinstance(body, bytes) else body.encode())
    assert judgement.verdict is verdict
    assert "\n" not in judgement.words
    assert verdict is Verdict.DATA or str(status) in judgement.words


def test_the_servers_own_words_are_quoted_in_short():
    body = json.dumps({"error": "word " * 500, "code": 400}).encode()
    assert "word word" in judge(400, body).words
    assert len(judge(400, body).words) < 400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("999999", 3600.0), ("-1", None), ("", None), ("²", None), ("soon", None)],
)
def test_retry_after(value, seconds):
    assert retry_after_s(value) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Sun, 22 Nov 2026 10:00:40 GMT", 40.0),
        ("Sunday, 22-Nov-26 10:00:40 GMT", 40.0),
        ("Sun Nov 22 10:00:40 2026", 40.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 10:00:00 GMT", 3600.0),
        ("Sun, 99 Nov 2026", None),
    ],
)
def test_retry_after_as_a_date(value, seconds):
    assert retry_after_s(value, lambda: datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds
