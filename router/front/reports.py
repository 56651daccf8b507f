"""What operators read of providers: how they are, what was counted, logged and paid, and who did what.

Logs are of this process and the last ones; costs and acts are the ledger's, over all runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from actors.messages import (
    ActQuery,
    AuditPage,
    AuditPlace,
    AuditRow,
    CostView,
    LogPage,
    ProviderReport,
    ProviderTotal,
    ReadAudit,
    ReadCosts,
    ReadLog,
    ReadTotals,
    ResetMetrics,
    TargetReport,
    TotalsPage,
)
from router.canon.outcome import End
from router.errors import Reason, Refused
from router.front.context import Context
from router.front.guard import who
from router.front.said import NoQuery, queried, said
from router.telemetry.numbers import ProviderNumbers
from router.telemetry.rows import LogRow, RowFilter, RowKind

Limit = Annotated[int, Meta(ge=1, le=1000)]
Since = Annotated[datetime, Meta(tz=True, description="A time with its zone, or epoch seconds.")]
Cursor = Annotated[str, Meta(description="`next` of the page before this one.")]


class LogsQuery(Struct, frozen=True, kw_only=True):
    """Which rows of the request log."""

    provider: str | None = None
    model: str | None = None
    kind: RowKind | None = None
    end: End | None = None
    reason: Reason | None = None
    credential: str | None = None
    key: str | None = None
    since: Since | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class CostsQuery(Struct, frozen=True, kw_only=True):
    """Of which time."""

    since: Since | None = None


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which acts. `actor` is as acts name it: `key NAME` or `http ADDRESS`."""

    actor: str | None = None
    act: str | None = None
    outcome: str | None = None
    since: Since | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class ProviderStatus(Struct, frozen=True, kw_only=True):
    """How one provider is now: its circuit (the worst of its models'), its keys by name, and the targets that were
    asked."""

    healthy: bool
    circuit_state: str
    models: tuple[str, ...]
    keys: dict[str, str]
    in_flight: int
    last_error: str | None
    targets: dict[str, TargetReport]


class Statuses(Struct, frozen=True, kw_only=True):
    """Every provider's state. `status` is the whole's: healthy, degraded, unhealthy or draining; `reasons` what speaks
    against healthy."""

    status: str
    reasons: tuple[str, ...]
    providers: dict[str, ProviderStatus]


class ProviderScore(Struct, frozen=True, kw_only=True):
    """How one provider did lately: its score from 0 to 1, and what it is made of."""

    healthy: bool
    circuit_state: str
    health_score: float
    success_rate: float | None
    requests: int
    last_error: str | None


class Scores(Struct, frozen=True, kw_only=True):
    """Every provider's score."""

    providers: dict[str, ProviderScore]


class Numbers(Struct, frozen=True, kw_only=True):
    """Every provider's counts."""

    providers: dict[str, ProviderNumbers]


class Reset(Struct, frozen=True, kw_only=True):
    """Counts and histograms are 0 now; gauges, scores, logs and the account are what they were."""

    reset: bool = True


class KeysRetried(Struct, frozen=True, kw_only=True):
    """The names of the provider's keys that were out, and that the next requests may go by."""

    provider: str
    keys: tuple[str, ...]


class Logs(Struct, frozen=True, kw_only=True):
    """Rows, newest first. `next` is the cursor of older ones; None where there are none."""

    rows: tuple[LogRow, ...]
    next: str | None


class Cost(Struct, frozen=True, kw_only=True):
    """What entries add up to. `cost_usd` is the sum of the known costs, null where none is known; `unpriced` and
    `uncounted` entries are not in it. `priced_usd` is the sum by price alone, `reported_usd` that of what providers say
    they charged, each null where no entry has one. `cached` answers were given again for nothing, and are none of
    `entries`."""

    provider: str
    entries: int
    cost_usd: Decimal | None
    priced_usd: Decimal | None
    reported_usd: Decimal | None
    unpriced: int
    uncounted: int
    cached: int
    input_tokens: int
    output_tokens: int


class Costs(Struct, frozen=True, kw_only=True):
    """What everything cost. `complete` is false where the store cannot be read: then some is missing."""

    overall: Cost
    providers: dict[str, Cost]
    complete: bool


class Acts(Struct, frozen=True, kw_only=True):
    """Acts, newest first. `next` is the cursor of older ones; None where there are none."""

    rows: tuple[AuditRow, ...]
    complete: bool
    next: str | None


_PLACE = re.compile(r"(?P<number>[0-9]{1,15})\.(?P<chain>[!-~]{1,200}?)\.(?P<at>[0-9]{1,12}\.[0-9]{1,9})")
"""A cursor of acts."""


