"""The composition root: the one file that knows every room. `Assembly.__init__` reads as the order in which a router is
made; nothing runs before `start`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Raw, Struct, convert, structs
from msgspec.json import encode

from actors.attempt import Line as AttemptLine
from actors.books import Books
from actors.breaker import Breaker
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
from actors.pace import Pace
from actors.provider import MakeTransport, Provider, Spawn
from actors.retry import Retry
from actors.runtime import Actor, ActorSystem, Exit, Job, Ports, Ref, Report, Snapshot, StartFailed, system_ports
from actors.telemetry import Outlets, Telemetry, Tuning, describe_report
from actors.tree import Blueprint, Unit, path, tree
from router.canon.target import Target, Timeouts
from router.front.context import Context
from router.policy.backoff import Backoff
from router.policy.breaker import BreakerRules
from router.policy.budget import BudgetRules
from router.policy.capability import known_windows
from router.policy.catalog import Dispatch, Listing, Manner, RouteSpec, build_routes
from router.policy.choose import Strategy
from router.policy.pace import PaceRules
from router.policy.price import Override, PriceBook, Rates, Seller
from router.policy.pricelist import PriceList
from router.providers import find_installed
from router.providers.kind import Kind, with_parameters
from router.settings import KindRules, Model, Settings
from router.settings import Provider as ProviderSettings
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
from router.upstream.aws import SigningTransport, SigV4
from router.upstream.http import HttpTransport
from router.upstream.llama.gguf import discover
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from router.upstream.transport import Transport
from router.wire.anthropic_messages import DIALECT as ANTHROPIC_MESSAGES
from router.wire.dialect import Dialect
from router.wire.openai_chat import DIALECT as OPENAI_CHAT
from router.wire.openai_responses import DIALECT as OPENAI_RESPONSES

FRONTS = (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES)
"""The dialects callers may speak; providers may speak others, that their kinds bring along."""

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in FRONTS}
"""These by name."""

FRONT_DIALECT = OPENAI_CHAT
"""The dialect of embedding programs, and of errors on paths that belong to none."""

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


class Seat(Struct, frozen=True, kw_only=True):
    """One configured provider, resolved: its kind, and what it serves under which names.

    Args:
        models: as callers name them, in configured order.
        absent: why it cannot be set up; None when it can.
        broken: of one that can, the model files that cannot be loaded, each with why.
    """

    name: str
    kind: Kind
    settings: ProviderSettings
    models: tuple[Model, ...]
    absent: str | None = None
    broken: tuple[str, ...] = ()


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
            _seat(provider, kinds[provider.kind])
            for provider in settings.providers.values()
            if Dispatch(provider.dispatch) is not Dispatch.OFF
        )
        self._routes = _routes(settings, self._seats)

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
        self._prices = Snapshot(_price_book(self._seats, self._listed))

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
        for name in _absent_groups(self.settings, self._seats):
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
            backoff=_backoff(settings),
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
                configured=_windows(self._seats),
                listed=partial(_listed_window, self._listed, {seat.name: seat for seat in self._seats}),
                published=self._facts,
            ),
            units=tuple(self._unit(seat) for seat in self._seats if not seat.absent),
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
        spec = GroupSpec(targets=route.targets, strategy=route.strategy, max_attempts=route.max_attempts)
        readers = Readers(
            breakers=lambda provider: self._breakers[provider].value,
            cool_until_s=lambda provider: self._quiet[provider].value,
            windows=lambda: known_windows(self._facts.value),
        )
        return FailoverGroup(spec=spec, readers=readers)

    def _unit(self, seat: Seat) -> Unit:
        """One provider's actors. `attempts` is shared so that a restarted Pace finds who holds its slots."""
        attempts: dict[Job, None] = {}
        pace = PaceRules(max_parallel=seat.settings.max_parallel, max_queue=seat.settings.max_queue)
        make_transport = self._parts.transport(seat.name) if self._parts.transport else partial(self._transport, seat)
        return Unit(
            name=seat.name,
            pace=lambda: Pace(rules=pace, cool_until_s=self._quiet[seat.name], live_jobs=lambda: tuple(attempts)),
            breaker=lambda: Breaker(
                provider=seat.name,
                rules=_breaker_rules(self.settings),
                published=self._breakers[seat.name],
                telemetry=self._ref("telemetry"),
            ),
            provider=lambda: Provider(
                models=frozenset(model.name for model in seat.models),
                make_transport=make_transport,
                make_line=partial(self._line, seat),
                attempts=attempts,
            ),
        )

    def _transport(self, seat: Seat, spawn: Spawn) -> Transport:
        """How bytes reach the provider: a worker process for what runs here, HTTP for all else; AWS without a key is
        signed for."""
        if seat.settings.local is not None:
            local = structs.asdict(seat.settings.local)
            options = LlamaOptions(**{**local, "models_dir": str(seat.settings.local.models_dir)})
            return LlamaTransport(options, self.ports, spawn=spawn)
        if seat.kind.aws_service is not None and not seat.settings.api_key:
            return SigningTransport(HttpTransport(), SigV4(seat.kind.aws_service, self.ports.wall.now))
        return HttpTransport()

    def _line(self, seat: Seat, transport: Transport) -> AttemptLine:
        kind, provider = seat.kind, seat.settings
        base_url = (provider.base_url or kind.base_url or "").rstrip("/")
        key = provider.api_key.reveal() if provider.api_key else ""
        extra = {name.lower(): value.reveal() for name, value in provider.headers.items()}
        return AttemptLine(
            provider=seat.name,
            dialect=kind.dialect,
            dialects=self._dialects,
            transport=transport,
            address=lambda model, stream: with_parameters(kind.address(base_url, model, stream), provider.query),
            headers=tuple({**dict(kind.headers), **dict(kind.auth(key)), **extra}.items()),
            timeouts=convert(provider.timeouts, Timeouts, from_attributes=True),
            upstream={model.name: model.upstream for model in seat.models},
            pace=self._ref("providers", seat.name, "pace"),
            breaker=self._ref("providers", seat.name, "breaker"),
            retry=self._ref("retry"),
            ledger=self._ref("ledger"),
            telemetry=self._ref("telemetry"),
            ports=self.ports,
            clean=self._scrubber.text,
            quirks=kind.quirks,
            relays=kind.relays,
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


def kind_rules() -> dict[str, KindRules]:
    """What the installed kinds ask of a configuration."""
    found = find_installed()
    broken = {name: KindRules(broken=why) for name, why in found.broken.items()}
    return broken | {
        kind.name: KindRules(needs_base_url=kind.base_url is None, needs_key=kind.needs_key, local=kind.local)
        for kind in found.kinds.values()
    }


def _seat(provider: ProviderSettings, kind: Kind) -> Seat:
    """A configured provider with its kind; the models of a local one are those found in its directory."""
    if provider.local is None:
        return Seat(name=provider.name, kind=kind, settings=provider, models=provider.models)
    place, window = provider.local.models_dir, provider.local.n_ctx or None
    try:
        files = discover(str(place))
    except OSError:
        files = ()
    broken = tuple(f"{file.path}: {file.fault}" for file in files if file.fault is not None)
    found = tuple(
        Model(name=file.name, upstream=file.name, context_window=window or file.context_length, price=None)
        for file in files
        if file.fault is None
    )
    why = "; ".join(broken) or f"no *.gguf in {place}; `make setup` puts one there"
    return Seat(
        name=provider.name,
        kind=kind,
        settings=provider,
        models=provider.models or found,
        # Not started at all: a unit without a model would be brought back for ever, and fail each time.
        absent=None if found else why,
        broken=broken if found else (),
    )


def _routes(settings: Settings, seats: tuple[Seat, ...]) -> tuple[RouteSpec, ...]:
    """Every public name. A target whose provider is off or absent is left out, and so is a group of only such."""
    present = {seat.name: seat for seat in seats if not seat.absent}
    listings = tuple(
        Listing(
            provider=seat.name,
            models=tuple(model.name for model in seat.models),
            dispatch=Dispatch(seat.settings.dispatch),
        )
        for seat in present.values()
    )
    groups = tuple(
        RouteSpec(
            name=name,
            targets=tuple(
                Target(provider=ref.provider, model=ref.model or present[ref.provider].models[0].name)
                for ref in group.targets
                if ref.provider in present
            ),
            strategy=Strategy(group.strategy),
            max_attempts=group.max_attempts,
        )
        for name, group in settings.failover_groups.items()
    )
    rest = Manner(strategy=Strategy(settings.failover.strategy), max_attempts=settings.failover.max_attempts)
    return build_routes(listings, tuple(group for group in groups if group.targets), rest)


def _absent_groups(settings: Settings, seats: tuple[Seat, ...]) -> tuple[str, ...]:
    """The groups that `_routes` leaves out: callers are told that no such model is known."""
    present = {seat.name for seat in seats if not seat.absent}
    groups = settings.failover_groups.items()
    return tuple(name for name, group in groups if not present & {ref.provider for ref in group.targets})


def _windows(seats: tuple[Seat, ...]) -> dict[Target, int | None]:
    return {
        Target(provider=seat.name, model=model.name): model.context_window for seat in seats for model in seat.models
    }


def _listed_window(listed: PriceList, seats: Mapping[str, Seat], target: Target) -> int | None:
    """What the price list says of a target's context window."""
    seat = seats[target.provider]
    upstream = next((model.upstream for model in seat.models if model.name == target.model), target.model)
    return listed.window(seat.kind.price_id, seat.settings.base_url, upstream)


def _price_book(seats: tuple[Seat, ...], listed: PriceList) -> PriceBook:
    """Configured prices first, then nothing for what runs here, then the list."""
    sellers = {
        seat.name: Seller(price_id=seat.kind.price_id, base_url=seat.settings.base_url, local=seat.kind.local)
        for seat in seats
    }
    overrides = tuple(
        Override(provider=seat.name, model=model.name, rates=convert(model.price, Rates, from_attributes=True))
        for seat in seats
        for model in seat.models
        if model.price is not None
    )
    return PriceBook(sellers, overrides, listed=listed)


def _backoff(settings: Settings) -> Backoff:
    retry = settings.retry
    return Backoff(
        base_s=retry.base_delay_ms / 1000,
        capacity_base_s=max(1.0, retry.base_delay_ms / 1000),
        factor=retry.backoff_factor,
        cap_s=retry.max_delay_ms / 1000,
        jitter=retry.jitter,
    )


def _breaker_rules(settings: Settings) -> BreakerRules:
    breaker = settings.breaker
    return BreakerRules(
        failure_threshold=breaker.failure_threshold,
        failure_rate=breaker.failure_rate,
        min_calls=breaker.min_calls,
        window_s=breaker.window_s,
        recovery_timeout_s=breaker.recovery_timeout_s,
        max_open_s=breaker.max_open_s,
    )


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
