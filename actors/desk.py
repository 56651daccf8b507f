"""The desk of a running tree: hands requests in and reads what the actors publish. Only operators' questions are asked
of an actor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, Protocol

from msgspec import Struct, structs

from actors.accesses import Accesses
from actors.cards import abilities_of, cards_of
from actors.edition import Edition, ProviderView
from actors.front import Door
from actors.messages import (
    ALLOWED,
    READY,
    AdminActed,
    Call,
    ConfigAnswer,
    ConfigAsk,
    EraseUser,
    Estimable,
    Estimates,
    Finding,
    HealthReport,
    Inquiry,
    KeysReopened,
    ModelCard,
    Opened,
    ProviderAbilities,
    ProviderReport,
    Purge,
    ReadLog,
    ReopenKeys,
    ResetMetrics,
    TargetReport,
)
from actors.quotes import estimates_of
from actors.runtime import ActorDead, AskTimeout, MailboxFull, Ports, Ref, Snapshot
from router.canon.caller import Caller
from router.canon.embedding import EmbedRequest
from router.canon.image import ImageRequest
from router.canon.operation import Operation
from router.canon.request import ChatRequest
from router.canon.target import Target
from router.errors import Reason, Unavailable
from router.policy.breaker import Phase
from router.policy.capability import ModelFacts
from router.policy.keyring import identify
from router.policy.lanes import Shut
from router.policy.price import PriceBook
from router.policy.pulse import faded_s, later_of, learned_limit_s, share_of
from router.policy.wellness import Record, complaint_of, status_of
from router.telemetry.health import HealthView, ProviderHealth
from router.telemetry.numbers import ProviderNumbers

INQUIRY_S = 10.0
"""How long the store may take to be read."""

ERASE_S = 60.0
"""How long it may take to take one end user out of it."""

CONFIG_S = 60.0
"""How long a change of the configuration may take: units are started within it."""

_ASKED: dict[str, type | UnionType] = {"telemetry": ReadLog | ResetMetrics, "cache": Purge}
"""Actor -> what it is asked; everything else the ledger is."""

_OPERATIONS: dict[type, Operation] = {
    ChatRequest: Operation.CHAT,
    EmbedRequest: Operation.EMBEDDINGS,
    ImageRequest: Operation.IMAGES,
}

_WELL = 0.5
"""The score under which a provider is called ill; one that only fails is there at its fifth failure."""

_USABLE = (READY, Shut.QUIET)
"""States of a key with which its provider is well: quiet passes by itself."""

_WORST: dict[str, int] = {Phase.CLOSED: 0, Phase.HALF_OPEN: 1, Phase.OPEN: 2}


class Costs(Protocol):
    """What the desk reads of the ledger's snapshot."""

    @property
    def degraded(self) -> bool:
        """Whether entries wait because the journal cannot be written."""
        ...


class Editions(Protocol):
    """Where the edition in force is published."""

    @property
    def value(self) -> Edition:
        """It."""
        ...


class Views(Struct, frozen=True, kw_only=True):
    """Everything the desk reads.

    Args:
        actors: the router's own, by name.
        found: the targets behind a name that only a provider's own list has.
        numbers: what was counted of these providers.
    """

    edition: Editions
    health: Snapshot[HealthView]
    costs: Callable[[], Costs]
    facts: Callable[[], Mapping[Target, ModelFacts]]
    actors: Mapping[str, Ref]
    metrics: Callable[[], bytes]
    unread_since_s: Snapshot[float | None]
    prices: Snapshot[PriceBook]
    found: Callable[[str], tuple[Target, ...]]
    numbers: Callable[[Iterable[str]], dict[str, ProviderNumbers]]


