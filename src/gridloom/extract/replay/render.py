"""Rows as JSON: fragments that repeat are written once, so that a full page takes a millisecond."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property
from itertools import product
from typing import Any, Final

import polars as pl

from gridloom.extract.replay.labels import UNITS, code_name
from gridloom.extract.replay.rows import HOUR_MS, RouteRows

__all__ = ["RowWriter", "drifted", "number_text", "to_json", "value_text"]

_UNITS: Final = f'"value-units":"{UNITS}"}}'
_LOCAL: Final = "local"


def to_json(value: Any) -> str:
    r"""Returns JSON as the API writes it: compact, ASCII, and with slashes escaped.

    Example:
        >>> print(to_json({"command": "/v2"}))
        {"command":"\/v2"}
    """
    # A slash can only stand inside a string, so replacing all of them is safe.
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def value_text(value: float) -> str:
    """Returns a number as the API's database writes it: shortest exact decimal, no zero before the point.

    Example:
        >>> [value_text(number) for number in (1520.0, 0.0, 0.3, -0.21, 1e-7, 1e21)]
        ['1520', '0', '.3', '-.21', '.0000001', '1000000000000000000000']
    """
    text = number_text(value)
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def number_text(value: float) -> str:
    """Returns a number as JSON: shortest exact decimal without an exponent.

    Example:
        >>> [number_text(number) for number in (1520.0, 0.3, -0.21)]
        ['1520', '0.3', '-0.21']
    """
    return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"


def drifted(label: str) -> str:
    """Returns a label in another case, as labels were seen to drift.

    Example:
        >>> [drifted(label) for label in ("Pumped storage", "Natural Gas", "Coal")]
        ['Pumped Storage', 'Natural gas', 'COAL']
    """
    return next((text for text in (label.title(), label.capitalize()) if text != label), label.upper())


class RowWriter:
    """Writes the rows of one route.

    Args:
        data: The route's rows.
        numbers: Whether values are JSON numbers; texts if not.
    """

    def __init__(self, data: RouteRows, *, numbers: bool) -> None:
        self._data = data
        self._numbers = numbers
        self._kept: dict[str, list[str]] = {}

    def write(self, rows: pl.DataFrame, *, with_value: bool) -> str:
        """Returns rows as the inside of a JSON array.

        Args:
            rows: Rows of a page.
            with_value: Whether they have ``value`` and ``value-units``.
        """
        if rows.is_empty():
            return ""
        values, lead, tail = self._values(rows) if with_value else ([""] * rows.height, "", "}")
        middles, pairs = self._middles(lead), self._pairs(rows)
        if _LOCAL in rows.columns:
            hours: Iterable[int] = range(rows.height)
            heads = _period_texts(rows[_LOCAL].cast(pl.Int64), rows[_LOCAL] - rows["hour"]).to_list()
        else:
            first, heads = self._hour_texts
            hours = (rows["hour"] - first).to_list()
        triples = zip(hours, pairs, values, strict=True)
        # Formatting each row at once is what takes the time; nothing else is done row by row.
        return f"{tail},".join([f"{heads[hour]}{middles[pair]}{text}" for hour, pair, text in triples]) + tail

    @cached_property
    def _hour_texts(self) -> tuple[int, list[str]]:
        """First hour, and the beginning of a row of each hour from there on."""
        hours = self._data.frame["hour"]
        first, last = int(hours[0]), int(hours[-1])
        return first, _period_texts(pl.Series(range(first, last + 1), dtype=pl.Int64)).to_list()

    def _middles(self, lead: str) -> list[str]:
        """Returns the middle of a row for each pair of codes, then the same with drifted labels.

        Args:
            lead: What stands between the codes and the value.
        """
        if lead not in self._kept:
            self._kept[lead] = [middle + lead for middle in self._fragments]
        return self._kept[lead]

    @cached_property
    def _fragments(self) -> list[str]:
        route = self._data.route
        written = sorted(route.facets, key=route.row_fields.index)
        texts: list[str] = []
        for change in self._labels():
            for pair in product(*(self._data.codes(facet) for facet in route.facets)):
                codes = dict(zip(route.facets, pair, strict=True))
                fields: dict[str, str] = {}
                for facet in written:
                    name_field = route.row_fields[route.row_fields.index(facet) + 1]
                    fields |= {facet: codes[facet], name_field: change(code_name(facet, codes[facet]))}
                texts.append(to_json(fields)[1:-1])
        return texts

    def _labels(self) -> Iterable[Callable[[str], str]]:
        return (str, drifted) if "drift" in self._data.frame.columns else (str,)

    def _pairs(self, rows: pl.DataFrame) -> list[int]:
        first, second = self._data.route.facets
        width = len(self._data.codes(second))
        pairs = rows[first].to_physical().cast(pl.Int32) * width + rows[second].to_physical().cast(pl.Int32)
        if "drift" in rows.columns:
            pairs += rows["drift"].cast(pl.Int32) * (len(self._data.codes(first)) * width)
        return pairs.to_list()

    def _values(self, rows: pl.DataFrame) -> tuple[list[str], str, str]:
        """Returns the text of each value, what stands before each, and what behind."""
        values, quote = rows["value"], "" if self._numbers else '"'
        whole = values.cast(pl.Int64, strict=False)
        texts = whole.cast(pl.String).to_list()
        exact = whole.cast(pl.Float64) == values
        bare = "bare" in rows.columns and rows["bare"].any()
        if not bare and exact.all(ignore_nulls=False):
            return texts, f',"value":{quote}', f"{quote},{_UNITS}"
        to_text = number_text if self._numbers else value_text
        for position in (~exact.fill_null(value=False)).arg_true().to_list():
            value = values[position]
            texts[position] = None if value is None else to_text(value)
        written = [f',"value":{"null" if text is None else quote + text + quote}' for text in texts]
        for position in rows["bare"].arg_true().to_list() if bare else ():
            written[position] = ""
        return written, "", f",{_UNITS}"


def _period_texts(hours: pl.Series, offset: pl.Series | None = None) -> pl.Series:
    """Returns the beginning of rows: their period, with the offset of a local clock where there is one."""
    text = (hours * HOUR_MS).cast(pl.Datetime("ms")).dt.strftime('{"period":"%Y-%m-%dT%H')
    if offset is None:
        return text + '",'
    sign = pl.select(pl.when(offset < 0).then(pl.lit("-")).otherwise(pl.lit("+"))).to_series()
    return text + sign + offset.abs().cast(pl.String).str.zfill(2) + '",'
