"""One provider's actors, and what its attempts share: its transport, its address, its credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import Struct, convert, structs

from actors.attempt import Attempt
from actors.attempt import Line as AttemptLine
from actors.breaker import Breaker
from actors.edition import ProviderView
from actors.pace import Pace
from actors.provider import MakeTransport, Provider, Spawn
from actors.runtime import Job, Ports, Ref
from actors.tree import Unit
from router.app.rules import pace_rules
from router.app.seats import Seat
from router.canon.target import Timeouts
from router.policy.breaker import BreakerRules
from router.policy.throttle import ThrottleRules
from router.providers.kind import with_parameters
from router.upstream.aws import SigningTransport, SigV4
from router.upstream.http import HttpTransport
from router.upstream.llama.options import LlamaOptions
from router.upstream.llama.transport import LlamaTransport
from router.upstream.transport import Transport
from router.wire.dialect import Dialect


class Workshop(Struct, frozen=True, kw_only=True):
    """What the units of all providers are made with.

    Args:
        ref: the parts of an actor's path below the root -> its ref.
        dialects: every dialect by name.
        clean: takes the secrets this router knows out of a text.
        transport: stands in for the real transports, by provider name; None takes the real ones.
    """

    ports: Ports
    ref: Callable[..., Ref]
    dialects: Mapping[str, Dialect]
    clean: Callable[[str], str]
    transport: Callable[[str], MakeTransport] | None = None


class UnitRules(Struct, frozen=True, kw_only=True):
    """What all units take from sections that are no provider's. Where it changes, all units do.

    Args:
        breaker: when a circuit opens.
        throttle: when requests are held back from who mostly refuses.
        refused_key_s: how long a refused key is not used; None: until the configuration changes.
    """

    breaker: BreakerRules
    throttle: ThrottleRules
    refused_key_s: float | None


def unit_of(seat: Seat, name: str, view: ProviderView, rules: UnitRules, shop: Workshop) -> Unit:
    """One provider's actors. `attempts` is shared so that a restarted Pace finds who holds its slots.

    Args:
        name: of the unit in the tree.
        view: where its actors publish.
    """
    attempts: dict[Job, Attempt] = {}
    pace = pace_rules(seat.settings, rules.throttle, rules.refused_key_s)
    make_transport = shop.transport(seat.name) if shop.transport else partial(_transport, seat, shop.ports)
    return Unit(
        name=name,
        serves=seat.name,
        attempts=lambda: tuple(attempts),
        pace=lambda: Pace(
            provider=seat.name,
            rules=pace,
            published=view.pace,
            breakers=view.breakers,
            telemetry=shop.ref("telemetry"),
            live=lambda: tuple((job, attempt.grant) for job, attempt in attempts.items()),
        ),
        breaker=lambda: Breaker(
            provider=seat.name,
            rules=rules.breaker,
            published=view.breakers,
            telemetry=shop.ref("telemetry"),
            keys=tuple(key.name for key in seat.settings.keys),
        ),
        provider=lambda: Provider(
            models=frozenset(model.name for model in seat.models),
            make_transport=make_transport,
            make_line=partial(_line, seat, name, view, shop),
            attempts=attempts,
        ),
    )


def _transport(seat: Seat, ports: Ports, spawn: Spawn) -> Transport:
    """How bytes reach the provider: a worker process for what runs here, HTTP for all else; AWS without a key is
    signed for."""
    if seat.settings.local is not None:
        local = structs.asdict(seat.settings.local)
        options = LlamaOptions(**{**local, "models_dir": str(seat.settings.local.models_dir)})
        return LlamaTransport(options, ports, spawn=spawn)
    if seat.kind.aws_service is not None and not seat.settings.keys[0].key:
        return SigningTransport(HttpTransport(), SigV4(seat.kind.aws_service, ports.wall.now))
    return HttpTransport()


def _line(seat: Seat, unit: str, view: ProviderView, shop: Workshop, transport: Transport) -> AttemptLine:
    kind, provider = seat.kind, seat.settings
    base_url = (provider.base_url or kind.base_url or "").rstrip("/")
    extra = {name.lower(): value.reveal() for name, value in provider.headers.items()}
    return AttemptLine(
        provider=seat.name,
        dialect=kind.dialect,
        dialects=shop.dialects,
        transport=transport,
        address=lambda model, stream: with_parameters(kind.address(base_url, model, stream), provider.query),
        headers={
            key.name: tuple(
                {**dict(kind.headers), **dict(kind.auth(key.key.reveal() if key.key else "")), **extra}.items()
            )
            for key in provider.keys
        },
        timeouts=convert(provider.timeouts, Timeouts, from_attributes=True),
        upstream={model.name: model.upstream for model in seat.models},
        pace=shop.ref("providers", unit, "pace"),
        breaker=shop.ref("providers", unit, "breaker"),
        retry=shop.ref("retry"),
        ledger=shop.ref("ledger"),
        telemetry=shop.ref("telemetry"),
        ports=shop.ports,
        clean=shop.clean,
        quirks=kind.quirks,
        relays=kind.relays,
        weighs=bool(provider.tokens_per_min or kind.limits),
        keys=lambda: view.pace.value,
        limits=kind.limits,
    )
