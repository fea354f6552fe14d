import pytest

from gridloom.errors import ConfigError
from gridloom.extract.source import DEFAULT_BASE_URL, Source
from gridloom.sample import sample_source


@pytest.mark.parametrize(
    ("url", "identity", "base_url", "loopback"),
    [
        (None, "eia", DEFAULT_BASE_URL, False),
        ("https://API.eia.gov/v2/", "eia", "https://API.eia.gov/v2", False),
        ("http://127.0.0.1:8930/v2", "custom:127.0.0.1", "http://127.0.0.1:8930/v2", True),
        ("http://localhost:1/v2//", "custom:localhost", "http://localhost:1/v2", True),
        ("http://[::1]:9/v2", "custom:::1", "http://[::1]:9/v2", True),
        ("https://mirror.example/eia/v2", "custom:mirror.example", "https://mirror.example/eia/v2", False),
    ],
)
def test_a_source_is_known_by_its_host_and_never_by_its_port(url, identity, base_url, loopback):
    source = Source.of_url(url)
    assert (source.identity, source.base_url, source.is_loopback) == (identity, base_url, loopback)
    assert source.needs_key


def test_the_sample_needs_no_key_and_has_no_limit():
    source = Source.sample()
    assert source.identity == sample_source()
    assert (source.needs_key, source.is_loopback, source.per_s(None), source.per_s(3)) == (
        False,
        True,
        None,
        3.0,
    )


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("api.eia.gov/v2", "not the URL of an http or https server"),
        ("ftp://api.eia.gov/v2", "not the URL of an http or https server"),
        ("http://api.eia.gov/v2", "https only"),
        ("https://host:99999999/v2", "not a URL"),
        ("https://host/v 2", "blanks"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_in_words(url, text):
    with pytest.raises(ConfigError, match=text):
        Source.of_url(url)


@pytest.mark.parametrize(
    "url", ["https://me:hidden@host/v2", "https://host/v2?api_key=hidden", "https://host/v2#hidden"]
)
def test_a_url_with_more_than_an_address_is_refused_without_showing_it(url):
    with pytest.raises(ConfigError) as caught:
        Source.of_url(url)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "rate", "text"),
    [
        ("https://mirror.example/v2", "off", "only for a server on this machine"),
        (None, "off", "only for a server on this machine"),
        (None, 6, "more than EIA allows"),
        (None, 0, "no rate"),
        (None, float("nan"), "no rate"),
    ],
)
def test_a_rate_that_cannot_be_used_is_refused_in_words(url, rate, text):
    with pytest.raises(ConfigError, match=text):
        Source.of_url(url).check_rate_limit(rate)


def test_rates():
    local = Source.of_url("http://127.0.0.1/v2")
    for rate, expected in [("off", None), (None, 5.0), (50, 50.0)]:
        local.check_rate_limit(rate)
        assert local.per_s(rate) == expected
    assert Source.of_url().per_s(2.5) == 2.5
