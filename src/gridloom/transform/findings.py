"""Checks of the hourly table as records: the same before publishing and in ``gridloom check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl

from gridloom.errors import FileFormatError
from gridloom.files import storage_errors
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable
from gridloom.grid.hours import HOUR, HourRange
from gridloom.grid.series import route_of
from gridloom.grid.table import rows_digest
from gridloom.transform.complete import Life, period_of
from gridloom.transform.facts import Facts, missing_in
from gridloom.transform.footer import Footer
from gridloom.transform.write import is_written

__all__ = ["check_file", "check_table", "check_written", "listed", "missing_by_respondent"]

_MOST_LISTED: Final = 5


def check_file(path: Path, *, lives: Sequence[Life] | None = None) -> list[Finding]:
    """Returns the findings about an hourly Parquet on disk.

    Args:
        path: The file.
        lives: The hours that each series must have, where that is known.

    Raises:
        FileFormatError: If there is no file, it is not whole Parquet, or it is not an hourly table.
        StorageError: If it cannot be read.
    """
    footer = Footer.read(path)
    with _readable(path):
        frame = pl.read_parquet(path)
    return check_table(frame, footer, lives=lives)


def check_written(
    table: HourlyTable, parts: Iterable[pl.LazyFrame], facts: Facts, *, lives: Sequence[Life]
) -> list[Finding]:
    """Returns what `check_file` finds about a table that was just written, for less time and memory.

    The file is read back and compared with the rows written; only if it holds others is it checked
    by itself.

    Args:
        table: The table.
        parts: The rows that were written, in order; they may be cut anywhere.
        facts: The facts about them.
        lives: The hours that each series must have.

    Raises:
        FileFormatError: If there is no file, it is not whole Parquet, or it is not an hourly table.
        StorageError: If it cannot be read.
    """
    footer = Footer.read(table.path)
    with _readable(table.path):
        same = is_written(table.path, parts)
    if not same:
        return check_file(table.path, lives=lives)
    return _findings(facts, footer, lives, table.rows_digest)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        with storage_errors("read", path):
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise FileFormatError(
            f"{path} is damaged ({error}). Run the command that made it again: the rows are still in 'raw'."
        ) from error


def check_table(frame: pl.DataFrame, footer: Footer, *, lives: Sequence[Life] | None = None) -> list[Finding]:
    """Returns the findings about a canonical table, the required ones first, in a fixed order.

    Args:
        frame: The table's rows in their order.
        footer: What its file says about them.
        lives: The hours that each series must have, where that is known; otherwise every series must
            have every hour from its first to its last.
    """
    facts = Facts.of(frame, HourRange.of_labels(footer.first, footer.last))
    return _findings(facts, footer, lives, rows_digest([frame]))


def _findings(facts: Facts, footer: Footer, lives: Sequence[Life] | None, digest: str) -> list[Finding]:
    return [
        _sorted(facts),
        _unique(facts),
        _inside(facts, footer),
        _grid(facts, lives),
        _statuses(facts),
        _finite(facts),
        _contents(facts, footer),
        _digest(digest, footer),
        _covered(facts, footer),
        _missing(facts),
    ]


def listed(items: Iterable[str], *, most: int = _MOST_LISTED) -> str:
    """Returns a few items in words, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    known = list(items)
    rest = len(known) - most
    return ", ".join(known[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def _sorted(facts: Facts) -> Finding:
    wrong = facts.backwards
    return Finding(
        name="sorted",
        why="Readers rely on the order respondent, series, period, and only one order gives equal bytes.",
        required=True,
        passed=not wrong,
        detail=f"{wrong:,} rows come before a row that belongs in front of them." if wrong else "In order.",
    )


def _unique(facts: Facts) -> Finding:
    repeated, keyless = facts.repeated, facts.keyless
    wrong = f"{repeated:,} rows share their key (respondent, series, period); {keyless:,} lack a part of it."
    return Finding(
        name="keys-unique",
        why="A row that stands twice is counted twice in every sum.",
        required=True,
        passed=not repeated and not keyless,
        detail=wrong if repeated or keyless else f"{facts.rows:,} keys, each once.",
    )


def _inside(facts: Facts, footer: Footer) -> Finding:
    outside, asked = facts.outside, HourRange.of_labels(footer.first, footer.last)
    return Finding(
        name="hours-inside-window",
        why="Hours that nobody asked for would be incomplete.",
        required=True,
        passed=not outside,
        detail=f"{outside:,} rows lie outside {asked}." if outside else f"All within {asked}.",
    )


def _grid(facts: Facts, lives: Sequence[Life] | None) -> Finding:
    expected = None if lives is None else {(life.respondent, life.series): life.hours for life in lives}
    seen: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for respondent, series, first_ms, last_ms, hours, odd in facts.spans:
        seen.add((respondent, series))
        if odd:
            wrong.append(f"{respondent} {series} ({hours:,} periods, some of them no full hours)")
            continue
        span = HourRange(period_of(first_ms), period_of(last_ms) + HOUR)
        due = span if expected is None else expected.get((respondent, series))
        if span != due or len(span) != hours:
            wrong.append(f"{respondent} {series} ({hours:,} hours from {span})")
    wrong += [
        f"{respondent} {series} (no hours)" for respondent, series in sorted((expected or {}).keys() - seen)
    ]
    return Finding(
        name="grid-complete",
        why="An hour without a row would shift every model that counts rows as time.",
        required=True,
        passed=not wrong,
        detail=f"Not one row for every hour: {listed(wrong)}."
        if wrong
        else f"{len(seen):,} series, every hour once.",
    )


def _statuses(facts: Facts) -> Finding:
    wrong = facts.misfits
    return Finding(
        name="statuses-consistent",
        why="A value is there exactly when it was reported; missing, null and zero are three things.",
        required=True,
        passed=not wrong,
        detail=f"{wrong:,} rows have a status that does not fit their value."
        if wrong
        else "Every status fits.",
    )


def _finite(facts: Facts) -> Finding:
    wrong = facts.infinite
    return Finding(
        name="values-finite",
        why="One NaN or infinity makes every mean over it useless.",
        required=True,
        passed=not wrong,
        detail=f"{wrong:,} values are NaN or infinite."
        if wrong
        else "Every value is a finite number of MWh.",
    )


def _contents(facts: Facts, footer: Footer) -> Finding:
    told = (footer.rows, footer.respondents, footer.series)
    found = (facts.rows, facts.respondents, facts.series)
    return Finding(
        name="footer-agrees",
        why="Tools read the footer instead of the rows.",
        required=True,
        passed=told == found,
        detail=f"{_contents_in_words(found)}."
        if told == found
        else f"The footer says {_contents_in_words(told)}; the rows are {_contents_in_words(found)}.",
    )


def _contents_in_words(contents: tuple[int, tuple[str, ...], tuple[str, ...]]) -> str:
    rows, respondents, series = contents
    return f"{rows:,} rows of respondents {', '.join(respondents)} and series {', '.join(series)}"


def _digest(found: str, footer: Footer) -> Finding:
    same = found == footer.rows_digest
    return Finding(
        name="rows-unchanged",
        why="The rows are those that were written, to the last digit.",
        required=True,
        passed=same,
        detail=f"{found}."
        if same
        else f"The rows have digest {found}, the footer says {footer.rows_digest}.",
    )


def _covered(facts: Facts, footer: Footer) -> Finding:
    asked = HourRange.of_labels(footer.first, footer.last)
    spans: dict[str, HourRange] = {}
    for _, series, first_ms, last_ms, _, odd in facts.spans:
        if not odd:
            span, route = HourRange(period_of(first_ms), period_of(last_ms) + HOUR), route_of(series).id
            known = spans.get(route, span)
            spans[route] = HourRange(min(known.start, span.start), max(known.stop, span.stop))
    short = {route: span for route, span in sorted(spans.items()) if span != asked}
    same = len(short) == len(spans) and len(set(short.values())) == 1
    has = (
        [str(next(iter(short.values())))] if same else [f"{span} of {route}" for route, span in short.items()]
    )
    return Finding(
        name="hours-covered",
        why="Hours before a source begins and after it ends have no rows, and do not count as missing.",
        required=False,
        passed=not short,
        detail=f"Asked for {asked}; there are rows from {' and from '.join(has)} only."
        if short
        else f"There are rows from {asked}, as asked.",
    )


def _missing(facts: Facts) -> Finding:
    total = facts.missing.total()
    most = sorted(facts.missing.items(), key=lambda item: (-item[1], item[0]))
    return Finding(
        name="hours-missing",
        why="Hours that the source never sent hold no value; what uses the table must mask or fill them.",
        required=False,
        passed=not total,
        detail=f"{total:,} of {facts.rows:,} rows are hours that the source did not send: "
        f"{listed((f'{code} {hours:,}' for code, hours in most), most=8)}."
        if total
        else "The source sent a row for every hour.",
    )


def missing_by_respondent(table: HourlyTable) -> dict[str, int]:
    """Returns the hours without a row at the source, over all series, of each respondent of a table.

    Args:
        table: The table; its file is read.

    Returns:
        Hours by respondent, sorted; a respondent without a gap has 0.
    """
    found = missing_in(table.scan())
    return {respondent: found.get(respondent, 0) for respondent in table.respondents}
