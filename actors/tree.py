"""The tree as data, in start order; it stops in reverse.

    root                one_for_one
      config            which configuration is in force
      ledger            what every attempt cost
      telemetry         metrics, scores, traces, logs
      limits            who may come in
      cache             whole answers
      conversations     answers that callers go on from by their id
      capability        what each model can do
      providers         dynamic: a unit for each provider
        <unit>          one_for_one: pace, breaker, provider, and a scout where its models are to be found
      retry             retry budgets
      groups            dynamic: a FailoverGroup for each public name
      front             the server; exchanges are its jobs

Nobody's crash reaches further than what depends on it: every child is permanent, and a unit that gives up is brought
back by `providers` with a growing wait.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from msgspec import Struct

from actors.runtime import Actor, Backoff, ChildSpec, DynamicSupervisor, Intensity, Job, Supervisor, SupervisorSpec

MakeActor = Callable[[], Actor]

ROOT = "root"

UNIT_INTENSITY = Intensity(restarts=5, period_s=10.0)
"""How often the actors of one unit may crash together before the unit goes down alone."""

ROOT_INTENSITY = Intensity(restarts=10, period_s=10.0)
"""How often the router's own actors may crash before it ends, with a non-zero status, for an init system to start
anew."""

RETURN = Backoff(first_s=0.2, cap_s=30.0, reset_after_s=60.0)
"""How a unit or a group that gave up comes back."""


class Unit(Struct, frozen=True, kw_only=True):
    """One provider's actors.

    Args:
        name: in the tree.
        serves: the provider's configured name.
        attempts: the attempts that run on it.
    """

    name: str
    serves: str
    pace: MakeActor
    breaker: MakeActor
    provider: MakeActor
    scout: MakeActor | None = None
    attempts: Callable[[], tuple[Job, ...]] = tuple


class Blueprint(Struct, frozen=True, kw_only=True):
    """A maker for each actor of the tree.

    Args:
        units: those to begin with, each time their supervisor does.
        groups: by their name in the tree, likewise.
        drain_s: how long the front may take to stop: lame duck, drain and farewell together.
        flush_s: how long ledger and telemetry may take to write what they hold.
    """

    config: MakeActor
    ledger: MakeActor
    telemetry: MakeActor
    limits: MakeActor
    cache: MakeActor
    conversations: MakeActor
    capability: MakeActor
    units: Callable[[], tuple[Unit, ...]]
    retry: MakeActor
    groups: Callable[[], tuple[tuple[str, MakeActor], ...]]
    front: MakeActor
    drain_s: float
    flush_s: float = 10.0


def path(*parts: str) -> str:
    """The path of an actor below the root; a part may hold any character."""
    return "/".join((ROOT, *(quote(part, safe=":@") for part in parts)))


def tree(blueprint: Blueprint) -> SupervisorSpec:
    """The root's children."""
    flush_s = blueprint.flush_s
    return SupervisorSpec(
        children=(
            ChildSpec(name="config", start=blueprint.config),
            ChildSpec(name="ledger", start=blueprint.ledger, shutdown_s=flush_s, finishes=True),
            ChildSpec(name="telemetry", start=blueprint.telemetry, shutdown_s=flush_s),
            ChildSpec(name="limits", start=blueprint.limits),
            ChildSpec(name="cache", start=blueprint.cache),
            ChildSpec(name="conversations", start=blueprint.conversations),
            ChildSpec(name="capability", start=blueprint.capability),
            ChildSpec(name="providers", start=lambda: _dynamic(tuple(map(unit_spec, blueprint.units())))),
            ChildSpec(name="retry", start=blueprint.retry),
            ChildSpec(name="groups", start=lambda: _dynamic(tuple(group_spec(*group) for group in blueprint.groups()))),
            ChildSpec(name="front", start=blueprint.front, shutdown_s=blueprint.drain_s + 5.0),
        ),
        intensity=ROOT_INTENSITY,
    )


def _dynamic(initial: tuple[ChildSpec, ...]) -> DynamicSupervisor:
    return DynamicSupervisor(backoff=RETURN, initial=initial)


def unit_spec(unit: Unit) -> ChildSpec:
    """A unit as a child of `providers`."""
    children: tuple[ChildSpec, ...] = (
        ChildSpec(name="pace", start=unit.pace),
        ChildSpec(name="breaker", start=unit.breaker),
        ChildSpec(name="provider", start=unit.provider, shutdown_s=10.0),
    )
    if unit.scout is not None:
        children = (*children, ChildSpec(name="scout", start=unit.scout, shutdown_s=5.0))
    spec = SupervisorSpec(children=children, intensity=UNIT_INTENSITY)
    return ChildSpec(name=quote(unit.name, safe=":@"), start=lambda: Supervisor(spec), backoff=RETURN)


def group_spec(name: str, start: MakeActor) -> ChildSpec:
    """A failover group as a child of `groups`."""
    return ChildSpec(name=quote(name, safe=":@"), start=start, backoff=RETURN)
