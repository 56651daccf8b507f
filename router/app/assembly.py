"""A router, put together: `Assembly.__init__` reads as the order in which one is made; nothing runs before `start`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from actors.accesses import Accesses
from actors.books import Books
from actors.capability import Capability, Facts
from actors.config import Config
from actors.conversations import ActorMemory, Conversations
from actors.desk import TreeDesk, Views
from actors.edition import ProviderView
from actors.exchange import Wiring
from actors.flights import Flights
from actors.front import Door, Front
from actors.group import Readers
from actors.leases import Crossed, LocalLeases
from actors.ledger import Ledger, pricer
from actors.limits import Account, Limits
from actors.messages import (
    BudgetReached,
    CacheView,
    Call,
    ConfigLoaded,
    ConversationsView,
    Desk,
    ReloadConfig,
    RequestShared,
    Server,
)
from actors.provider import MakeTransport
from actors.pulses import NO_PULSES
from actors.retry import Retry
from actors.runtime import ActorSystem, Exit, Ports, Ref, Report, Snapshot, StartFailed, system_ports
from actors.sharing import Sharing
from actors.telemetry import Outlets, Telemetry, Tuning, describe_report
from actors.tree import Blueprint, path, tree
from actors.vault import Vault
from router.app.caches import cache_of, cache_rules, cache_wiring
from router.app.clients import bounds_of, dearest, densest
from router.app.contexts import Contexts
from router.app.dialects import CODECS
from router.app.found import by_reference, targets_found
from router.app.press import Hooks, Press, Printing
from router.app.prices import price_book, said_of
from router.app.release import Kinds, Layout, Release, layout_of, secrets_of
from router.app.rules import backoff, budget_rules, conversation_rules, sharing_rules, transcript_rules
from router.app.seats import OPEN, absent_groups, continuing, upstream_names, with_leaving
from router.app.units import Workshop
from router.app.vaults import vault_of
from router.canon.target import Target
from router.front.context import Context
from router.policy.capability import UNKNOWN, known_windows
from router.policy.pricelist import PriceList
from router.providers import Found, find_installed
from router.settings import Origin, Settings, Watch
from router.store.journal import Worker
from router.store.worker import ThreadWorker
from router.telemetry import metrics
from router.telemetry.health import HealthView
from router.telemetry.hostlog import HostLog
from router.telemetry.logs import Level, Line, Logs
from router.telemetry.meter import Meter
from router.telemetry.numbers import numbers_of
from router.telemetry.scrub import Scrubber
from router.telemetry.sinks import SpanSink, open_sink
from router.telemetry.writer import LineSink

SPANS_STOP_S = 2.0
"""How long a stop waits for the last spans to be sent."""

OWN = (
    "config",
    "ledger",
    "telemetry",
    "limits",
    "cache",
    "conversations",
    "capability",
    "providers",
    "retry",
    "groups",
    "front",
)
"""The actors whose being alive is part of the router's own health."""


class Parts(Struct, frozen=True, kw_only=True):
    """What a test or a simulation puts in the place of the real thing; None takes the real thing.

    Args:
        ports: clock, wall clock, randomness, ids.
        sink: where log lines go.
        transport: by provider name.
        vault: where the account is kept.
        reader: where a configuration is read.
        found: the kinds that are installed; to look for them takes 25 ms.
    """

    ports: Ports | None = None
    sink: LineSink | None = None
    transport: Callable[[str], MakeTransport] | None = None
    vault: Vault | None = None
    reader: Worker | None = None
    found: Found | None = None


