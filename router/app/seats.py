"""What a configuration means here: each provider with its kind and its models, and every name a caller may use."""

from __future__ import annotations

from msgspec import Struct

from router.app.rules import course
from router.canon.target import Target
from router.policy.catalog import Dispatch, Listing, Manner, RouteSpec, build_routes
from router.policy.choose import Strategy
from router.providers import find_installed
from router.providers.kind import Kind
from router.settings import KindRules, Model, Settings
from router.settings import Provider as ProviderSettings
from router.upstream.llama.gguf import discover


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


def kind_rules() -> dict[str, KindRules]:
    """What the installed kinds ask of a configuration."""
    found = find_installed()
    broken = {name: KindRules(broken=why) for name, why in found.broken.items()}
    return broken | {
        kind.name: KindRules(needs_base_url=kind.base_url is None, needs_key=kind.needs_key, local=kind.local)
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
            course=course(group),
        )
        for name, group in settings.failover_groups.items()
    )
    general = settings.failover
    rest = Manner(strategy=Strategy(general.strategy), max_attempts=general.max_attempts, course=course(general))
    return build_routes(listings, tuple(group for group in groups if group.targets), rest)


def absent_groups(settings: Settings, seats: tuple[Seat, ...]) -> tuple[str, ...]:
    """The groups that `routes_of` leaves out: callers are told that no such model is known."""
    present = {seat.name for seat in seats if not seat.absent}
    groups = settings.failover_groups.items()
    return tuple(name for name, group in groups if not present & {ref.provider for ref in group.targets})


def configured_windows(seats: tuple[Seat, ...]) -> dict[Target, int | None]:
    """The context windows that operators wrote, in tokens."""
    return {
        Target(provider=seat.name, model=model.name): model.context_window for seat in seats for model in seat.models
    }
