"""An edition: one configuration, put to use."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actors.exchange import Wiring
from actors.messages import BreakerState, ConfigView, PaceView
from actors.pulses import PulseView
from actors.runtime import Ref, Snapshot
from actors.tree import MakeActor, Unit
from router.canon.target import Timeouts
from router.policy.catalog import RouteSpec
from router.policy.keyring import EMPTY, Ring
from router.providers.survey import FoundModel


class ProviderView(Struct, frozen=True, kw_only=True):
    """One configured provider, as far as it can be seen from outside its unit.

    Args:
        pace: its keys.
        pulses: what its attempts measure of its targets.
        timeouts: the clocks of its attempts.
        found: the models that it listed itself, by name; None for one that is not asked.
        pooled: whether it takes part where no provider is named.
        ref: its Provider actor; None for a provider that could not be set up, `absent` says why.
        pacer: its Pace actor, likewise.
    """

    models: tuple[str, ...]
    breakers: Snapshot[Mapping[str, BreakerState]]
    pace: Snapshot[PaceView]
    pulses: Snapshot[PulseView]
    timeouts: Timeouts
    found: Snapshot[Mapping[str, FoundModel]] | None = None
    pooled: bool = True
    ref: Ref | None = None
    pacer: Ref | None = None
    absent: str | None = None


class Edition(Struct, frozen=True, kw_only=True):
    """What runs while one configuration is in force. Made whole and published by one reference: an exchange keeps the
    wiring that it began with, to its end.

    Args:
        units: the actors of each provider, by their name in the tree. A provider that has changed has a unit of another
            name, so that the one before can end its streams beside it.
        groups: the maker of each failover group, likewise.
        unit_of: provider -> its unit's name, for those that could be set up.
        group_of: public model name -> its group's name.
        slow_start_s: how long the share of a target that came back grows.
        ring: the client keys.
    """

    view: ConfigView
    wiring: Wiring
    units: Mapping[str, Unit]
    groups: Mapping[str, MakeActor]
    unit_of: Mapping[str, str]
    group_of: Mapping[str, str]
    providers: Mapping[str, ProviderView]
    routes: tuple[RouteSpec, ...]
    slow_start_s: float
    ring: Ring = EMPTY
