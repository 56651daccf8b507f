"""A router, put together: `Assembly.__init__` reads as the order in which one is made; nothing runs before `start`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Raw, Struct
from msgspec.json import encode

from actors.books import Books
from actors.cache import Cache, CacheRules
from actors.capability import Capability, Facts
from actors.config import Config
from actors.desk import ProviderView, TreeDesk, Views
from actors.exchange import Wiring
from actors.front import Door, Front
from actors.group import FailoverGroup, GroupSpec, Readers
from actors.ledger import Ledger, pricer
from actors.limits import Limits
from actors.messages import BreakerState, CacheView, ConfigLoaded, ConfigView, Desk, Server
from actors.provider import MakeTransport
from actors.retry import Retry
from actors.runtime import Actor, ActorSystem, Exit, Ports, Ref, Report, Snapshot, StartFailed, system_ports
from actors.telemetry import Outlets, Telemetry, Tuning, describe_report
from actors.tree import Blueprint, path, tree
from router.app.dialects import DIALECTS
from router.app.prices import listed_window, price_book
from router.app.rules import backoff, breaker_rules
from router.app.seats import absent_groups, configured_windows, routes_of, seat_of
from router.app.units import Workshop, unit_of
from router.front.context import Context
from router.policy.budget import BudgetRules
from router.policy.capability import known_windows
from router.policy.catalog import Dispatch, RouteSpec
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.settings import Settings
from router.store.journal import Journal, Worker
from router.store.sqlite import SqliteJournal
from router.store.worker import ThreadWorker
from router.telemetry import metrics
from router.telemetry.health import HealthView
from router.telemetry.hostlog import HostLog
from router.telemetry.logs import Level, Line, Logs
from router.telemetry.meter import Meter
from router.telemetry.scrub import Scrubber
from router.telemetry.traces import SpanSink, open_sink
from router.telemetry.writer import LineSink

SPANS_STOP_S = 2.0
"""How long a stop waits for the last spans to be sent."""

OWN = ("config", "ledger", "telemetry", "limits", "cache", "capability", "providers", "retry", "groups", "front")
"""The actors whose being alive is part of the router's own health."""


class Parts(Struct, frozen=True, kw_only=True):
    """What a test or a simulation puts in the place of the real thing; None takes the real thing.

    Args:
        ports: clock, wall clock, randomness, ids.
        sink: where log lines go.
        transport: by provider name.
        journal: the account.
        worker: where the journal's blocking calls run.
    """

    ports: Ports | None = None
    sink: LineSink | None = None
    transport: Callable[[str], MakeTransport] | None = None
    journal: Journal | None = None
    worker: Worker | None = None


