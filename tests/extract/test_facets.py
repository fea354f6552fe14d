import asyncio

import pytest
from pydantic import SecretStr

from gridloom.errors import KeyMissingError, SourceAnswerError
from gridloom.extract.facets import decode_facets
from gridloom.extract.source import Source, known_respondents


def test_the_sample_lists_its_respondents_also_inside_a_running_loop():
    codes = known_respondents(Source.sample(), None)
    assert "PACW" in codes
    assert codes == sorted(set(codes))

    async def main():
        return known_respondents(Source.sample(), SecretStr("ignored"))

    assert asyncio.run(main()) == codes


def test_repeated_codes_count_once():
    body = b'{"response":{"totalFacets":3,"facets":[{"id":"NE"},{"id":"CAR","name":"x"},{"id":"NE"}]}}'
    assert decode_facets(body) == ["CAR", "NE"]


@pytest.mark.parametrize("body", [b"{}", b'{"response":{"facets":[{}]}}', b"<html>"])
def test_what_is_no_list_is_said_so(body):
    with pytest.raises(SourceAnswerError, match="list of codes"):
        decode_facets(body)


def test_a_missing_key_is_said_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("EIA_API_KEY", raising=False)
    with pytest.raises(
        KeyMissingError, match=r"environment variable EIA_API_KEY.*\.env.*keyring set gridloom EIA_API_KEY"
    ):
        known_respondents(Source.of_url("http://127.0.0.1:9/v2"), None)
