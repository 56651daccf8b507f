"""The client keys of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from router.canon.caching import CacheScope
from router.canon.caller import Caller
from router.canon.target import Target
from router.canon.usage import Usage
from router.policy.bounds import Bounds, Budget, Limit, Period
from router.policy.catalog import RouteSpec
from router.policy.gauge import UNTAUGHT, Gauge, reserved_ratio
from router.policy.keyring import Held, Ring, digest_of
from router.settings import BudgetKeys, ClientKeys, Settings, moment_at


def ring_of(settings: Settings) -> Ring:
    """Every key by its digest, those included that were rotated out and still work."""
    held: dict[str, Held] = {}
    for name, client in settings.keys.items():
        caller, until_at = caller_of(name, client), _moment(client.expires)
        if client.previous_sha256 is not None:
            ends = (_moment(client.previous_until), until_at)
            held[client.previous_sha256] = Held(caller=caller, until_at=min(at for at in ends if at is not None))
        digest = digest_of(client.key.reveal()) if client.key else client.sha256
        assert digest is not None
        held[digest] = Held(caller=caller, until_at=until_at)
    server = settings.server
    return Ring(held=held, required=bool(server.keys_required), stale_s=server.keys_stale_s)


def caller_of(name: str, client: ClientKeys) -> Caller:
    """A key as it travels with its requests."""
    return Caller(
        id=name,
        owner=client.owner,
        group=client.group,
        models=client.models,
        endpoints=client.endpoints,
        cache=CacheScope(on=client.cache, tool_calls=client.cache_tool_calls),
        keeps=client.keep,
        transcripts=client.transcripts,
    )


def bounds_of(settings: Settings) -> dict[str, Bounds]:
    """What bounds each key, by its name; "" is who comes without one. Who is not bound is not in it."""
    named = {"": ClientKeys(), **settings.keys}
    found = {name: _bounds(name, client, settings.budgets) for name, client in named.items()}
    return {name: bounds for name, bounds in found.items() if bounds}


def _bounds(name: str, client: ClientKeys, budgets: Mapping[str, BudgetKeys]) -> Bounds:
    whose = {"overall": "all", "key": name, "owner": client.owner, "group": client.group}
    own = (client.requests_per_min, client.tokens_per_min, client.max_parallel)
    return Bounds(
        limit=Limit(purse=f"key {name}", requests=own[0], tokens=own[1], parallel=own[2]) if any(own) else None,
        budgets=tuple(
            Budget(
                purse=f"{each} {budget.scope} {whose[budget.scope]} {budget.period}",
                name=each,
                period=Period(budget.period),
                tokens=budget.tokens,
                usd=budget.usd,
                hard=budget.hard,
                allows_unpriced=budget.unpriced == "allow",
            )
            for each, budget in budgets.items()
            if whose[budget.scope] and budget.only in (None, whose[budget.scope])
        ),
    )


def dearest(
    routes: tuple[RouteSpec, ...], price: Callable[[Target, Usage | None], Decimal | None]
) -> Callable[[str, int, int, str | None], Decimal | None]:
    """What an answer of so many tokens costs at most at the dearest target of a public name; None where one has no
    price. Who is asked for a service tier may serve in it or not: the dearer counts."""
    targets = {route.name: route.targets for route in routes}

    def quote(model: str, prompt: int, answer: int, tier: str | None) -> Decimal | None:
        served = [Usage(input=prompt, output=answer, tier=each) for each in dict.fromkeys((None, tier))]
        prices = [price(target, usage) for target in targets.get(model, ()) for usage in served]
        known = [usd for usd in prices if usd is not None]
        return max(known) if known and len(known) == len(prices) else None

    return quote


def densest(routes: tuple[RouteSpec, ...], gauges: Callable[[], Mapping[str, Gauge]]) -> Callable[[str], float]:
    """Bytes of a token to reserve by, for a prompt that any target of a public name may get."""
    names = {route.name: tuple(map(str, route.targets)) for route in routes}

    def ratio(model: str) -> float:
        learned = gauges()
        return min(
            (reserved_ratio(learned.get(name, UNTAUGHT)) for name in names.get(model, ())), default=UNTAUGHT.prompt
        )

    return ratio


def _moment(said: str | None) -> float | None:
    return None if said is None else moment_at(said)