class TreeDesk:
    """See `actors.messages.Desk`."""

    def __init__(self, *, door: Door, views: Views, ports: Ports, accesses: Accesses) -> None:
        self._door = door
        self._views = views
        self._ports = ports
        self._started_s = ports.clock.now()
        self._accesses = accesses

    def open(self, call: Call) -> Opened:
        """Start an exchange. Raises `Unavailable` while draining or while the front is being restarted."""
        return self._door.open(call, self._views.edition.value.wiring)

    def identify(self, key: str) -> Caller:
        """Who shows this key. Raises as `policy.keyring.identify`."""
        ring, since_s = self._views.edition.value.ring, self._views.unread_since_s.value
        unread_s = None if since_s is None else self._ports.clock.now() - since_s
        return identify(ring, key, self._ports.wall.now(), unread_s)

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        return self._ports.ids.new(prefix)

    def now_at(self) -> float:
        """Epoch seconds."""
        return self._ports.wall.now()

    def trace_id(self) -> str:
        """A fresh trace id, 32 hex digits, never all zero."""
        return f"{self._ports.rng.getrandbits(128) or 1:032x}"

    @property
    def ready(self) -> bool:
        """Whether new work is taken."""
        return self._door.ready

    def models(self) -> tuple[ModelCard, ...]:
        """Every name a caller may ask for."""
        return cards_of(self._views.edition.value, self._views.facts())

    def abilities(self) -> dict[str, ProviderAbilities]:
        """What every model can do."""
        return abilities_of(self._views.edition.value, self._views.facts())

    def health(self) -> HealthReport:
        """How everything is now."""
        view, edition, now = self._views.health.value, self._views.edition.value, self._ports.clock.now()
        providers = {
            name: structs.replace(_report(name, seen, view, now), targets=_targets(seen, edition.slow_start_s, now))
            for name, seen in edition.providers.items()
        }
        reasons = tuple(self._reasons(providers, view))
        well = sum(report.healthy for report in providers.values())
        return HealthReport(
            status=status_of(ready=self.ready, well=well, reasons=reasons),
            reasons=reasons,
            providers=providers,
            total_requests=view.total_requests,
            success_rate=view.success_rate if view.total_requests else 1.0,
            avg_response_time_ms=view.avg_response_ms or 0.0,
            in_flight=self._door.count,
            config_version=edition.view.version,
            config_number=edition.view.number,
            config_pending=edition.view.pending,
            config_changes=edition.view.changes,
            uptime_s=self._ports.clock.now() - self._started_s,
            ledger_degraded=self._views.costs().degraded,
            actors={name: ref.alive for name, ref in self._views.actors.items()},
        )

    def metrics(self) -> bytes:
        """All metrics in Prometheus' text form."""
        return self._views.metrics()

    def numbers(self) -> dict[str, ProviderNumbers]:
        """What was counted of each configured provider."""
        return self._views.numbers(self._views.edition.value.providers)

    def estimates(self, request: Estimable) -> Estimates | None:
        """What a request would cost on each target of its name."""
        routes = (route for route in self._views.edition.value.routes if route.name == request.model)
        route = next(routes, None)
        targets = (
            self._views.found(request.model)
            if route is None
            else route.able.get(_OPERATIONS[type(request)], route.targets)
        )
        if not targets:
            return None
        return estimates_of(request, targets, self._views.prices.value, self._views.facts(), self._ports.wall.now())

    async def inquire(self, message: Inquiry) -> Finding:
        """What Telemetry, the Cache or the Ledger answers."""
        whom = next((name for name, asked in _ASKED.items() if isinstance(message, asked)), "ledger")
        within_s = ERASE_S if isinstance(message, EraseUser) else INQUIRY_S
        answer: Finding = await self._ask(whom, message, within_s, "this cannot be read now")
        return answer

    async def configure(self, message: ConfigAsk) -> ConfigAnswer:
        """What the Config actor answers."""
        answer: ConfigAnswer = await self._ask(
            "config", message, CONFIG_S, "the configuration cannot be read or changed now"
        )
        return answer

    async def _ask(self, whom: str, message: object, within_s: float, otherwise: str) -> Any:
        """An actor's answer. Raises `Unavailable`, in words, when there is none."""
        return await self._answer(self._views.actors[whom], message, within_s, otherwise)

    async def _answer(self, ref: Ref, message: object, within_s: float, otherwise: str) -> Any:
        try:
            return await ref.ask(message, timeout_s=within_s)
        except (ActorDead, AskTimeout, MailboxFull) as error:
            raise Unavailable(otherwise, reason=Reason.PART_DOWN, retry_after_s=1.0) from error

    async def reopen_keys(self, provider: str, by: str) -> KeysReopened | None:
        """As the Protocol says."""
        view = self._views.edition.value.providers.get(provider)
        pacer = None if view is None else view.pacer
        answer: KeysReopened | None = None
        if pacer is not None:
            answer = await self._answer(pacer, ReopenKeys(), INQUIRY_S, "the provider's keys cannot be changed now")
        self.admin_acted(by, "keys.retry", f"providers.{provider}", "missing" if answer is None else "taken")
        return answer

    def admin_acted(self, by: str, act: str, subject: str, outcome: str) -> None:
        """Have an administrative act kept and logged."""
        fact = AdminActed(by=by, act=act, subject=subject, outcome=outcome, at=self._ports.wall.now())
        for name in ("ledger", "telemetry"):
            self._views.actors[name].tell(fact)

    def accessed(self, by: str, subject: str, outcome: str) -> None:
        """As the Protocol says. What was allowed is in the request log anyway."""
        fact = self._accesses.note(by, subject, outcome)
        if fact is None:
            return
        self._views.actors["ledger"].tell(fact)
        if outcome != ALLOWED:
            self._views.actors["telemetry"].tell(fact)

    def _reasons(self, providers: Mapping[str, ProviderReport], view: HealthView) -> Iterator[str]:
        """What speaks against `healthy`, the nearest to callers first."""
        requests = Record(whose="requests", success_rate=view.success_rate, counted=view.counted)
        records = (
            Record(whose=f"provider {name}", success_rate=report.success_rate, counted=report.requests)
            for name, report in providers.items()
            if report.healthy
        )
        yield from filter(None, map(complaint_of, (requests, *records)))
        for name, report in providers.items():
            if not report.healthy:
                yield f"provider {name} is not healthy"
        yield from (f"actor {name} is down" for name, ref in self._views.actors.items() if not ref.alive)
        if self._views.costs().degraded:
            yield "the account cannot be written where it is kept; entries wait"