class Assembly:
    """A router, made and not yet started. `start` and `stop` it once.

    Args:
        settings: validated.
        server: what hears callers: HTTP, or nothing when embedded.
        source: where the settings came from, in words.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        server: Server,
        source: str = "given by the program",
        parts: Parts = Parts(),  # noqa: B008 frozen, shared on purpose
    ) -> None:
        self.settings = settings
        self._source = source
        self.started = False
        self.ports = parts.ports or system_ports()
        self._parts = parts

        # First what everything reports to: nothing that fails below may fail unseen or say a secret.
        self._scrubber = Scrubber(_secrets(settings))
        self._meter = Meter(clean=self._scrubber.text)
        self.logs = Logs(
            parts.sink or HostLog(),
            wall=self.ports.wall.now,
            level=Level(settings.telemetry.log_level),
            scrubber=self._scrubber,
        )
        self._spans: SpanSink | None = None
        self.system = ActorSystem(self.ports, on_report=self._reported)

        # Then who can be asked for what: kinds, models, names.
        found = find_installed()
        kinds, self._broken_kinds = found.kinds, found.broken
        # A kind may judge its errors in its own way; what callers speak is the dialect itself.
        self._dialects = {**{kind.dialect.name: kind.dialect for kind in kinds.values()}, **DIALECTS}
        self._seats = tuple(
            seat_of(provider, kinds[provider.kind])
            for provider in settings.providers.values()
            if Dispatch(provider.dispatch) is not Dispatch.OFF
        )
        self._routes = routes_of(settings, self._seats)

        # What actors publish outlives their restarts, so it is made here.
        self._config = Snapshot(
            ConfigView(version=settings.version, source=source, public=Raw(encode(settings.public())))
        )
        self._health = Snapshot(HealthView())
        self._facts: Snapshot[Facts] = Snapshot({})
        self._books = Books()
        self._costs = Snapshot(self._books.view())
        self._cached = Snapshot(CacheView())
        self._breakers = {seat.name: Snapshot[Mapping[str, BreakerState]]({}) for seat in self._seats}
        self._quiet = {seat.name: Snapshot(0.0) for seat in self._seats}
        self._listed = PriceList()
        self._prices = Snapshot(price_book(self._seats, self._listed))

        # Last the door through which exchanges come, and the desk that stands behind it.
        self._door = Door()
        self.desk: Desk = TreeDesk(door=self._door, wiring=self._wiring(), views=self._views(), ports=self.ports)
        self._tree = tree(self._blueprint(server))
        self._watch()

    async def start(self) -> None:
        """Start the tree. Raises `StartFailed` when an actor cannot start; what had started has been stopped."""
        self.started = True
        self._open_spans()
        for kind, why in self._broken_kinds.items():
            self.logs.write(Level.ERROR, Line.KIND_BROKEN, kind=kind, why=why)
        for seat in self._seats:
            if seat.absent:
                self.logs.write(Level.ERROR, Line.PROVIDER_ABSENT, provider=seat.name, why=seat.absent)
            for why in seat.broken:
                self.logs.write(Level.ERROR, Line.MODEL_BROKEN, provider=seat.name, why=why)
        for name in absent_groups(self.settings, self._seats):
            why = "none of its providers can be set up"
            self.logs.write(Level.ERROR, Line.GROUP_ABSENT, group=name, why=why)
        try:
            await self.system.start(self._tree)
        except StartFailed:
            await self._close_spans()
            raise
        self._ref("telemetry").tell(ConfigLoaded(version=self.settings.version, source=self._source))

    async def stop(self) -> None:
        """Drain, then stop everything in reverse order; what telemetry still holds is sent within a bound."""
        await self.system.stop()
        await self._close_spans()

    async def ended(self) -> Exit:
        """Why the tree ended, once it has."""
        return await self.system.terminated()

    def context(self, desk: Desk) -> Context:
        """What the front's handlers need."""
        server = self.settings.server
        return Context(
            desk=desk,
            dialects=self._dialects,
            max_body_bytes=server.max_body_bytes,
            first_ping_after_s=server.first_ping_after_s,
            ping_every_s=server.ping_every_s,
            config_version=self.settings.version,
        )

    def on_bug(self, request_id: str, error: Exception) -> None:
        """A handler raised what nobody foresaw: its type and place are logged, its words may quote a request."""
        self.logs.write(
            Level.ERROR, Line.HANDLER_FAILED, request_id=request_id, error=type(error).__name__, at=_place_of(error)
        )

    def _open_spans(self) -> None:
        """Not before `start`: a sink has a thread, and a router that is never started would leave it behind."""
        self._spans = spans = open_sink(self.settings.telemetry.otlp_endpoint, headers={})
        if spans is not None:
            self._meter.watch(metrics.TELEMETRY_DROPPED, lambda: spans.dropped, "trace")

    async def _close_spans(self) -> None:
        if self._spans is not None:
            await self._spans.stop(SPANS_STOP_S)

    def _ref(self, *parts: str) -> Ref:
        return self.system.ref(path(*parts))

    def _reported(self, report: Report) -> None:
        """Supervisors report to telemetry; described here and now, since tracebacks do not outlive the report."""
        self._ref("telemetry").tell(describe_report(report))

    def _wiring(self) -> Wiring:
        settings = self.settings
        return Wiring(
            ports=self.ports,
            limits=self._ref("limits"),
            retry=self._ref("retry"),
            telemetry=self._ref("telemetry"),
            cache=self._ref("cache") if settings.cache.enabled else None,
            routes={route.name: self._ref("groups", route.name) for route in self._routes},
            providers={seat.name: self._ref("providers", seat.name, "provider") for seat in self._seats},
            windows=lambda: known_windows(self._facts.value),
            price=pricer(self._prices, self.ports.wall),
            backoff=backoff(settings),
            max_per_target=settings.retry.max_attempts,
            deadline_s=settings.server.deadline_s,
        )

    def _views(self) -> Views:
        return Views(
            config=self._config,
            health=self._health,
            costs=lambda: self._costs.value,
            providers={
                seat.name: ProviderView(
                    models=tuple(model.name for model in seat.models),
                    breakers=self._breakers[seat.name],
                    ref=None if seat.absent else self._ref("providers", seat.name, "provider"),
                    absent=seat.absent,
                )
                for seat in self._seats
            },
            routes=self._routes,
            windows=lambda: known_windows(self._facts.value),
            actors={name: self._ref(name) for name in OWN},
            metrics=self._meter.render,
        )

    def _blueprint(self, server: Server) -> Blueprint:
        settings = self.settings
        journal = self._parts.journal or SqliteJournal(settings.ledger.path)
        worker = self._parts.worker or ThreadWorker("pointsman-ledger")
        budget = BudgetRules(share=settings.retry.budget_ratio, min_per_s=settings.retry.budget_min_per_s)
        shop = self._workshop()
        cache = CacheRules(ttl_s=settings.cache.ttl_s, size_bytes=settings.cache.max_bytes)
        return Blueprint(
            config=lambda: Config(view=self._config.value, published=self._config),
            ledger=lambda: Ledger(
                journal=journal, worker=worker, books=self._books, prices=self._prices, published=self._costs
            ),
            telemetry=lambda: Telemetry(self._outlets(), Tuning(rows=settings.telemetry.request_log_size)),
            limits=lambda: Limits(max_exchanges=settings.server.max_exchanges, live_jobs=lambda: self._door.jobs),
            cache=lambda: Cache(rules=cache, published=self._cached),
            capability=lambda: Capability(
                configured=configured_windows(self._seats),
                listed=partial(listed_window, self._listed, {seat.name: seat for seat in self._seats}),
                published=self._facts,
            ),
            units=tuple(unit_of(seat, shop) for seat in self._seats if not seat.absent),
            retry=lambda: Retry(provider=budget, overall=budget),
            groups=tuple((route.name, partial(self._group, route)) for route in self._routes),
            front=lambda: Front(
                door=self._door,
                desk=lambda: self.desk,
                server=server,
                drain_s=settings.server.drain_s,
                lame_duck_s=settings.server.lame_duck_s,
            ),
            drain_s=settings.server.lame_duck_s + settings.server.drain_s,
            flush_s=settings.server.flush_s,
        )

    def _outlets(self) -> Outlets:
        return Outlets(
            meter=self._meter,
            logs=self.logs,
            spans=self._spans,
            view=self._health,
            family_of=self._family_of,
            clean=self._scrubber.text,
        )

    def _group(self, route: RouteSpec) -> Actor:
        spec = GroupSpec(
            targets=route.targets, strategy=route.strategy, max_attempts=route.max_attempts, course=route.course
        )
        readers = Readers(
            breakers=lambda provider: self._breakers[provider].value,
            cool_until_s=lambda provider: self._quiet[provider].value,
            windows=lambda: known_windows(self._facts.value),
        )
        return FailoverGroup(spec=spec, readers=readers)

    def _workshop(self) -> Workshop:
        return Workshop(
            ports=self.ports,
            ref=self._ref,
            dialects=self._dialects,
            breaker=breaker_rules(self.settings),
            breakers=self._breakers,
            quiet=self._quiet,
            clean=self._scrubber.text,
            transport=self._parts.transport,
        )

    def _family_of(self, provider: str) -> str:
        return next((seat.kind.system for seat in self._seats if seat.name == provider), provider)

    def _watch(self) -> None:
        """Gauges that are read where they are, when somebody scrapes."""
        watch = self._meter.watch
        watch(metrics.IN_FLIGHT, lambda: self._door.count)
        watch(metrics.LEDGER_PENDING, lambda: self._costs.value.pending)
        watch(metrics.LEDGER_FAILED_WRITES, lambda: self._costs.value.failed_writes)
        watch(metrics.TELEMETRY_DROPPED, lambda: self.logs.dropped, "log")
        for how in ("undelivered", "rejected", "dropped", "expired"):
            watch(metrics.MESSAGES_LOST, partial(getattr, self.system.counters, how), how)


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Every value that no log line may hold."""
    return tuple(
        secret.reveal()
        for provider in settings.providers.values()
        for secret in (provider.api_key, *provider.headers.values())
        if secret
    )


def _place_of(error: BaseException) -> str:
    """File and line where an error was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "unknown"
