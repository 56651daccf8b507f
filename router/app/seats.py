"""What a configuration means here: each provider with its kind and its models, and every name a caller may use."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict, replace

from router.app.rules import course
from router.canon.ability import UNSAID, Ability, Traits
from router.canon.target import Target
from router.policy.affinity import Affinity
from router.policy.catalog import Dispatch, Listing, Manner, RouteSpec, build_routes
from router.policy.choose import ChoiceRules, Strategy
from router.providers import find_installed
from router.providers.kind import Kind
from router.providers.prefix import Prefix, Style
from router.settings import Failover, FailoverGroup, KindRules, Model, Settings
from router.settings import Provider as ProviderSettings
from router.upstream.llama.gguf import discover

OPEN = "all that was found"
"""With blanks, which no group's name may have."""


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

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at its end: as it was written, as its credentials say, or its kind's."""
        provider, located = self.settings, None
        section = getattr(provider, self.kind.grant, None) if self.kind.grant else None
        if self.kind.locate is not None and section is not None:
            located = self.kind.locate({name: value for name, value in asdict(section).items() if type(value) is str})
        return (provider.base_url or located or self.kind.base_url or "").rstrip("/")


def with_leaving(seat: Seat, before: Seat | None) -> Seat:
    """A seat with the models too that the one before it had: attempts at these may be under way still."""
    named = {model.name for model in seat.models}
    left = (model for model in before.models if model.name not in named) if before is not None else ()
    return replace(seat, models=(*seat.models, *left))


def kind_rules() -> dict[str, KindRules]:
    """What the installed kinds ask of a configuration."""
    found = find_installed()
    broken = {name: KindRules(broken=why) for name, why in found.broken.items()}
    return broken | {
        kind.name: KindRules(
            needs_base_url=kind.base_url is None,
            needs_key=kind.needs_key,
            local=kind.local,
            lists=kind.survey is not None,
            grant=kind.grant,
            located_by=kind.located_by,
        )
        for kind in found.kinds.values()
    }


def seat_of(provider: ProviderSettings, kind: Kind) -> Seat:
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


def routes_of(settings: Settings, seats: tuple[Seat, ...]) -> tuple[RouteSpec, ...]:
    """Every public name. A target whose provider is off or absent is left out, and so is a group of only such."""
    present = {seat.name: seat for seat in seats if not seat.absent}
    listings = tuple(
        Listing(
            provider=seat.name,
            # Of a server of one's own any model will do; what one pays for has to be named before `auto` takes it.
            models=tuple(model.name for model in seat.models) or (("",) if not seat.kind.needs_key else ()),
            dispatch=Dispatch(seat.settings.dispatch),
        )
        for seat in present.values()
    )
    groups = tuple(
        _route(name, group, present, settings.failover.slow_start_s) for name, group in settings.failover_groups.items()
    )
    return build_routes(listings, tuple(group for group in groups if group.targets), _manner(settings))


def open_route_of(settings: Settings) -> RouteSpec:
    """The route of every model that a provider lists and no configuration names; its own name is none a caller has."""
    rest = _manner(settings)
    return RouteSpec(name=OPEN, targets=(), rules=rest.rules, max_attempts=rest.max_attempts, course=rest.course)


def _manner(settings: Settings) -> Manner:
    rest = settings.failover
    return Manner(rules=_rules(rest, rest.slow_start_s), max_attempts=rest.max_attempts, course=course(rest))


def _route(name: str, group: FailoverGroup, present: Mapping[str, Seat], slow_start_s: float) -> RouteSpec:
    weights = {
        Target(provider=ref.provider, model=ref.model or _first(present[ref.provider])): weight
        for ref, weight in zip(group.targets, group.weights, strict=True)
        if ref.provider in present
    }
    return RouteSpec(
        name=name,
        targets=tuple(weights),
        rules=_rules(group, slow_start_s),
        max_attempts=group.max_attempts,
        weights={target: weight for target, weight in weights.items() if weight != 1.0},
        course=course(group),
    )


def _rules(said: FailoverGroup | Failover, slow_start_s: float) -> ChoiceRules:
    return ChoiceRules(strategy=Strategy(said.strategy), affinity=Affinity(said.affinity), slow_start_s=slow_start_s)


def prefix_of(seat: Seat, model: Model) -> Prefix | None:
    """How a model goes on with the beginning of an answer; what an operator says of it wins, that it is able to with
    `can` or `cannot` as well as how. None: it does not."""
    kind = seat.kind.spoken(seat.base_url, model.upstream)
    known = kind.prefix
    if kind.dialect.turn is None or model.prefix == "off" or Ability.PREFILL in model.cannot:
        return None
    if model.prefix is not None:
        return replace(known or Prefix(), style=Style(model.prefix))
    if Ability.PREFILL in model.can:
        return known or Prefix()
    return known if known is not None and known.accepts(model.upstream) else None


def prefill_of(seat: Seat, model: Model) -> Traits:
    """The same as an ability that callers can ask for; nothing is said of a model whose kind nobody knows it of."""
    if prefix_of(seat, model) is not None:
        return Traits(can=(Ability.PREFILL,))
    refused = model.prefix == "off" or seat.kind.spoken(seat.base_url, model.upstream).prefix is not None
    return Traits(cannot=(Ability.PREFILL,)) if refused else UNSAID


def continuing(seats: tuple[Seat, ...]) -> frozenset[Target]:
    """The targets that go on with the beginning of an answer."""
    return frozenset(
        Target(provider=seat.name, model=model.name)
        for seat in seats
        for model in seat.models
        if prefix_of(seat, model) is not None
    )


def _first(seat: Seat) -> str:
    """The first of a provider's models; none yet of one that is to list them itself."""
    return seat.models[0].name if seat.models else ""


def absent_groups(settings: Settings, seats: tuple[Seat, ...]) -> tuple[str, ...]:
    """The groups that `routes_of` leaves out: callers are told that no such model is known."""
    present = {seat.name for seat in seats if not seat.absent}
    groups = settings.failover_groups.items()
    return tuple(name for name, group in groups if not present & {ref.provider for ref in group.targets})


def upstream_names(seats: tuple[Seat, ...]) -> dict[Target, str]:
    """Every configured target, with its provider's own name for its model."""
    return {Target(provider=seat.name, model=model.name): model.upstream for seat in seats for model in seat.models}
