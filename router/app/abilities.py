"""Which targets of a name may be asked for what."""

from __future__ import annotations

from msgspec.structs import replace

from router.app.seats import Seat
from router.canon.operation import Operation
from router.policy.ability import Ability, ability_of, choose_able
from router.policy.catalog import AUTO, RouteSpec


def enabled(routes: tuple[RouteSpec, ...], seats: tuple[Seat, ...]) -> tuple[RouteSpec, ...]:
    """The routes, each with those of its targets that may be asked for each operation."""
    by_name = {seat.name: seat for seat in seats}
    known = {
        (seat.name, model.name, operation): _ability(by_name[seat.name], model.name, operation)
        for seat in seats
        for model in seat.models
        for operation in Operation
    }
    return tuple(_enabled(route, known) for route in routes)


def _enabled(route: RouteSpec, known: dict[tuple[str, str, Operation], Ability]) -> RouteSpec:
    able = {}
    for operation in Operation:
        told = tuple(
            (target, known.get((target.provider, target.model, operation), Ability.NONE)) for target in route.targets
        )
        able[operation] = choose_able(told, guess=route.name != AUTO)
    return replace(route, able=able)


def _ability(seat: Seat, name: str, operation: Operation) -> Ability:
    model = next(model for model in seat.models if model.name == name)
    kind = seat.kind.spoken(seat.base_url, model.upstream)
    return ability_of(operation, model.upstream, stated=model.operations, offered=operation in kind.endpoints)
