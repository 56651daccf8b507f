"""A world on the wire: the real HTTP server and transport between callers and providers that read and write bytes."""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import Any

from msgspec.json import encode
from msgspec.structs import replace

from actors.messages import AnswerRepeated, ExchangeEnded, Server, StartAttempt
from actors.runtime import Ref, Tasks, run_virtual
from router.app import kind_rules
from router.app.servers import server_of
from router.settings import load
from tests.simulation.callers import Manners
from tests.simulation.plan import Plan, draw_plan
from tests.simulation.provider import ASKED
from tests.simulation.schedule import EVERYTHING, Limits
from tests.simulation.story import Heard
from tests.simulation.swapping import Source, Tree
from tests.simulation.wire import invariants
from tests.simulation.wire.caller import call
from tests.simulation.wire.network import WireLoop
from tests.simulation.wire.peer import WirePeer
from tests.simulation.world import OVERHEARD, TELEMETRY, World, undisturbed

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

    def _source(self) -> Source:
        return Source(self.plan.settings, self._placed)

    def _placed(self, tree: Tree) -> Tree:
        """Each provider where it is to be found, under a path that says how it and its actors are configured."""
        placed = {}
        for name, keys in tree["providers"].items():
            peer = self.providers[name]
            assert isinstance(peer, WirePeer)
            place = blake2b(encode((keys, tree["breaker"])), digest_size=6).hexdigest()
            peer.configured[place] = keys
            placed[name] = {**keys, "base_url": f"http://{_address_of(name)[0]}/{place}/v1"}
        return {**tree, "providers": placed}

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
            found = ASKED.search(said)
            assert found, said
            self.names[message.order.exchange] = found.group(1).decode()
        named = getattr(message, "exchange", None)
        own = message if isinstance(message, ExchangeEnded) else None
        if own is not None and ref.name == TELEMETRY:
            self.story.ends[own.exchange] += 1
        if named is not None and not isinstance(message, AnswerRepeated):
            message = replace(message, exchange=self.names.get(named, _unnamed(named)))  # type: ignore[type-var]
        if ref.name in OVERHEARD:
            self.story.overhear(message, own)

    async def _calling(self, manners: Manners, heard: Heard, after_s: float) -> None:
        if after_s:
            await asyncio.sleep(after_s)
        # All exchanges in the same words are one to providers, who know nothing else of them.
        heard.exchange = heard.asked
        await call(self.wire, FRONT, self.story, manners, heard)
        # Who was answered without an attempt is known by what its caller was told.
        if heard.how is None:
            self.names.setdefault(heard.named, heard.exchange)
            self.story.rename(_unnamed(heard.named), heard.exchange)


def draw_wire_plan(seed: int, *, most: int = 120) -> Plan:
    """The world of `seed` on the wire."""
    plan = draw_plan(seed, most=most)
    settings: dict[str, Any] = {**plan.settings, "server": {**plan.settings["server"], "port": FRONT[1]}}
    rates = (0.0, 0.2, 0.6)
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

    return undisturbed(lambda: run_virtual(main(), seed=plan.seed, make_loop=WireLoop))


def _unnamed(exchange: str) -> str:
    return f"unnamed {exchange}"


def _address_of(name: str) -> tuple[str, int]:
    return f"10.0.0.{name.removeprefix('p')}", 80
