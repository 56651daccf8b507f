"""One provider's actors, and what its attempts share: its transport, its address, its credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from msgspec import Struct, convert

from actors.attempt import Attempt
from actors.breaker import Breaker
from actors.draft import Way
from actors.draining import Drains
from actors.edition import ProviderView
from actors.line import Line
from actors.pace import Pace
from actors.provider import MakeTransport, Provider
from actors.pulses import Pulses
from actors.runtime import Job, Ports, Ref, Snapshot
from actors.scout import Ends, Errand, Found, Scout
from actors.tree import Unit
from router.app.rules import pace_rules
from router.app.seats import Seat, prefix_of
from router.app.transports import headers_of, transport_of
from router.canon.operation import Operation
from router.canon.target import Timeouts
from router.policy.breaker import BreakerRules
from router.policy.gauge import Gauge
from router.policy.throttle import ThrottleRules
from router.providers.kind import Endpoint, Kind, with_parameters
from router.providers.prefix import Prefix
from router.settings import Model
from router.settings import Provider as Provided
from router.upstream.faulty import FaultyTransport
from router.upstream.transport import Transport
from router.wire.dialect import Codec


class Workshop(Struct, frozen=True, kw_only=True):
    """What the units of all providers are made with.

    Args:
        ref: the parts of an actor's path below the root -> its ref.
        codecs: what callers speak, by name.
        clean: takes the secrets this router knows out of a text.
        gauges: public target name -> how many bytes its tokens have.
        transport: stands in for the real transports, by provider name; None takes the real ones.
    """

    ports: Ports
    ref: Callable[..., Ref]
    codecs: Mapping[str, Codec]
    clean: Callable[[str], str]
    gauges: Callable[[], Mapping[str, Gauge]] = dict
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
    pulses = Pulses(view.pulses, shop.ports)
    pace = pace_rules(seat.settings, rules.throttle, rules.refused_key_s)
    make_transport = shop.transport(seat.name) if shop.transport else partial(transport_of, seat, shop.ports)
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
            make_transport=make_transport,
            make_lines=partial(_lines, Site(seat=seat, unit=name, view=view, shop=shop, pulses=pulses)),
            attempts=attempts,
            pulses=pulses,
        ),
        scout=None if view.found is None else partial(_scout, seat, view.found, shop, make_transport),
    )


def clocks_of(seat: Seat) -> Timeouts:
    """The clocks of its attempts."""
    return convert(seat.settings.timeouts, Timeouts, from_attributes=True)


class Site(Struct, frozen=True, kw_only=True):
    """Where the attempts at one provider run: `unit` is its name in the tree."""

    seat: Seat
    unit: str
    view: ProviderView
    shop: Workshop
    pulses: Pulses


def _scout(seat: Seat, found: Snapshot[Found], shop: Workshop, make_transport: MakeTransport) -> Scout:
    kind = seat.kind.spoken(seat.base_url, "")
    survey = kind.survey
    assert survey is not None
    errand = Errand(
        provider=seat.name,
        survey=lambda: survey(seat.base_url),
        headers=headers_of(seat, kind, seat.settings.keys[0]),
        connect_s=seat.settings.timeouts.connect_s,
        every_s=seat.settings.models_every_s,
    )
    ends = Ends(published=found, capability=shop.ref("capability"), telemetry=shop.ref("telemetry"))
    return Scout(errand, make_transport=make_transport, ends=ends)


def _lines(site: Site, transport: Transport) -> Callable[[str], Line | None]:
    """What the attempts at each model share, made when first asked for: a kind may speak to each in another way."""
    models = {model.name: model for model in site.seat.models}
    made: dict[str, Line] = {}

    drains = _drains(site.seat.settings)

    def line(model: str) -> Line | None:
        if model not in made and (model in models or site.seat.settings.discovers):
            named = models.get(model) or Model(name=model, upstream=model, context_window=None, price=None)
            made[model] = _line(site, transport, named, drains)
        return made.get(model)

    return line


JSON = {"content-type": "application/json"}
"""What every request says of its body, whatever was configured."""


def _line(site: Site, transport: Transport, model: Model, drains: Drains) -> Line:
    seat, shop = site.seat, site.shop
    base_url, provider = seat.base_url, seat.settings
    kind = seat.kind.spoken(base_url, model.upstream)
    return Line(
        provider=seat.name,
        dialect=kind.dialect,
        codecs=shop.codecs,
        transport=transport,
        ways=_ways(kind, base_url, provider.query, prefix_of(seat, model)),
        headers={key.name: tuple(dict(headers_of(seat, kind, key), **JSON).items()) for key in provider.keys},
        withheld=kind.withheld,
        timeouts=clocks_of(seat),
        upstream={model.name: model.upstream},
        pace=shop.ref("providers", site.unit, "pace"),
        breaker=shop.ref("providers", site.unit, "breaker"),
        retry=shop.ref("retry"),
        ledger=shop.ref("ledger"),
        limits_ref=shop.ref("limits"),
        telemetry=shop.ref("telemetry"),
        ports=shop.ports,
        pulses=site.pulses,
        inject=partial(FaultyTransport, transport),
        clean=shop.clean,
        weighs=bool(provider.tokens_per_min or kind.limits),
        gauges=shop.gauges,
        drains=drains,
        keys=lambda: site.view.pace.value,
        limits=kind.limits,
    )


def _drains(provider: Provided) -> Drains:
    return Drains(most=provider.max_drains if provider.on_disconnect == "drain" else 0, seconds=provider.drain_s)


def _ways(kind: Kind, base_url: str, query: Mapping[str, str], prefix: Prefix | None) -> dict[Operation, Way]:
    """How each operation is asked for that this provider has."""
    codecs = kind.dialect.codecs
    return {
        operation: Way(
            codec=codecs[operation],
            # Of the models that are served, each streamed or not: made once, and not by each request.
            address=lru_cache(maxsize=256)(partial(_address, endpoint, base_url, query)),
            quirks=endpoint.quirks,
            relays=endpoint.relays,
            prefix=prefix if operation is Operation.CHAT else None,
            tool_names=kind.dialect.tool_names,
        )
        for operation, endpoint in kind.endpoints.items()
    }


def _address(endpoint: Endpoint, base_url: str, query: Mapping[str, str], model: str, stream: bool) -> str:
    return with_parameters(endpoint.url(base_url, model, stream), query)
