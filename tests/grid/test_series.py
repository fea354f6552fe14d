from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridloom.errors import UnknownCodeError
from gridloom.grid.neighbours import NEIGHBOURS
from gridloom.grid.respondents import all_respondents
from gridloom.grid.routes import FUEL_TYPE_DATA, MAX_ROWS_PER_REQUEST, REGION_DATA, ROUTES
from gridloom.grid.series import (
    ALL_FUELS,
    ALL_INTERCHANGE,
    ALL_OF,
    ALL_SUB_AREAS,
    DEFAULT_SERIES,
    FUELS,
    REGION_TYPES,
    parse_series,
    route_of,
    route_requests,
)

SUB_AREAS = ["D.0001", "D.Frep", "D.frep", "D.PGAE", "D.ZONA", "D.4001-a_b"]
NAMES = [
    *REGION_TYPES,
    *(f"NG.{fuel}" for fuel in FUELS),
    *(f"ID.{code}" for code in ("CISO", "US48", *NEIGHBOURS)),
    *SUB_AREAS,
    *ALL_OF.values(),
]


@given(names=st.lists(st.sampled_from(NAMES), min_size=1))
def test_parsing_is_idempotent_and_takes_text_and_lists_alike(names: list[str]) -> None:
    parsed = parse_series(names)

    assert parse_series(parsed) == parsed
    assert parse_series(",".join(names)) == parsed
    assert list(parsed) == sorted(set(parsed))


@given(names=st.lists(st.sampled_from(NAMES), min_size=1), data=st.data())
def test_order_case_blanks_and_repeats_do_not_matter(names: list[str], data: st.DataObject) -> None:
    messy = data.draw(st.permutations([*names, *names]))

    assert parse_series(", ,".join(f" {any_case(name)} " for name in messy)) == parse_series(names)


def any_case(name: str) -> str:
    """Returns a name in lower case, but for the id of a sub-area, whose case counts."""
    return f"d.{name.removeprefix('D.')}" if name in SUB_AREAS else name.lower()


@pytest.mark.parametrize("every", ["NG.all", "NG.*", "ng.ALL"])
def test_every_fuel_is_not_net_generation_and_swallows_single_fuels(every: str) -> None:
    assert parse_series(f"{every},NG,NG.WND") == ("NG", ALL_FUELS)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("id.*,ID.CISO,TI", (ALL_INTERCHANGE, "TI")),
        ("d.ALL,D.Frep,D,DF", ("D", ALL_SUB_AREAS, "DF")),
        ("id.mex,ID.bcha,iD.Us48", ("ID.BCHA", "ID.MEX", "ID.US48")),
        ("d.Frep,D.FREP,D.0001", ("D.0001", "D.FREP", "D.Frep")),
    ],
)
def test_neighbours_have_one_case_and_sub_areas_the_one_that_eia_writes(text: str, parsed: tuple) -> None:
    assert parse_series(text) == parsed


def test_every_respondent_can_be_a_neighbour() -> None:
    assert not set(all_respondents()) & set(NEIGHBOURS)
    for code in all_respondents():
        assert parse_series(f"ID.{code}") == (f"ID.{code}",)


@given(names=st.lists(st.sampled_from(NAMES), min_size=1))
def test_the_route_of_a_name_is_the_one_that_is_asked_for_it(names: list[str]) -> None:
    for name in parse_series(names):
        (request,) = route_requests([name])
        assert request.route == route_of(name)
        assert request.types == (
            () if name in ALL_OF.values() else (name.removeprefix(request.route.prefix),)
        )


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
        ("NG.WIND", "Did you mean NG.WND"),
        ("X", "Series are D, DF, NG, TI, NG.all"),
        ("X", "ID.all, ID.<code of a neighbour>, D.all and D.<id of a sub-area, as EIA writes it>."),
        ("ID.ERCOT", "Did you mean ID.ERCO?"),
        ("id.CAISO", "Did you mean ID.CISO?"),
        ("ID.PACX", "ID.PACW"),
        ("D.a b", "as EIA writes it"),
        ("D.", "Did you mean D?"),
        ("NG.", "Series are D"),
        ("DF.all", "Series are D"),
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
    labels = {route.respondent_label, route.type_label}
    assert {*route.key, *labels, "value", "value-units"} == set(route.row_fields)
    assert {route.respondent_facet, route.type_facet} == set(route.facets)
    assert route.path == f"electricity/rto/{route.id}"
    assert MAX_ROWS_PER_REQUEST == 5000
