"""The transform as a step of a DAG: landed pages in, one checked hourly table out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from gridloom.dag import CacheableStep, StepConfig, StepContext
from gridloom.errors import CheckFailedError, ConfigError, FileFormatError, NoDataError, StorageError
from gridloom.files import plain_name
from gridloom.finding import Finding
from gridloom.grid.artifacts import HourlyTable, RawPages, WindowSet
from gridloom.grid.hours import HourRange
from gridloom.grid.routes import ROUTES
from gridloom.grid.series import parse_series
from gridloom.transform import accounting
from gridloom.transform.complete import source_hours
from gridloom.transform.findings import check_written
from gridloom.transform.footer import Footer
from gridloom.transform.parse import ParsedRows, parse_pages
from gridloom.transform.received import Received
from gridloom.transform.shelf import Shelf, shelve
from gridloom.transform.tabulate import tabulate
from gridloom.transform.write import write_table

__all__ = ["TransformConfig", "TransformStep"]

_ENDING: Final = ".parquet"
_HELD_ROWS: Final = 1_000_000


class TransformConfig(StepConfig):
    """What the hourly table is to hold. It must be what the raw pages were fetched for."""

    name: str = Field(description="File name of the table in the folder 'hourly', without its ending.")
    first: str = Field(description="First period, YYYY-MM-DDTHH in UTC (the hour's end).")
    last: str = Field(description="Last period, YYYY-MM-DDTHH, inclusive.")
    respondents: tuple[str, ...] = Field(min_length=1, description="Respondent codes asked for.")
    series: tuple[str, ...] = Field(
        description="Series asked for, in MWh: D, DF, NG, TI, NG.<fuel>, ID.<neighbour>, D.<sub-area>, or "
        "NG.all, ID.all, D.all for every one."
    )

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        return plain_name(value).removesuffix(_ENDING)

    @field_validator("respondents")
    @classmethod
    def _sorted_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @field_validator("series", mode="before")
    @classmethod
    def _canonical_series(cls, value: str | Iterable[str]) -> tuple[str, ...]:
        return parse_series(value)

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        _ = self.hours
        return self

    @property
    def hours(self) -> HourRange:
        """The periods asked for."""
        return HourRange.of_labels(self.first, self.last)


class TransformStep(CacheableStep[TransformConfig]):
    """Makes the one hourly table of a set of landed pages, and publishes it only if it is right.

    Every check is reported as a finding of the run; the table is published only if all required
    ones passed.
    """

    version = "2"
    default_id: ClassVar[str] = "transform"

    def output_folder(self) -> str:
        """Returns the folder of hourly tables below the output root."""
        return "hourly"

    def plan_detail(self, out: Path) -> dict[str, Any]:
        """Returns what a run will replace under ``replaces``, where a table of that name asked for else."""
        path = out / self.output_folder() / f"{self.config.name}{_ENDING}"
        if not path.exists():
            return {}
        try:
            changes = _changes(Footer.read(path), self.config)
        except (FileFormatError, StorageError):
            return {"replaces": f"replaces {path.name}, which is not an hourly table"}
        return {"replaces": f"replaces {self.config.name}: {', '.join(changes)}"} if changes else {}

    def validate_input(self, inputs: Mapping[str, Any]) -> None:
        """Checks that the pages answer what this step is set to.

        Raises:
            ConfigError: If hours, respondents, series or sources differ.
        """
        indexes = [pages.index() for pages in inputs["raw"]]
        sources = sorted({index.source for index in indexes})
        if len(sources) > 1:
            raise ConfigError(
                f"One table cannot mix the sources {' and '.join(sources)}. Fetch all from one of them."
            )
        asked = {
            "hours": {str(self.config.hours)},
            "respondents": set(self.config.respondents),
            "series": set(self.config.series),
        }
        fetched = {
            "hours": {str(HourRange.of_labels(index.first, index.last)) for index in indexes},
            "respondents": {code for index in indexes for code in index.respondents},
            "series": {series for index in indexes for series in _series_of(index)},
        }
        for what, want in asked.items():
            if want != fetched[what]:
                raise ConfigError(
                    f"The table is to hold the {what} {', '.join(sorted(want))}, but the raw pages were "
                    f"fetched for {', '.join(sorted(fetched[what]))}. Give both steps the same {what}."
                )

    def _execute(self, raw: list[RawPages], ctx: StepContext) -> HourlyTable:
        asked = self.config.hours
        if told := self.plan_detail(ctx.out).get("replaces"):
            ctx.log(f"{told}.", "warning")
        indexes = [pages.index() for pages in raw]
        pairs = [
            (code, series) for index in indexes for code in index.respondents for series in _series_of(index)
        ]
        # What is large goes through files, so that memory does not grow with the years.
        large = sum(pages.rows for pages in raw) > _HELD_ROWS
        work = ctx.staging / "work" if large else None
        shelves, received = _shelved(raw, ctx, asked, kept=large)
        if not received.pairs:
            raise NoDataError(
                f"The source has no rows for {', '.join(self.config.series)} of "
                f"{', '.join(self.config.respondents)} in {asked}. Ask for other hours, or see "
                "`gridloom regions` for what each respondent reports."
            )
        _report([accounting.rows_as_asked(received, pairs, asked)], self.config.name, ctx)
        made = tabulate(_by_respondent(shelves, ctx), asked, _source_has(indexes, asked), folder=work)
        ctx.raise_if_cancelled()
        table = write_table(
            ctx.path(f"{self.config.name}{_ENDING}"),
            made.parts,
            made.facts,
            source=indexes[0].source,
            first=self.config.first,
            last=self.config.last,
            asked_respondents=self.config.respondents,
            asked_series=self.config.series,
            rows_digest=made.rows_digest,
        )
        findings = [
            accounting.windows_complete(received),
            accounting.rows_accounted(received.rows, made.facts, made.drops),
            # The file itself is read back and compared with what was meant to be written.
            *check_written(table, made.parts, made.facts, lives=made.lives),
            accounting.series_present(pairs, made.facts),
            accounting.duplicates(made.drops),
            accounting.conflicts(made.drops),
            accounting.text_values(received.texts),
        ]
        if work:
            shutil.rmtree(work, ignore_errors=True)
        _report(findings, self.config.name, ctx)
        return table


def _shelved(
    raw: list[RawPages], ctx: StepContext, asked: HourRange, *, kept: bool
) -> tuple[list[Shelf], Received]:
    """Returns the parsed rows of each set of pages, and the facts about all of them.

    Args:
        raw: The landed pages.
        ctx: Hears how far the work is; its checkpoints keep the rows of a route where `kept`.
        asked: The hours asked for.
        kept: Whether rows go to files, where a crash does not cost them.
    """
    shelves, facts = [], []
    progress = _Progress(ctx, sum(pages.rows for pages in raw))
    for place, pages in enumerate(raw):
        if not kept:
            shelves.append(Shelf(None))
            facts.append(shelve(progress.parsed(pages), shelves[-1], asked))
            continue

        def make(folder: Path, pages: RawPages = pages) -> dict[str, Any]:
            folder.mkdir()
            shelf = Shelf(folder)
            received = shelve(progress.parsed(pages), shelf, asked)
            return {"places": shelf.places, "received": received.to_json()}

        part = ctx.checkpoint(f"rows-{place}-{pages.route}", make)
        if part.found:
            progress.add(pages.rows)
        shelves.append(Shelf.standing(part.path, part.value["places"]))
        facts.append(Received.from_json(part.value["received"]))
    return shelves, Received.joined(facts)


class _Progress:
    """How far the parsing is, over all sets of pages."""

    def __init__(self, ctx: StepContext, total: int) -> None:
        self._ctx, self._total, self._done = ctx, total, 0

    def add(self, rows: int) -> None:
        """Tells the run, and stops when it is cancelled."""
        self._ctx.raise_if_cancelled()
        self._done += rows
        self._ctx.progress(self._done, self._total)

    def parsed(self, pages: RawPages) -> Iterator[ParsedRows]:
        """Yields the rows of a set's windows."""
        for part in parse_pages(pages):
            self.add(part.rows.height)
            yield part


