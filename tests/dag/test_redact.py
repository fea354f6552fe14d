"""What counts as a secret in a text."""

from __future__ import annotations

from gridloom.dag.redact import Redactor


def test_a_short_secret_is_hidden_as_a_word_only() -> None:
    redactor = Redactor(["abc"])
    assert redactor.text("abc, key=abc; abcd and cabc") == "***, key=***; abcd and cabc"


def test_a_short_secret_that_is_a_word_of_our_names_is_hidden_where_it_is_named_as_a_key() -> None:
    redactor = Redactor(["data", "hidden"])
    redactor.own("extract-region-data", "raw/custom-127.0.0.1")
    assert redactor.text("extract-region-data: data/raw hidden") == "extract-region-data: data/raw ***"
    assert redactor.text("?api_key=data&x=1 X-Api-Key: data") == "?api_key=***&x=1 X-Api-Key: ***"
    assert redactor.record({"api_key": "data"}) == {"api_key": "***"}


def test_a_long_secret_is_hidden_whatever_our_names_are() -> None:
    redactor = Redactor(["extract-region-data"])
    redactor.own("extract-region-data")
    assert redactor.text("extract-region-data") == "***"


def test_a_record_stays_readable_whatever_the_secret() -> None:
    redactor = Redactor(["failed", "a"])
    record = {"type": "step-finished", "outcome": "failed", "message": "it failed", "a": 1}
    assert redactor.record(record) == {
        "type": "step-finished",
        "outcome": "failed",
        "message": "it ***",
        "a": 1,
    }


def test_a_secret_in_a_url_or_in_json_is_hidden() -> None:
    redactor = Redactor(['se cret/"key"\\'])
    assert redactor.text("http://x/?k=se%20cret%2F%22key%22%5C") == "http://x/?k=***"
    assert redactor.holds('{"m":"se cret/\\"key\\"\\\\"}')


def test_a_longer_secret_wins_over_its_part() -> None:
    redactor = Redactor(["secret-one", "secret-one-and-more"])
    assert redactor.text("secret-one-and-more secret-one") == "*** ***"


def test_errors_are_cleaned_with_their_causes() -> None:
    redactor = Redactor(["canary-value"])
    error = ExceptionGroup("two canary-value", [OSError("canary-value")])
    error.__cause__ = ValueError("canary-value")
    clean = redactor.error(error)
    parts = [str(error.__cause__), str(error.exceptions[0])]
    assert parts == ["***", "***"]
    assert not clean, "the message of a group cannot be changed"