class Assembly:
    """A router, made and not yet started. `start` and `stop` it once.

    Args:
        settings: validated.
        server: what hears callers: HTTP, or nothing when embedded.
        source: where the settings came from, in words.
        origin: where they came from; None where they cannot change.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        server: Server,
        source: str = "given by the program",
        origin: Origin | None = None,
        parts: Parts = Parts(),  # noqa: B008 frozen, shared on purpose
    ) -> None:
        self._source = source
        self._origin = origin
        self._server = server
        self.started = False
        self.ports = parts.ports or system_ports()
        self._parts = parts

        # First what everything reports to: nothing that fails below may fail unseen or say a secret.
        self._scrubber = Scrubber(secrets_of(settings))
        self._meter = Meter(clean=self._scrubber.text)
        self.logs = Logs(
            parts.sink or HostLog(),
            wall=self.ports.wall.now,
            level=Level(settings.telemetry.log_level),
            scrubber=self._scrubber,
        )
        self._spans: SpanSink | None = None
        self.system = ActorSystem(self.ports, on_report=self._reported)

        # Then what actors publish: it outlives their restarts.
        self._health = Snapshot(HealthView())
        self._facts: Snapshot[Facts] = Snapshot({})
        self._windows = by_reference(self._facts, known_windows)
        self._books = Books()
        self._accesses = Accesses(
            each=lambda: self._edition.value.settings.audit.each,
            sum_s=lambda: self.settings.audit.sum_s,
            ports=self.ports,
        )
        self._cached = Snapshot(CacheView())
        self._unread_since_s: Snapshot[float | None] = Snapshot(None)
        self._conversed = Snapshot(ConversationsView())
        self._listed = PriceList()
        self.sharing = Sharing(rules=lambda: sharing_rules(self.settings), clock=self.ports.clock, shared=self._shared)
        self.flights = Flights()
        self._door = Door(self.sharing)
        self._leases = LocalLeases(self.ports, self._reached)

        # Then who can be asked for what: kinds, models, names, and which of the tree's parts that takes.
        found = parts.found or find_installed()
        kinds, self._broken_kinds = found.kinds, found.broken
        # A kind may judge its errors in its own way; what callers speak is the dialect itself.
        layout = layout_of(settings, kinds)
        self._prices = Snapshot(price_book(layout.seats, self._listed, settings.prices))
        self._seats = {seat.name: seat for seat in layout.seats}
        self._watched = Watch(self._files, self._unwatched)
        press = Press(
            self._printing(kinds, source),
            origin=origin,
            follow=self._watched.changed,
            worker=parts.reader or ThreadWorker("pointsman-config"),
            hooks=Hooks(learn=self._learn, take=self._take, settle=self._settle),
        )
        self._edition = Snapshot(press.print(layout))

        # Last the desk through which exchanges come, and the tree behind it.
        self.desk: Desk = TreeDesk(door=self._door, views=self._views(), ports=self.ports, accesses=self._accesses)
        self._tree = tree(self._blueprint(server, press))
        self._watch()

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        return self._edition.value.settings

    async def start(self) -> None:
        """Start the tree. Raises `StartFailed` when an actor cannot start; what had started has been stopped."""
        self.started = True
        self._open_spans()
        for kind, why in self._broken_kinds.items():
            self.logs.write(Level.ERROR, Line.KIND_BROKEN, kind=kind, why=why)
        self._complain(self._edition.value)
        try:
            await self.system.start(self._tree)
        except StartFailed:
            await self._close_spans()
            raise
        self._ref("telemetry").tell(ConfigLoaded(version=self.settings.version, source=self._source))

    def turn_away(self) -> None:
        """Readiness is gone from now on; nothing else changes before `stop`."""
        self._door.ready = False

    async def stop(self) -> None:
        """Drain, then stop everything in reverse order; what telemetry still holds is sent within a bound."""
        self.turn_away()
        await self.system.stop()
        await self._close_spans()

    async def ended(self) -> Exit:
        """Why the tree ended, once it has."""
        return await self.system.terminated()

    def reload(self, by: str) -> None:
        """Ask for the configuration to be read again; the log says what became of it."""
        self._ref("config").tell(ReloadConfig(by=by))

    def contexts(self, desk: Desk, *, look_every_s: float | None = None) -> Callable[[], Context]:
        """What the front's handlers need, under the configuration in force whenever it is asked."""
        memory = ActorMemory(self._ref("conversations"), self.ports)
        return Contexts(self._edition, desk=desk, codecs=CODECS, look_every_s=look_every_s, memory=memory)

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

    def _shared(self, call: Call, how: str) -> None:
        self._ref("telemetry").tell(RequestShared(dialect=call.dialect, how=how))

    def _complain(self, release: Release) -> None:
        """Say what of this configuration cannot be set up, and what of the file does not count."""
        for change in release.view.changes:
            if change.hidden:
                level = Level.WARNING if change.edited else Level.INFO
                entry = f"{change.section}.{change.name}"
                said = {"effect": change.effect, "hidden": change.hidden, "edited": change.edited}
                self.logs.write(level, Line.ENTRY_HIDDEN, entry=entry, **said)
        for seat in release.seats:
            if seat.absent:
                self.logs.write(Level.ERROR, Line.PROVIDER_ABSENT, provider=seat.name, why=seat.absent)
            for why in seat.broken:
                self.logs.write(Level.ERROR, Line.MODEL_BROKEN, provider=seat.name, why=why)
        for name in absent_groups(release.settings, release.seats):
            why = "none of its providers can be set up"
            self.logs.write(Level.ERROR, Line.GROUP_ABSENT, group=name, why=why)

    def _ref(self, *parts: str) -> Ref:
        return self.system.ref(path(*parts))

    def _reported(self, report: Report) -> None:
        """Supervisors report to telemetry; described here and now, since tracebacks do not outlive the report."""
        self._ref("telemetry").tell(describe_report(report))

    def _unwatched(self, file: Path, why: str) -> None:
        self.logs.write(Level.WARNING, Line.CONFIG_UNWATCHED, file=str(file), why=why)

    def _files(self) -> tuple[Path, ...]:
        """Whose changes are noticed: the configuration's file, its table of prices, and those that secrets are in."""
        file = self._origin.file if self._origin is not None and self.settings.reload.watch else None
        prices = self.settings.prices.file
        named = () if prices is None else (prices,)
        return () if file is None else (file, *named, *self.settings.secret_files)

    def _reached(self, crossed: Crossed) -> None:
        budget = crossed.purse.partition(" ")[0]
        self._ref("telemetry").tell(BudgetReached(budget=budget, purse=crossed.purse, share=crossed.share))

    def _learn(self, settings: Settings) -> None:
        self._scrubber.learn(secrets_of(settings))

    def _take(self, release: Release) -> None:
        """What is read by reference follows; what leaves is priced until its last attempt is booked."""
        before = self._seats
        self._seats = {**before, **{seat.name: with_leaving(seat, before.get(seat.name)) for seat in release.seats}}
        self._prices.publish(price_book(tuple(self._seats.values()), self._listed, release.settings.prices))
        self.logs.set_level(Level(release.settings.telemetry.log_level))
        self._complain(release)
        self._watched.move()
        try:
            self._server.renew()
        except OSError as error:
            self.logs.write(Level.ERROR, Line.CERTIFICATE_KEPT, why=str(error))

    def _settle(self) -> None:
        release = self._edition.value
        self._seats = {seat.name: seat for seat in release.seats}
        self._prices.publish(price_book(release.seats, self._listed, release.settings.prices))
        self._scrubber.keep(secrets_of(release.settings))

    def _printing(self, kinds: Kinds, source: str) -> Printing:
        shop = Workshop(
            ports=self.ports,
            ref=self._ref,
            codecs=CODECS,
            clean=self._scrubber.text,
            gauges=lambda: self._books.gauges,
            transport=self._parts.transport,
        )
        readers = Readers(
            breakers=lambda provider: {} if (seen := self._seen(provider)) is None else seen.breakers.value,
            cool_until_s=lambda provider: (
                0.0 if (seen := self._seen(provider)) is None else seen.pace.value.shut_until_s
            ),
            pulses=lambda provider: NO_PULSES if (seen := self._seen(provider)) is None else seen.pulses.value,
            health=self._score_of,
            usd=pricer(self._prices, self.ports.wall),
            windows=self._windows,
            facts=lambda: self._facts.value,
            found=self._found,
        )
        return Printing(shop=shop, wiring=self._wiring, readers=readers, source=source, kinds=kinds)

    def _seen(self, provider: str) -> ProviderView | None:
        return self._edition.value.providers.get(provider)

    def _wiring(self, layout: Layout, units: Mapping[str, str], groups: Mapping[str, str]) -> Wiring:
        settings = layout.settings
        return Wiring(
            version=settings.version,
            ports=self.ports,
            limits=self._ref("limits"),
            retry=self._ref("retry"),
            telemetry=self._ref("telemetry"),
            ledger=self._ref("ledger"),
            transcripts=transcript_rules(settings, self._scrubber.text),
            cache=cache_wiring(settings, self._ref("cache"), self._ref("ledger"), self.flights),
            routes={name: self._ref("groups", group) for name, group in groups.items() if name != OPEN},
            providers={name: self._ref("providers", unit, "provider") for name, unit in units.items()},
            continues=lambda target: self._facts.value.get(target, UNKNOWN).continues,
            capability=self._ref("capability"),
            open_routes=self._opener(groups[OPEN]),
            windows=self._windows,
            price=pricer(self._prices, self.ports.wall),
            backoff=backoff(settings),
            max_per_target=settings.retry.max_attempts,
            deadline_s=settings.server.deadline_s,
            bounds=bounds_of(settings),
            quote=dearest(layout.routes, pricer(self._prices, self.ports.wall)),
            ratio=densest(layout.routes, lambda: self._books.gauges),
        )

    def _opener(self, group: str) -> Callable[[str], Ref | None]:
        ref = self._ref("groups", group)
        return lambda name: ref if self._found(name) else None

    def _found(self, name: str) -> tuple[Target, ...]:
        return targets_found(self._edition.value.providers, name)

    def _views(self) -> Views:
        return Views(
            edition=self._edition,
            health=self._health,
            costs=self._books.view,
            facts=lambda: self._facts.value,
            actors={name: self._ref(name) for name in OWN},
            metrics=self._meter.render,
            unread_since_s=self._unread_since_s,
            prices=self._prices,
            found=self._found,
            numbers=partial(numbers_of, self._meter),
        )

    def _blueprint(self, server: Server, press: Press) -> Blueprint:
        settings = self.settings
        vault = self._parts.vault or vault_of(settings)
        edition = self._edition
        return Blueprint(
            config=lambda: Config(
                published=edition, press=press, users=lambda: self._door.jobs, unread_since_s=self._unread_since_s
            ),
            ledger=lambda: Ledger(
                vault=vault,
                books=self._books,
                prices=self._prices,
                accesses=self._accesses,
            ),
            telemetry=lambda: Telemetry(self._outlets(), Tuning(rows=settings.telemetry.request_log_size)),
            limits=lambda: Limits(
                max_exchanges=lambda: edition.value.settings.server.max_exchanges,
                account=Account(
                    leases=self._leases,
                    bounds=lambda: edition.value.wiring.bounds,
                    prices=self._prices,
                    ledger=self._ref("ledger"),
                ),
                live_jobs=lambda: self._door.jobs,
            ),
            cache=cache_of(settings, lambda: cache_rules(edition.value.settings), self._cached),
            conversations=lambda: Conversations(
                rules=lambda: conversation_rules(edition.value.settings), published=self._conversed
            ),
            capability=lambda: Capability(
                continuing=lambda: continuing(edition.value.seats),
                targets=lambda: upstream_names(edition.value.seats),
                said=lambda target: said_of(
                    self._listed, self._prices.value, edition.value.seats, target, self.ports.wall.now()
                ),
                published=self._facts,
            ),
            units=lambda: tuple(edition.value.units.values()),
            retry=lambda: Retry(
                provider=lambda: budget_rules(edition.value.settings),
                overall=lambda: budget_rules(edition.value.settings),
            ),
            groups=lambda: tuple(edition.value.groups.items()),
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

    def _score_of(self, provider: str) -> float:
        health = self._health.value.providers.get(provider)
        return 1.0 if health is None else health.health_score

    def _family_of(self, provider: str) -> str:
        seat = self._seats.get(provider)
        return provider if seat is None else seat.kind.system

    def _watch(self) -> None:
        """Gauges that are read where they are, when somebody scrapes."""
        watch = self._meter.watch
        watch(metrics.IN_FLIGHT, lambda: self._door.count)
        watch(metrics.LEDGER_PENDING, lambda: len(self._books.pending))
        watch(metrics.LEDGER_FAILED_WRITES, lambda: self._books.failed_writes)
        watch(metrics.CACHE_ENTRIES, lambda: self._cached.value.entries)
        watch(metrics.CACHE_BYTES, lambda: self._cached.value.size_bytes)
        for how in ("evicted", "expired", "purged", "unkept"):
            watch(metrics.CACHE_DROPPED, partial(_read, self._cached, how), how)
        watch(metrics.LEDGER_MISMATCHED, lambda: self._books.mismatched)
        watch(metrics.TELEMETRY_DROPPED, lambda: self.logs.dropped, "log")
        for how in ("undelivered", "rejected", "dropped", "expired"):
            watch(metrics.MESSAGES_LOST, partial(getattr, self.system.counters, how), how)


def _read(snapshot: Snapshot[CacheView], name: str) -> int:
    """One count of what is published now."""
    count: int = getattr(snapshot.value, name)
    return count


def _place_of(error: BaseException) -> str:
    """File and line where an error was raised."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "unknown"