def _by_respondent(shelves: Sequence[Shelf], ctx: StepContext) -> Iterator[pl.DataFrame]:
    for code in sorted({code for shelf in shelves for code in shelf.respondents()}):
        ctx.raise_if_cancelled()
        yield pl.concat([shelf.rows(code) for shelf in shelves])


def _series_of(index: WindowSet) -> tuple[str, ...]:
    prefix = ROUTES[index.route].prefix
    return tuple(f"{prefix}{code}" for code in index.types or ("all",))


def _source_has(indexes: Iterable[WindowSet], asked: HourRange) -> dict[str, HourRange | None]:
    """Returns the hours asked for that the source has, by route; where sets differ, the widest."""
    hours: dict[str, HourRange | None] = {}
    for index in indexes:
        mine, other = source_hours(asked, index.source_first, index.source_last), hours.get(index.route)
        if mine and other:
            mine = HourRange(min(mine.start, other.start), max(mine.stop, other.stop))
        hours[index.route] = mine or other
    return hours


def _changes(old: Footer, new: TransformConfig) -> list[str]:
    """Returns in words how the request of an existing table differs from a new one."""
    changes = []
    if (old.first, old.last) != (new.first, new.last):
        changes.append(f"{old.first} to {old.last} → {new.first} to {new.last}")
    for what, before, after in (
        ("respondents", old.asked_respondents, new.respondents),
        ("series", old.asked_series, new.series),
    ):
        if before == after:
            continue
        if len(before) == len(after):
            changes.append(f"{what} {', '.join(before)} → {', '.join(after)}")
        else:
            changes.append(f"{len(before)} → {len(after)} {what}")
    return changes


def _report(findings: Iterable[Finding], name: str, ctx: StepContext) -> None:
    """Hands every finding to the run.

    Raises:
        CheckFailedError: If a required one failed.
    """
    known = list(findings)
    for finding in known:
        ctx.finding(finding)
    failed = [f"{finding.name} ({finding.detail.removesuffix('.')})" for finding in known if finding.blocks]
    if failed:
        raise CheckFailedError(
            f"hourly/{name}{_ENDING} was not published, because these required checks failed: "
            f"{'; '.join(failed)}. An earlier table of that name stands unchanged; the run's results.json "
            "lists every check."
        )