def _report(name: str, seen: ProviderView, view: HealthView, now: float) -> ProviderReport:
    """Healthy: its unit runs, not every one of its circuits is open, one of its keys may be used, and it did not
    lately fail more than it answered: what a rest does not mend, such as a wrong key, opens no circuit."""
    health = view.providers.get(name) or ProviderHealth(
        health_score=1.0, success_rate=None, avg_response_ms=None, attempts=0
    )
    states = [state.state for state in seen.breakers.value.values()]
    circuit = max(states, key=lambda state: _WORST[state], default=str(Phase.CLOSED))
    alive = seen.ref is not None and seen.ref.alive
    all_open = bool(states) and len(states) >= len(seen.models) and all(state == Phase.OPEN for state in states)
    keys = {lane.name: lane.why.value if now < lane.shut_until_s else READY for lane in seen.pace.value.lanes}
    return ProviderReport(
        healthy=alive
        and not all_open
        and any(state in _USABLE for state in keys.values())
        and health.health_score >= _WELL,
        circuit_state=circuit,
        health_score=round(health.health_score, 4) if alive else 0.0,
        success_rate=None if health.success_rate is None else round(health.success_rate, 4),
        requests=health.attempts,
        models=seen.models,
        keys=keys,
        last_error=seen.absent or (health.last_error.value if health.last_error else None),
    )


def _targets(seen: ProviderView, slow_start_s: float, now: float) -> dict[str, TargetReport]:
    pulses, breakers, limits = seen.pulses.value, seen.breakers.value, seen.timeouts
    reports: dict[str, TargetReport] = {}
    for model, pulse in pulses.models.items():
        state = breakers.get(model)
        since_s = later_of(pulses.since_s, None if state is None else state.closed_since_s)
        limit_s = learned_limit_s(pulse, limits.first_token_s) if limits.learn else limits.first_token_s
        reports[model] = TargetReport(
            in_flight=pulse.in_flight,
            first_token_ms=_ms(pulse.streamed.typical_s),
            first_token_peak_ms=_ms(faded_s(pulse, now, streamed=True)),
            whole_ms=_ms(pulse.whole.typical_s),
            first_token_limit_ms=round(limit_s * 1000, 1),
            share=round(share_of(since_s, now, slow_start_s), 3),
        )
    return reports


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
