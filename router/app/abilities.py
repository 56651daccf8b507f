"""Which targets of a name may be asked for what."""

from __future__ import annotations

from msgspec.structs import replace

from router.app.seats import Seat
from router.canon.operation import Operation
from router.canon.target import Target
from router.policy.catalog import AUTO, RouteSpec
from router.policy.fitness import Fitness, choose_able, fitness_of


def enabled(routes: tuple[RouteSpec, ...], seats: tuple[Seat, ...]) -> tuple[RouteSpec, ...]:
    """The routes, each with those of its targets that may be asked for each operation."""
    by_name = {seat.name: seat for seat in seats}
    targets = dict.fromkeys(target for route in routes for target in route.targets)
    known = {
        (target, operation): _fitness(by_name[target.provider], target.model, operation)
        for target in targets
        for operation in Operation
    }
    return tuple(_enabled(route, known) for route in routes)


def _enabled(route: RouteSpec, known: dict[tuple[Target, Operation], Fitness]) -> RouteSpec:
    able = {}
    for operation in Operation:
        told = tuple((target, known[target, operation]) for target in route.targets)
        able[operation] = choose_able(told, guess=route.name != AUTO)
    return replace(route, able=able)


def _fitness(seat: Seat, name: str, operation: Operation) -> Fitness:
    """Of a model that a provider is to list itself, by whatever name, no more is known than its kind and its name."""
    model = next((model for model in seat.models if model.name == name), None)
    if model is None and not seat.settings.discovers:
        return Fitness.NONE
    upstream, stated = (name, None) if model is None else (model.upstream, model.operations)
    kind = seat.kind.spoken(seat.base_url, upstream)
    return fitness_of(operation, upstream, stated=stated, offered=operation in kind.endpoints)
