from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import UnknownCodeError
from gridloom.grid.routes import FUEL_TYPE_DATA, MAX_ROWS_PER_REQUEST, REGION_DATA, ROUTES
from gridloom.grid.series import ALL_FUELS, DEFAULT_SERIES, FUELS, REGION_TYPES, parse_series, route_requests

NAMES = [*REGION_TYPES, *(f"NG.{fuel}" for fuel in FUELS), ALL_FUELS]


@given(names=st.lists(st.sampled_from(NAMES), min_size=1))
def test_parsing_is_idempotent_and_takes_text_and_lists_alike(names: list[str]) -> None:
    parsed = parse_series(names)

    assert parse_series(parsed) == parsed
    assert parse_series(",".join(names)) == parsed
    assert list(parsed) == sorted(set(parsed))


@given(names=st.lists(st.sampled_from(NAMES), min_size=1), data=st.data())
def test_order_case_blanks_and_repeats_do_not_matter(names: list[str], data: st.DataObject) -> None:
    messy = data.draw(st.permutations([*names, *names]))

    assert parse_series(", ,".join(f" {name.lower()} " for name in messy)) == parse_series(names)


@pytest.mark.parametrize("every", ["NG.all", "NG.*", "ng.ALL"])
def test_every_fuel_is_not_net_generation_and_swallows_single_fuels(every: str) -> None:
    assert parse_series(f"{every},NG,NG.WND") == ("NG", ALL_FUELS)


@given(names=st.lists(st.sampled_from(NAMES), min_size=1))
def test_route_requests_ask_for_exactly_the_named_series(names: list[str]) -> None:
    series = parse_series(names)

    asked = {
        f"{request.route.prefix}{code}"
        for request in route_requests(series)
        for code in request.types or ("all",)
    }

    assert asked == set(series)


def test_rows_per_hour_are_known_but_for_all_fuels() -> None:
    region, fuel = route_requests(["D", "DF", ALL_FUELS])

    assert (region.route, region.series_per_respondent) == (REGION_DATA, 2)
    assert (fuel.route, fuel.types, fuel.series_per_respondent) == (FUEL_TYPE_DATA, (), None)


def test_natural_gas_and_net_generation_are_two_series_of_two_routes() -> None:
    assert [(request.route.id, request.types) for request in route_requests(["NG", "NG.NG"])] == [
        ("region-data", ("NG",)),
        ("fuel-type-data", ("NG",)),
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("WND", "Did you mean NG.WND?"),
        ("NG.WIN", "Did you mean NG.WND"),
        ("X", "Series are D, DF, NG, TI, NG.all"),
    ],
)
def test_an_unknown_series_is_met_with_help(name: str, hint: str) -> None:
    with pytest.raises(UnknownCodeError) as caught:
        parse_series(["D", name])

    assert str(caught.value).startswith(f"'{name}' is not a series.")
    assert hint in str(caught.value)


@pytest.mark.parametrize("nothing", ["", " , ", []])
def test_nothing_named_is_refused(nothing: str | list[str]) -> None:
    with pytest.raises(UnknownCodeError, match="No series was named"):
        parse_series(nothing)


def test_the_default_is_demand_and_every_fuel() -> None:
    assert parse_series(DEFAULT_SERIES) == DEFAULT_SERIES


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_a_route_s_key_is_in_its_rows(route) -> None:
    assert route.key == ("period", *route.facets)
    assert set(route.key) | {"value"} <= set(route.row_fields)
    assert route.type_facet in route.facets
    assert route.path == f"electricity/rto/{route.id}"
    assert MAX_ROWS_PER_REQUEST == 5000
