"""The press: makes editions of configurations, each out of what the one before it has already."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from msgspec import Raw, Struct, convert
from msgspec.json import decode, encode

from actors.config import Proof, Refusal
from actors.edition import ProviderView
from actors.exchange import Wiring
from actors.group import FailoverGroup, GroupSpec, Readers
from actors.messages import (
    BreakerState,
    ChangeConfig,
    ConfigDocument,
    ConfigFault,
    ConfigRefused,
    ConfigView,
    EntryChange,
    EntryExists,
    EntryMissing,
    PaceView,
)
from actors.pulses import PulseView
from actors.runtime import Snapshot
from actors.scout import Found
from actors.tree import MakeActor, Unit
from router.app.clients import ring_of
from router.app.release import Kinds, Layout, Release, layout_of, pending_keys
from router.app.rules import breaker_rules, lanes, throttle_rules
from router.app.seats import Seat
from router.app.units import UnitRules, Workshop, clocks_of, unit_of
from router.policy.catalog import Dispatch, RouteSpec
from router.settings import ConfigInvalid, Draft, Edit, EntryThere, NoEntry, Origin, Settings, VaultError
from router.store.journal import Worker

Follow = Callable[[], Awaitable[None]]
"""Waits until the source of a configuration may be another."""

_SERIAL = re.compile(r"@[0-9]+\Z")

NO_SOURCE = ConfigRefused(
    faults=(ConfigFault(path="", message="was given by the program that runs this router; there is no file to read"),)
)


class Printing(Struct, frozen=True, kw_only=True):
    """What every edition is printed with.

    Args:
        shop: what units are made with.
        wiring: what an exchange needs of this layout, without the routes and providers that the press puts in.
        readers: where failover groups look.
        source: where the configuration comes from, in words.
    """

    shop: Workshop
    wiring: Callable[[Layout, Mapping[str, str], Mapping[str, str]], Wiring]
    readers: Readers
    source: str
    kinds: Kinds


class Hooks(Struct, frozen=True, kw_only=True):
    """Who follows the edition in force.

    Args:
        learn: secrets of a draft are about to be used.
        take: an edition is in force.
        settle: it alone is.
    """

    learn: Callable[[Settings], None]
    take: Callable[[Release], None]
    settle: Callable[[], None]


class Press:
    """See `actors.config.Press`.

    Args:
        origin: None where the configuration has no source that could change.
        follow: waits until the source may be another.
        worker: where files are read, off the loop.
        hooks: told of each step.
    """

    def __init__(
        self, printing: Printing, *, origin: Origin | None, follow: Follow, worker: Worker, hooks: Hooks
    ) -> None:
        self._printing = printing
        self._origin = origin
        self._follow = follow
        self._worker = worker
        self._hooks = hooks
        self._serial = 0
        self._started: Settings | None = None

    async def draft(self, before: Release, change: ChangeConfig | None) -> Proof[Release] | Refusal:
        """As the Protocol says."""
        origin, kinds = self._origin, self._printing.kinds
        if origin is None:
            return NO_SOURCE

        def read() -> tuple[Layout, Draft | None]:
            draft = None if change is None else origin.draft(_edit(change))
            return layout_of(origin.read() if draft is None else draft.settings, kinds), draft

        try:
            layout, draft = await self._worker.run(read)
        except ConfigInvalid as invalid:
            return _refused(invalid)
        except NoEntry:
            return EntryMissing()
        except EntryThere:
            return EntryExists()
        keep = None if draft is None else partial(self._keep, draft)
        if layout == before.layout:
            return Proof(edition=before, keep=keep)
        self._hooks.learn(layout.settings)
        return Proof(edition=self.print(layout, before), keep=keep)

    async def export(self, before: Release) -> ConfigDocument | ConfigRefused:
        """As the Protocol says."""
        origin = self._origin
        if origin is None:
            return NO_SOURCE
        try:
            document, text = await self._worker.run(lambda: (origin.written(), origin.export().text))
        except ConfigInvalid as invalid:
            return _refused(invalid)
        return ConfigDocument(tag=before.view.tag, json=Raw(encode(document)), yaml=text)

    async def changed(self) -> None:
        """As the Protocol says."""
        await self._follow()

    async def _keep(self, draft: Draft) -> ConfigRefused | None:
        at = self._printing.shop.ports.wall.now()
        try:
            await self._worker.run(lambda: draft.keep(at))
        except (OSError, VaultError) as error:
            why = str(error) if isinstance(error, VaultError) else error.strerror or type(error).__name__
            return ConfigRefused(faults=(ConfigFault(path="", message=f"the change cannot be kept: {why}"),))
        return None

    def take(self, edition: Release) -> None:
        """As the Protocol says."""
        self._hooks.take(edition)

    def settle(self) -> None:
        """As the Protocol says."""
        self._hooks.settle()

    def close(self) -> None:
        """As the Protocol says."""
        self._worker.stop()

    def print(self, layout: Layout, before: Release | None = None) -> Release:
        """An edition of this layout. What is the same as before keeps its actors; what is not gets new ones under names
        of their own."""
        self._serial += 1
        settings = layout.settings
        if self._started is None:
            self._started = settings
        rules = UnitRules(
            breaker=breaker_rules(settings),
            throttle=throttle_rules(settings),
            refused_key_s=settings.breaker.refused_key_s,
        )
        units, unit_names, views = self._units(layout, rules, before)
        groups, group_names = self._groups(layout, before)
        view = ConfigView(
            version=settings.version,
            number=1 if before is None else before.view.number + 1,
            source=self._printing.source,
            public=Raw(settings.shown),
            pending=pending_keys(self._started, settings),
            changes=convert(settings.changes, tuple[EntryChange, ...], from_attributes=True),
        )
        return Release(
            serial=self._serial,
            view=view,
            layout=layout,
            settings=settings,
            seats=layout.seats,
            rules=rules,
            wiring=self._printing.wiring(layout, unit_names, group_names),
            units=units,
            groups=groups,
            unit_of=unit_names,
            group_of=group_names,
            providers=views,
            routes=layout.routes,
            slow_start_s=settings.failover.slow_start_s,
            ring=ring_of(settings),
        )

    def _units(
        self, layout: Layout, rules: UnitRules, before: Release | None
    ) -> tuple[dict[str, Unit], dict[str, str], dict[str, ProviderView]]:
        units: dict[str, Unit] = {}
        names: dict[str, str] = {}
        views: dict[str, ProviderView] = {}
        known = {} if before is None or before.rules != rules else {seat.name: seat for seat in before.seats}
        for seat in layout.seats:
            if before is not None and known.get(seat.name) == seat:
                views[seat.name] = before.providers[seat.name]
                if not seat.absent:
                    names[seat.name] = name = before.unit_of[seat.name]
                    units[name] = before.units[name]
                continue
            name = self._name(seat.name)
            views[seat.name], unit = self._unit(seat, name, rules)
            if unit is not None:
                names[seat.name], units[name] = name, unit
        return units, names, views

    def _unit(self, seat: Seat, name: str, rules: UnitRules) -> tuple[ProviderView, Unit | None]:
        breakers = Snapshot[Mapping[str, BreakerState]]({})
        listing = seat.settings.discovers and seat.kind.spoken(seat.base_url, "").survey is not None
        shop = self._printing.shop
        view = ProviderView(
            models=tuple(model.name for model in seat.models),
            breakers=breakers,
            pace=Snapshot(PaceView(lanes=lanes(seat.settings))),
            pulses=Snapshot(PulseView()),
            timeouts=clocks_of(seat),
            found=Snapshot[Found]({}) if listing else None,
            pooled=Dispatch(seat.settings.dispatch) is not Dispatch.EXCLUSIVE,
            ref=None if seat.absent else shop.ref("providers", name, "provider"),
            pacer=None if seat.absent else shop.ref("providers", name, "pace"),
            absent=seat.absent,
        )
        return view, None if seat.absent else unit_of(seat, name, view, rules, shop)

    def _groups(self, layout: Layout, before: Release | None) -> tuple[dict[str, MakeActor], dict[str, str]]:
        groups: dict[str, MakeActor] = {}
        names: dict[str, str] = {}
        known = {} if before is None else {route.name: route for route in before.routes}
        for route in (*layout.routes, layout.open_route):
            if before is not None and known.get(route.name, before.layout.open_route) == route:
                name = before.group_of[route.name]
                groups[name] = before.groups[name]
            else:
                name = self._name(route.name)
                groups[name] = self._group(route)
            names[route.name] = name
        return groups, names

    def _group(self, route: RouteSpec) -> MakeActor:
        spec = GroupSpec(
            targets=route.targets,
            able=route.able,
            rules=route.rules,
            weights=route.weights,
            max_attempts=route.max_attempts,
            course=route.course,
        )
        return lambda: FailoverGroup(spec=spec, readers=self._printing.readers)

    def _name(self, name: str) -> str:
        """In the tree: as configured at first, later with the serial of the draft; so at once where it looks like one
        with a serial."""
        plain = self._serial == 1 and not _SERIAL.search(name)
        return name if plain else f"{name}@{self._serial}"


def _refused(invalid: ConfigInvalid) -> ConfigRefused:
    return ConfigRefused(faults=tuple(ConfigFault(path=fault.path, message=fault.message) for fault in invalid.faults))


def _edit(change: ChangeConfig) -> Edit:
    keys = None if change.keys is None else decode(change.keys)
    return convert({"section": change.section, "name": change.name, "how": change.how, "keys": keys}, Edit)
