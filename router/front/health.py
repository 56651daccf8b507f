"""Health, readiness and metrics, all from snapshots: they answer while actors are down, and never ask a provider
anything."""

from __future__ import annotations

import msgspec
from aiohttp import web

from actors.messages import HealthReport, ProviderReport
from router.front.context import Context
from router.telemetry.meter import CONTENT_TYPE

_SERVING = frozenset({"healthy", "degraded"})


async def summary(_request: web.Request, context: Context) -> web.Response:
    """`GET /health`: 200 while at least one provider can be asked, 503 otherwise."""
    report = context.desk.health()
    body = {
        "status": report.status,
        "providers": {name: _brief(provider) for name, provider in report.providers.items()},
        "metrics": _numbers(report),
    }
    return _json(body, report)


async def detailed(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/detailed`: everything that is known."""
    report = context.desk.health()
    return _json(msgspec.to_builtins(report), report)


async def providers(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/providers`: each provider at length."""
    report = context.desk.health()
    return _json({"providers": msgspec.to_builtins(report.providers)}, report)


async def numbers(_request: web.Request, context: Context) -> web.Response:
    """`GET /health/metrics`: the totals alone."""
    report = context.desk.health()
    return _json({"metrics": _numbers(report)}, report)


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


def _brief(provider: ProviderReport) -> dict[str, object]:
    return {
        "healthy": provider.healthy,
        "circuit_state": provider.circuit_state,
        "health_score": provider.health_score,
    }


def _numbers(report: HealthReport) -> dict[str, object]:
    return {
        "total_requests": report.total_requests,
        "success_rate": report.success_rate,
        "avg_response_time": round(report.avg_response_time_ms),
    }


def _json(body: object, report: HealthReport) -> web.Response:
    status = 200 if report.status in _SERVING else 503
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", status=status)