async def status(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/status`."""
    queried(request, NoQuery)
    report = context.desk.health()
    states = {name: _status(each) for name, each in report.providers.items()}
    return said(Statuses(status=report.status, reasons=report.reasons, providers=states))


async def scores(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/health`."""
    queried(request, NoQuery)
    providers = context.desk.health().providers
    return said(Scores(providers={name: _score(report) for name, report in providers.items()}))


async def numbers(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/metrics`."""
    queried(request, NoQuery)
    return said(Numbers(providers=context.desk.numbers()))


async def numbers_of_one(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/metrics/{name}`."""
    queried(request, NoQuery)
    found = context.desk.numbers().get(request.match_info["name"])
    if found is None:
        raise _no_such_provider()
    return said(found)


async def reset(request: web.Request, context: Context) -> web.Response:
    """`POST /providers/metrics/reset`: an act, and kept as one."""
    queried(request, NoQuery)
    await context.desk.inquire(ResetMetrics())
    context.desk.admin_acted(who(request), "metrics.reset", "all providers", "taken")
    return said(Reset())


async def retry_keys(request: web.Request, context: Context) -> web.Response:
    """`POST /providers/{name}/retry-keys`: an act. Raises `HTTPNotFound`."""
    queried(request, NoQuery)
    name = request.match_info["name"]
    answer = await context.desk.reopen_keys(name, who(request))
    if answer is None:
        raise web.HTTPNotFound(reason="there is no provider of that name that could be asked")
    return said(KeysRetried(provider=name, keys=answer.keys))


async def logs(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/logs[/{name}]`."""
    query = queried(request, LogsQuery)
    name = request.match_info.get("name")
    if name is not None and query.provider not in (None, name):
        raise Refused("the path names another provider than the parameter", param="provider")
    wanted = RowFilter(
        limit=query.limit,
        before=None if query.cursor is None else place_in(query.cursor),
        kind=query.kind,
        provider=name or query.provider,
        model=query.model,
        end=query.end,
        reason=query.reason,
        credential=query.credential,
        key=query.key,
        since_at=None if query.since is None else query.since.timestamp(),
    )
    page = await context.desk.inquire(ReadLog(wanted=wanted))
    assert isinstance(page, LogPage)
    if name is not None and not page.rows and name not in context.desk.health().providers:
        raise _no_such_provider()
    full = len(page.rows) == query.limit
    return said(Logs(rows=page.rows, next=str(page.rows[-1].seq) if full else None))


async def costs(request: web.Request, context: Context) -> web.Response:
    """`GET /providers/costs`: of all time, or of what ended since then."""
    query = queried(request, CostsQuery)
    if query.since is None:
        view = await context.desk.inquire(ReadCosts())
        assert isinstance(view, CostView)
        return said(_costs(view.overall, view.providers.values(), complete=view.complete))
    page = await context.desk.inquire(ReadTotals(since_at=query.since.timestamp()))
    assert isinstance(page, TotalsPage)
    overall = ProviderTotal(provider="")
    for total in page.totals:
        overall = overall.plus(total)
    return said(_costs(overall, page.totals, complete=page.complete))


def _costs(overall: ProviderTotal, totals: Iterable[ProviderTotal], *, complete: bool) -> Costs:
    return Costs(overall=_cost(overall), providers={one.provider: _cost(one) for one in totals}, complete=complete)


def _cost(total: ProviderTotal) -> Cost:
    return Cost(**{**asdict(total), "cost_usd": total.known_usd})


async def audit(request: web.Request, context: Context) -> web.Response:
    """`GET /audit`: every act of administration, and every decision over access, most of them in sums."""
    query = queried(request, AuditQuery)
    wanted = ActQuery(
        limit=query.limit,
        before=None if query.cursor is None else _read_place(query.cursor),
        actor=query.actor,
        act=query.act,
        outcome=query.outcome,
        since_at=None if query.since is None else query.since.timestamp(),
    )
    page = await context.desk.inquire(ReadAudit(query=wanted))
    assert isinstance(page, AuditPage)
    full = len(page.rows) == query.limit and page.complete
    return said(Acts(rows=page.rows, complete=page.complete, next=_place_text(page.rows[-1]) if full else None))


def _status(report: ProviderReport) -> ProviderStatus:
    return ProviderStatus(
        healthy=report.healthy,
        circuit_state=report.circuit_state,
        models=report.models,
        keys=report.keys,
        in_flight=sum(target.in_flight for target in report.targets.values()),
        last_error=report.last_error,
        targets=report.targets,
    )


def _score(report: ProviderReport) -> ProviderScore:
    return ProviderScore(**{name: getattr(report, name) for name in ProviderScore.__struct_fields__})


def place_in(cursor: str) -> int:
    """Where in a table a page goes on. Raises `Refused` for what no store could have given."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise _no_cursor()
    return int(cursor)


def _place_text(row: AuditRow) -> str:
    return f"{row.number}.{row.chain}.{row.at!r}"


def _read_place(cursor: str) -> AuditPlace:
    """A place as `_place_text` writes it, and nothing that a store could choke on."""
    found = _PLACE.fullmatch(cursor)
    if found is None:
        raise _no_cursor()
    return AuditPlace(number=int(found["number"]), chain=found["chain"], at=float(found["at"]))


def _no_cursor() -> Refused:
    return Refused("this is no cursor; give `next` of a page as it came", param="cursor")


def _no_such_provider() -> web.HTTPNotFound:
    return web.HTTPNotFound(reason="no provider has that name; GET /providers/status lists them")
