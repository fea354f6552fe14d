"""The extract step: one route of one source, from the DAG's point of view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator

from gridloom.dag import CacheableStep, StepConfig, StepContext, operational
from gridloom.errors import ConfigError
from gridloom.extract.checks import check_hours
from gridloom.extract.circuit import GIVE_UP_AFTER_S
from gridloom.extract.index import set_name, window_set
from gridloom.extract.limits import limiter_seconds
from gridloom.extract.metadata import Metadata
from gridloom.extract.plan import STANDARD_BATCH_DAYS, BatchDays, plan_windows
from gridloom.extract.source import DEFAULT_BASE_URL, RateLimit, Source
from gridloom.extract.store import RawStore, utc_now
from gridloom.extract.survey import Survey, due_reason, survey
from gridloom.files import write_atomic
from gridloom.grid.artifacts import RawPages
from gridloom.grid.hours import HourRange
from gridloom.grid.raw import Receipt, Window, source_folder
from gridloom.grid.routes import MAX_ROWS_PER_REQUEST
from gridloom.grid.series import RouteRequest, parse_series, route_requests

if TYPE_CHECKING:
    # what goes over the network is loaded by a step that does, not by one that finds everything there
    from contextlib import AbstractAsyncContextManager

    import httpx2

    from gridloom.extract.client import EIAClient
    from gridloom.extract.ears import Count

__all__ = ["EIAExtractConfig", "EIAExtractStep"]


class EIAExtractConfig(StepConfig):
    """What to fetch from one route, and how.

    Raises:
        ConfigError: If a setting is out of its range, or two contradict each other.
    """

    series: tuple[str, ...] = Field(
        description="Series of one route: D, DF, NG, TI; or NG.<fuel>, ID.<neighbour>, D.<sub-area>, or all."
    )
    respondents: tuple[str, ...] = Field(description="Respondent codes, such as PACW.")
    first: str = Field(description="First period, YYYY-MM-DDTHH in UTC (the hour's end).")
    last: str = Field(description="Last period, YYYY-MM-DDTHH, inclusive.")
    batch_days: BatchDays = Field(
        STANDARD_BATCH_DAYS, description="Days per request window, or 'auto' for windows of full pages."
    )
    page_rows: int = Field(
        MAX_ROWS_PER_REQUEST,
        description=f"Rows per request, 1 to {MAX_ROWS_PER_REQUEST:,} (the API's limit).",
    )
    source: str = Field(
        "",
        description="Identity under which answers are kept: eia, custom:<name>, sample; empty for the URL's.",
    )
    base_url: str = operational(
        DEFAULT_BASE_URL, description="API to ask, version included; its host is the source."
    )
    sample: bool = operational(
        default=False, description="Ask the embedded sample through real HTTP; the key is not used."
    )
    api_key: SecretStr | None = operational(
        None, repr=False, description="API key; by default that of the environment variable EIA_API_KEY."
    )
    concurrency: int = operational(5, ge=1, le=100, description="Requests in flight at most.")
    rate_limit: RateLimit = operational(
        None,
        description="Requests per second at most, over all steps; 'off' for loopback URLs only."
        "  [default: 5; off for the sample]",
    )
    timeout_s: float = operational(
        60.0, gt=0, le=3600, description="Seconds of silence after which a request is given up."
    )
    refresh_days: int = operational(
        45,
        ge=0,
        description="Ask again for windows that were fetched less than this many days after their last hour.",
    )
    give_up_after_s: float = operational(
        GIVE_UP_AFTER_S,
        ge=0,
        description="Seconds without any good answer after which to give up; what has landed is kept.",
    )
    ask_again: bool = operational(
        default=False, description="Ask for everything again, and report what the source has revised."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_source(cls, values: Any) -> Any:
        """Fills in `source`, `base_url` and `sample`, of which each may decide the others."""
        if not isinstance(values, Mapping):
            return values
        given = str(values.get("source") or "")
        if values.get("sample") or given.startswith("sample"):
            found = Source.sample()
            fits = given in {"", "sample", found.identity}
        else:
            found = Source.of_url(values.get("base_url"))
            fits = given in {"", found.identity} or (given.startswith("custom:") and found.identity != "eia")
        if not fits:
            raise ConfigError(
                f"The source '{given}' is not the one that is asked, which is '{found.identity}'. "
                "Leave `source` out, or set `base_url` or `sample` to match it."
            )
        identity = given if given.startswith("custom:") else found.identity
        return {**values, "source": identity, "base_url": found.base_url, "sample": found.is_sample}

    @field_validator("series", mode="before")
    @classmethod
    def _canonical_series(cls, value: Any) -> tuple[str, ...]:
        return parse_series(value)

    @field_validator("respondents")
    @classmethod
    def _sorted_codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        requests = route_requests(self.series)
        if len(requests) > 1:
            routes = " and ".join(request.route.id for request in requests)
            raise ConfigError(
                f"The series {', '.join(self.series)} stand on the routes {routes}, "
                "and an extract step reads one. Use two steps."
            )
        self.origin.check_rate_limit(self.rate_limit)
        self.windows()
        return self

    @property
    def origin(self) -> Source:
        """The source."""
        return Source(self.source, self.base_url)

    @property
    def request(self) -> RouteRequest:
        """Route and types."""
        return route_requests(self.series)[0]

    @property
    def hours(self) -> HourRange:
        """The periods asked for."""
        return HourRange.of_labels(self.first, self.last)

    def windows(self) -> tuple[Window, ...]:
        """Returns the request windows."""
        return plan_windows(
            self.hours, self.request, self.respondents, batch_days=self.batch_days, page_rows=self.page_rows
        )


class EIAExtractStep(CacheableStep[EIAExtractConfig]):
    """Fetches one route's hours and lands them as raw pages; what stands already is not asked for again.

    Args:
        config: What to fetch, and how.
        transport: What carries the requests; by default the network.
        now: The clock that times of fetch come from.
    """

    version = "1"
    in_parent: ClassVar[bool] = True  # all extract steps of a run share their source's limiter
    # How answers come decides nothing of what they are: every window is proven, whoever carried it.
    code_apart: ClassVar[tuple[str, ...]] = (
        "gridloom.extract.circuit",
        "gridloom.extract.client",
        "gridloom.extract.connect",
        "gridloom.extract.ears",
        "gridloom.extract.failures",
        "gridloom.extract.fetch",
        "gridloom.extract.keys",
        "gridloom.extract.ledger",
        "gridloom.extract.limiter",
        "gridloom.extract.pull",
        "gridloom.extract.replay",
        "gridloom.extract.secret",
        "gridloom.sample",
    )

    def __init__(
        self,
        config: EIAExtractConfig,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(config)
        self._transport = transport
        self._now = now

    @property
    def step_id(self) -> str:
        """Name of the step in its DAG; by default ``extract-`` and the route."""
        return self.config.step_id or f"extract-{self.config.request.route.id}"

    def output_folder(self) -> str:
        """Returns the source's folder."""
        return f"raw/{source_folder(self.config.source)}"

    def plan_detail(self, out: Path) -> dict[str, Any]:
        """Returns windows in all and landed, requests still to make, and the seconds of the limiter."""
        windows = self.config.windows()
        store = self._store(out / self.output_folder())
        found = self._survey(store, windows, force=self.config.ask_again)
        ask, per_s = found.ask, self.config.origin.per_s(self.config.rate_limit)
        return {
            "windows": len(windows),
            "windows_landed": len(found.standing),
            "requests": {"least": ask.least, "most": ask.most, "metadata": ask.metadata},
            "limiter_s": round(limiter_seconds(ask.most, per_s), 2),
        }

    def should_use_cache(self, cached: Mapping[str, Any]) -> Literal[True] | str:
        """Returns True, or that the source may have revised or added hours since."""
        windows = self.config.windows()
        for pages in cached.values():
            if isinstance(pages, RawPages) and self.config.ask_again:
                return "everything is to be asked for again"
            if isinstance(pages, RawPages):
                return due_reason(self._survey(self._store(pages.folder), windows), windows) or True
        return True

    async def _execute(self, ctx: StepContext) -> RawPages:
        import asyncio  # noqa: PLC0415 - see above

        from gridloom.extract.fetch import Fetcher  # noqa: PLC0415
        from gridloom.extract.pull import Pull  # noqa: PLC0415

        config, windows = self.config, self.config.windows()
        # In the step's staging folder, so that the next run clears up after one that was killed.
        store = self._store(ctx.out / self.output_folder(), staging=ctx.staging)
        found = await asyncio.to_thread(self._survey, store, windows, force=ctx.force or config.ask_again)
        metadata, pull = found.metadata, Pull(windows, dict(found.standing), ctx)
        if metadata is None or found.left:
            async with self._client(ctx, pull.count) as client:
                fetcher = Fetcher(client=client, store=store, width=2 * config.concurrency)
                metadata = metadata or await fetcher.metadata(config.request.route)
                check_hours(metadata, config.hours)
                await pull.fetch(fetcher, found.left)
                if client.slowdowns:
                    ctx.metric("slowdowns", client.slowdowns, "times")
        check_hours(metadata, config.hours)
        await asyncio.to_thread(pull.report, store, config.respondents)
        return self._index(ctx, metadata, [(window, pull.receipts[window]) for window in windows])

    def _client(self, ctx: StepContext, count: Count) -> AbstractAsyncContextManager[EIAClient]:
        from gridloom.extract.connect import connected  # noqa: PLC0415 - see above

        config = self.config
        return connected(
            config.origin,
            api_key=config.api_key,
            rate_limit=config.rate_limit,
            concurrency=config.concurrency,
            timeout_s=config.timeout_s,
            transport=self._transport,
            count=count,
            give_up_after_s=config.give_up_after_s,
            tell=lambda text: ctx.log(text, "warning"),
            pace=lambda per_s: ctx.metric("rate_limit", per_s, "requests/s"),
            hear=ctx.request,
        )

    def _index(self, ctx: StepContext, metadata: Metadata, landed: list[tuple[Window, Receipt]]) -> RawPages:
        config = self.config
        index = window_set(
            config.source, config.request, config.hours, config.respondents, metadata=metadata, landed=landed
        )
        path = ctx.path(f"sets/{set_name(config.source, config.windows())}.json")
        write_atomic(path, msgspec.json.encode(index))
        rows = sum(receipt.rows for _, receipt in landed)
        return RawPages.of(path, rows=rows, windows=len(landed), route=config.request.route.id)

    def _store(self, folder: Path, *, staging: Path | None = None) -> RawStore:
        return RawStore(folder, self.config.source, staging=staging, now=self._now)

    def _survey(self, store: RawStore, windows: tuple[Window, ...], *, force: bool = False) -> Survey:
        return survey(
            store,
            self.config.request.route,
            self.config.hours,
            windows,
            refresh_days=self.config.refresh_days,
            force=force,
        )
