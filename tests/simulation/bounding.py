"""Worlds whose callers have keys, limits and budgets, and what must hold of these."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from router.canon.caller import NOBODY, Caller
from router.canon.cost import USD_STEP

if TYPE_CHECKING:
    from tests.simulation.world import World

NAMES = ("ann", "bob", "cat")
_SECRET = "simulated-key-of-"

LASTS_S = 60.0
"""How long after its deadline a lease comes back that nobody gave back."""


def with_bounds(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The configuration with client keys, in half of the worlds; whoever shows none is not bound, and heard."""
    chance = Random(f"bounds {seed}")
    if chance.random() < 0.5:
        return settings
    keys = {name: {"key": _SECRET + name, "owner": chance.choice(("x", "y")), **_limits(chance)} for name in NAMES}
    budgets = {
        "each": {"scope": "key", "period": "total", "usd": chance.choice((0.01, 1, 1000))},
        "owners": {"scope": "owner", "period": "total", "tokens": chance.choice((2_000, 10**9)), "hard": False},
    }
    server = {**settings["server"], "keys_required": False}
    return {**settings, "server": server, "keys": keys, "budgets": budgets}


def caller_of(world: World, exchange: str) -> Caller:
    """Whose call it is; the same in every run of a seed."""
    if "keys" not in world.plan.settings:
        return NOBODY
    name = Random(f"caller {world.plan.seed} {exchange}").choice((*NAMES, ""))
    return world.assembly.desk.identify(_SECRET + name if name else "")


def budgets_are_the_ledger(world: World) -> Iterator[str]:
    """At rest nothing is held, and what is spent is what the entries of its keys cost; never more. A Limits actor that
    crashed, or another life, may not have been told of all."""
    spent: dict[str, Decimal] = dict.fromkeys(NAMES, Decimal(0))
    for row in world.account.rows.values():
        if row.key:
            spent[row.key] += row.cost_usd or Decimal(0)
    told_all = world.lives == 1 and not world.lost and not world.hurt_limits
    for name, purse in world.assembly._leases.purses.items():
        if told_all and purse.held:
            yield f"{name} still holds {purse.held}"
        if not name.startswith("each "):
            continue
        booked, own = purse.spent * USD_STEP, spent[name.split()[2]]
        if booked > own or (told_all and booked != own):
            yield f"{name} has spent {booked}, its entries cost {own}"


def _limits(chance: Random) -> dict[str, Any]:
    drawn = {
        "max_parallel": chance.choice((None, 1, 5)),
        "requests_per_min": chance.choice((None, 30, 1000)),
        "tokens_per_min": chance.choice((None, 5_000)),
    }
    return {name: value for name, value in drawn.items() if value is not None}
