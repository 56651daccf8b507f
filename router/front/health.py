"""Health, readiness and metrics, all from snapshots: they answer while actors are down, and never ask a provider
anything."""

from __future__ import annotations

from aiohttp import web
from msgspec import Struct

from actors.messages import HealthReport, ProviderReport
from router.front.context import Context
from router.front.said import said
from router.telemetry.meter import CONTENT_TYPE

_SERVING = frozenset({"healthy", "degraded"})


class Brief(Struct, frozen=True, kw_only=True):
    """One provider in brief; `circuit_state` is the worst of its models'."""

    healthy: bool
    circuit_state: str
    health_score: float


class Totals(Struct, frozen=True, kw_only=True):
    """Of all requests; the time is in milliseconds."""

    total_requests: int
    success_rate: float | None
    avg_response_time: int


class Summary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the whole is: healthy, degraded (it serves, and `reasons` say what is wrong), unhealthy (no provider can be
    asked), draining."""

    status: str
    providers: dict[str, Brief]
    metrics: Totals
    reasons: tuple[str, ...] = ()


class Reports(Struct, frozen=True, kw_only=True):
    """Each provider at length."""

    providers: dict[str, ProviderReport]


class TotalsAlone(Struct, frozen=True, kw_only=True):
    """The totals alone."""

    metrics: Totals


class Pulse(Struct, frozen=True, kw_only=True):
    """One word: alive; ready or draining."""

    status: str


async def summary(_request: web.Request, context: Context) -> web.Response:
    """`GET /health`: 200 while at least one provider can be asked, 503 otherwise."""
    report = context.desk.health()
    providers = {name: _brief(provider) for name, provider in report.providers.items()}
    brief = Summary(status=report.status, providers=providers, metrics=_numbers(report), reasons=report.reasons)
    return _json(brief, report)


async def detailed(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/detailed`: everything that is known."""
    report = context.desk.health()
    return _json(report, report)


async def providers(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/providers`: each provider at length."""
    report = context.desk.health()
    return _json(Reports(providers=report.providers), report)


async def numbers(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/metrics`: the totals alone."""
    report = context.desk.health()
    return _json(TotalsAlone(metrics=_numbers(report)), report)


async def live(_request: web.Request, _context: Context) -> web.Response:
    """`GET /livez`: the event loop turns. Says nothing about providers: restarting the process would not mend those."""
    return web.json_response({"status": "alive"})


async def ready(_request: web.Request, context: Context) -> web.Response:
    """`GET /readyz`: whether to send work here; 503 from the first moment of a shutdown."""
    is_ready = context.desk.ready
    return web.json_response({"status": "ready" if is_ready else "draining"}, status=200 if is_ready else 503)


async def prometheus(_request: web.Request, context: Context) -> web.Response:
    """`GET /metrics`, in Prometheus' text form."""
    return web.Response(body=context.desk.metrics(), headers={"content-type": CONTENT_TYPE})


def _brief(provider: ProviderReport) -> Brief:
    return Brief(healthy=provider.healthy, circuit_state=provider.circuit_state, health_score=provider.health_score)


def _numbers(report: HealthReport) -> Totals:
    return Totals(
        total_requests=report.total_requests,
        success_rate=report.success_rate,
        avg_response_time=round(report.avg_response_time_ms),
    )


def _json(body: Struct, report: HealthReport) -> web.Response:
    status = 200 if report.status in _SERVING else 503
    return said(body, status)
