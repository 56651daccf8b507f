"""A world on the wire: the real HTTP server and transport between callers and providers that read and write bytes."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from msgspec.structs import replace

from actors.messages import Server, StartAttempt
from actors.runtime import Ref, Tasks, run_virtual
from router.app import kind_rules
from router.app.servers import server_of
from router.settings import load
from tests.simulation.callers import Manners
from tests.simulation.kinds import LATER
from tests.simulation.plan import Plan, draw_plan
from tests.simulation.schedule import EVERYTHING, Limits
from tests.simulation.story import Heard
from tests.simulation.wire import invariants
from tests.simulation.wire.caller import call
from tests.simulation.wire.network import WireLoop
from tests.simulation.wire.peer import WirePeer
from tests.simulation.world import World

FRONT = ("127.0.0.1", 8094)


class WireWorld(World):
    """As `World`, one layer further out. `names` has the callers' names of exchanges by the router's."""

    at_rest = invariants.AT_REST
    at_end = invariants.AT_END

    def __init__(self, plan: Plan, limits: Limits = EVERYTHING) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, WireLoop)
        self.wire = loop
        self.names: dict[str, str] = {}
        self.servers = Tasks("providers")
        super().__init__(plan, limits)

    def _provider(self, name: str) -> WirePeer:
        peer = WirePeer(name, self.plan, self.story, self.schedule)
        peer.prepare(self.servers, self.plan.wire_rate)
        self.wire.peers[_address_of(name)] = peer.knock
        return peer

    def _server(self) -> Server:
        return server_of(
            load(self.plan.settings, {}, kind_rules()),
            make_contexts=lambda desk: self.assembly.contexts(desk),
            on_bug=lambda _, error: self.broken.append(f"handlers_do_not_crash: {error!r}"),
        )

    def _transports(self) -> None:
        """The real ones."""

    def _overhear(self, ref: Ref, message: object) -> None:
        """Facts are kept under the names that callers gave their exchanges, as far as an attempt told them.

        Any other has a name that no caller gives, until its caller tells it: the router counts its own as they theirs.
        """
        if isinstance(message, StartAttempt):
            said = b"".join(bytes(value) for value in message.order.ask.fields.values())
            start = said.index(b"say req-") + len(b"say ")
            self.names[message.order.exchange] = said[start : start + len("req-000000")].decode()
        named = getattr(message, "exchange", None)
        if named is not None:
            message = replace(message, exchange=self.names.get(named, _unnamed(named)))  # type: ignore[type-var]
        super()._overhear(ref, message)

    async def _calling(self, manners: Manners, heard: Heard, _after_s: float) -> None:
        name = await call(self.wire, FRONT, self.story, manners, heard)
        # Who was answered without an attempt is known by what its caller was told.
        self.names.setdefault(name, heard.exchange)
        self.story.rename(_unnamed(name), heard.exchange)


def draw_wire_plan(seed: int, *, most: int = 120) -> Plan:
    """The world of `seed` on the wire."""
    plan = draw_plan(seed, most=most)
    settings: dict[str, Any] = {**plan.settings, "server": {**plan.settings["server"], "port": FRONT[1]}}
    settings["providers"] = {
        name: {**keys, "base_url": f"http://{_address_of(name)[0]}/v1"} for name, keys in settings["providers"].items()
    }
    rates = (0.0, 0.2, 0.6)
    # What is swapped here has no address of its own, and who repeats is known by the name of a task.
    stirred = {name: force for name, force in plan.disturbances.items() if name not in LATER}
    plan = replace(plan, disturbances=stirred, spares={})
    return replace(plan, settings=settings, shuffled=False, wire_rate=rates[seed % 3], rate=plan.rate / 2)


def run_wire_world(plan: Plan, limits: Limits = EVERYTHING) -> WireWorld:
    """The world of a plan, from its beginning to its end."""

    async def main() -> WireWorld:
        current = asyncio.current_task()
        assert current is not None
        current.set_name("world")
        world = WireWorld(plan, limits)
        await world.run()
        return world

    gc.collect()
    gc.disable()
    try:
        return run_virtual(main(), seed=plan.seed, make_loop=WireLoop)
    finally:
        gc.enable()


def _unnamed(exchange: str) -> str:
    return f"unnamed {exchange}"


def _address_of(name: str) -> tuple[str, int]:
    return f"10.0.0.{name.removeprefix('p')}", 80
